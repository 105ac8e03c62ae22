"""Where each galaxy goes, how large, how bright and how turned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from parhelion.sky._field_model import FieldModel

_STREAM = 2  # of the key; the sky has another
_COLUMNS = 8  # random numbers to an object, so that each has its own stretch of the stream
# Smoothing of the drawn sizes and fluxes, in e-folds: no two galaxies are quite alike.
_JITTER = 0.08
# Scatter of the match between drawn and given surface brightness, as a share of the ranks.
_SCATTER = 0.1
#: Blur of a galaxy that is much reduced, as a Gaussian's RMS in pixels of the view: a little
#: more than the box of a pixel itself (12**-0.5), so that nothing aliases.
BLUR = 0.35


@dataclass(frozen=True)
class Placement:
    """Parameters of every object, ``(N,)`` each.

    Attributes
    ----------
    x, y : ndarray
        Center, 0-based pixels of the view, float64.
    stamp : ndarray
        Index of its stamp, int64.
    angle : ndarray
        Turn from +x towards +y, radians; after the flip.
    flipped : ndarray
        Whether mirrored left to right, bool.
    zoom : ndarray
        Size in the view to size in the stamp.
    a : ndarray
        Semi-major axis to come out, in pixels.
    flux : ndarray
        Luma flux to give it above its isophote, in display units.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    stamp: NDArray[np.int64]
    angle: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    zoom: NDArray[np.float64]
    a: NDArray[np.float64]
    flux: NDArray[np.float64]


def place(
    model: FieldModel,
    stamp_a: NDArray[np.float64],
    stamp_flux: NDArray[np.float64],
    *,
    count: int,
    size: int,
    seed: int,
    max_enlarge: float,
) -> Placement:
    """Draw the parameters of `count` objects.

    Places are uniform. Size and flux are drawn together from the field's sources, smoothed by
    8 %. Stamps are all used equally often, and go to draws of like surface brightness, so that
    little has to be brightened or dimmed. Where a stamp would be enlarged more than allowed,
    its size is capped, and its flux with it at the same surface brightness.

    Parameters
    ----------
    model : FieldModel
        The field to follow.
    stamp_a, stamp_flux : ndarray
        ``(M,)`` float64: semi-major axis of the stamps, and flux above their isophotes.
    """
    philox = np.random.Philox(key=np.array([seed, _STREAM], np.uint64))
    draws = np.random.Generator(philox).random((count, _COLUMNS))
    normal = ndtri(np.clip(draws[:, 4:7], 1e-9, 1 - 1e-9))
    source = (draws[:, 7] * len(model.a)).astype(np.int64)
    a = model.a[source] * np.exp(_JITTER * normal[:, 0])
    flux = model.flux[source] * np.exp(_JITTER * normal[:, 1])
    stamp = _match(flux / a**2, stamp_flux / stamp_a**2, normal[:, 2])
    zoom = _zoom(a, stamp_a[stamp])
    capped = np.minimum(zoom, max_enlarge)
    return Placement(
        x=draws[:, 0] * size - 0.5,
        y=draws[:, 1] * size - 0.5,
        stamp=stamp,
        angle=2 * np.pi * draws[:, 2],
        flipped=draws[:, 3] < 0.5,
        zoom=capped,
        a=a * capped / zoom,
        flux=flux * (capped / zoom) ** 2,
    )


def _match(
    wanted: NDArray[np.float64], given: NDArray[np.float64], scatter: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return a stamp for each object: like ranks in surface brightness, with some scatter."""
    count, stamps = len(wanted), len(given)
    rank = np.empty(count)
    rank[np.argsort(wanted, kind="stable")] = (np.arange(count) + 0.5) / count
    order = np.argsort(rank + _SCATTER * scatter, kind="stable")
    sorted_stamps = np.argsort(given, kind="stable")
    chosen = np.empty(count, np.int64)
    chosen[order] = sorted_stamps[np.arange(count) * stamps // count]
    return chosen


def _zoom(a: NDArray[np.float64], stamp_a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the zoom that gives size `a`.

    Shrinking blurs (see `turn`), hence
    ``a**2 = (zoom * stamp_a)**2 + BLUR**2 * (1 - zoom**2)`` for a zoom below 1.
    """
    plain = a / stamp_a
    least = 0.01
    blurred = np.sqrt(np.maximum(a**2 - BLUR**2, least) / np.maximum(stamp_a**2 - BLUR**2, least))
    return np.where(plain < 1, np.minimum(blurred, 1.0), plain)
