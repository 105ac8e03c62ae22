"""Logits of images that are judged by patches of different sides, made comparable.

Small patches tell little, so that their logits stay near 0 whatever the class, while those of large
patches of a made image may lie below 0 and still above what observed images reach. One threshold
for all would call small observed images made, or miss large made ones.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parhelion.detection._calibrate import fit_line
from parhelion.detection._views import View

Floats = NDArray[np.float64]

#: Sides of patches, in pixels, from which on an offset holds.
_SIDES = (0, 64, 72)
_FEWEST = 50  # images of a class that an offset of its own needs


def fit_offsets(
    logits: Floats, is_made: NDArray[np.bool_], views: Sequence[View]
) -> list[tuple[int, float]]:
    """Return from which side of patches on which logit is as likely made as observed.

    Parameters
    ----------
    logits : ndarray
        ``(N,)`` float64, of the validation part.
    is_made : ndarray
        ``(N,)`` bool; both classes.
    views : sequence of View
        What was judged.

    Returns
    -------
    offsets : list of (int, float)
        By rising side. Where there are fewer than 50 images of a class, that of all images.
    """
    numbers = np.searchsorted(_SIDES, [seen.patches.shape[1] for seen in views], "right") - 1
    overall = fit_line(logits, is_made)[1]
    offsets = []
    for number, side in enumerate(_SIDES):
        mine = numbers == number
        enough = min((mine & is_made).sum(), (mine & ~is_made).sum()) >= _FEWEST
        offsets.append((side, fit_line(logits[mine], is_made[mine])[1] if enough else overall))
    return offsets


def offsets_of(views: Sequence[View], offsets: Sequence[tuple[int, float]]) -> Floats:
    """Return the offset ``(N,)`` of each view."""
    sides, values = zip(*offsets, strict=True)
    places = np.searchsorted(sides, [seen.patches.shape[1] for seen in views], "right") - 1
    return np.array(values, np.float64)[places]
