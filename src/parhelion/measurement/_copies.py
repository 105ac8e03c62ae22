"""What counts as a copy: much nearer to one real image than to the next ones.

SSIM alone does not tell copies: two small round sources on dark sky are alike whoever made
them, and a copy with other noise is less alike than they. What tells a copy is that it is near
to *one* real image and not to others (as the ratio of nearest to second-nearest distance in
Yoon et al. 2023 and Gu et al. 2023, here with 1 - SSIM and the mean of the next four).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parhelion.errors import InputError

#: Indices and scores of nearest images, best first.
Found = tuple[NDArray[np.int64], NDArray[np.float64]]

#: The next nearest images whose mean distance is compared with.
NEXT = 4
#: Share of real images that may stand out as copies do.
_RARE = 0.01
#: Distinctness below which a copy must be almost exact to stand out.
_TELLING = 0.3
#: Below this an image is a copy whatever is usual: two equal real images of different groups would
#: otherwise hide every copy there is.
_EXACT = 0.05


@dataclass(frozen=True)
class Null:
    """What is usual among real images: each one's nearest other, of another group.

    Attributes
    ----------
    distinct : float
        Images whose `distinctness` is below this stand out: what was asked for, or the
        hundredth part of real images that stand out most, if that is less, but for what is almost
        exact. Smooth images of few shapes need it: there the nearest is often much nearer than the
        next.
    least : float or None
        Least distinctness of a real image.
    twins : int
        Real images that stand out: likely duplicates in different groups. They are left out of
        `threshold` and `median`; one unknown pair of duplicates would otherwise raise the
        threshold to 1, and nothing could exceed it.
    threshold : float
        Greatest SSIM: what two different real objects reach.
    median : float
        Middle SSIM.
    """

    distinct: float
    least: float | None
    twins: int
    threshold: float
    median: float


def distinctness(
    indices: NDArray[np.int64], scores: NDArray[np.float64], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the distance from the nearest image over the mean one from the next.

    Parameters
    ----------
    indices, scores : ndarray
        ``(N, k)`` nearest images, best first, and their SSIM; index -1 where there is none.
    groups : ndarray
        ``(M,)`` int64: the next images are of other groups than the nearest one.

    Returns
    -------
    ratio : ndarray
        ``(N,)`` float64 from 0 (equal to one, unlike the others) to 1 (as far from all);
        NaN where the `k` nearest are of one group.
    """
    others = (indices >= 0) & (groups[indices] != groups[indices[:, :1]])
    # The next four; whatever lies beyond would depend on how many were asked for.
    others &= np.cumsum(others, axis=1) <= NEXT
    count = others.sum(1)
    distances = np.where(others, 1 - scores, 0).sum(1)
    nearest = 1 - scores[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = nearest * count / distances
    # Equal to the nearest and to the next ones: as far from all.
    return np.where(count == 0, np.nan, np.where(distances <= 0, 1.0, ratio))


def distinctness_apart(
    indices: NDArray[np.int64],
    scores: NDArray[np.float64],
    groups: NDArray[np.int64],
    seek: Callable[[NDArray[np.int64], NDArray[np.int64]], Found],
) -> NDArray[np.float64]:
    """Return the `distinctness` of images, also where the nearest all show one object.

    Parameters
    ----------
    indices, scores, groups
        See `distinctness`.
    seek : function
        From ``(n,)`` rows of images and the group that each is not to be compared with, returns
        indices and scores of the `NEXT` nearest of other groups.
    """
    ratios = distinctness(indices, scores, groups)
    same = groups[indices] == groups[indices[:, :1]]
    others = ((indices >= 0) & ~same).sum(1)
    narrow = np.flatnonzero((others < NEXT) & (indices[:, -1] >= 0))
    if narrow.size:
        further, their = seek(narrow, groups[indices[narrow, 0]])
        ratios[narrow] = distinctness(
            np.hstack([indices[narrow, :1], further]),
            np.hstack([scores[narrow, :1], their]),
            groups,
        )
    return ratios


def summarize_null(
    scores: NDArray[np.float64], ratios: NDArray[np.float64], distinct: float
) -> Null:
    """Summarize real images' nearest others.

    Parameters
    ----------
    scores, ratios : ndarray
        ``(N,)`` float64: SSIM with the nearest other one, ``-inf`` where there is none; and
        `distinctness`.
    distinct : float
        Greatest distinctness at which an image may stand out.

    Raises
    ------
    InputError
        If no real image has another one of another group.
    """
    found = np.isfinite(scores)
    if not found.any():
        raise InputError(
            "all real images are of one group, so none says how alike different ones are; "
            "give a catalog of several objects"
        )
    known = ratios[np.isfinite(ratios)]
    rare = float(np.quantile(known, _RARE, method="lower")) if known.size else distinct
    if rare < _TELLING:
        logging.getLogger(__name__).warning(
            "some real images are as near to one another as copies are (distinctness %.2f): only "
            "almost exact copies are flagged; group duplicates, as `parhelion ingest` does",
            rare,
        )
    distinct = min(distinct, max(rare, _EXACT))
    twins = found & (ratios < distinct)
    usual = scores[found & ~twins]
    return Null(
        distinct,
        float(known.min()) if known.size else None,
        int(twins.sum()),
        float(usual.max()),
        float(np.median(usual)),
    )


def copies(
    scores: NDArray[np.float64], ratios: NDArray[np.float64], null: Null
) -> NDArray[np.bool_]:
    """Return which images are copies: they stand out, and are nearer than real ones usually are.

    Parameters
    ----------
    scores, ratios : ndarray
        ``(N,)`` float64: SSIM with the nearest real image, and `distinctness`.
    null : Null
        What is usual.
    """
    return np.asarray((ratios < null.distinct) & (scores > null.median))
