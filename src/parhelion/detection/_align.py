"""What the network says of patches of different sides, made comparable: a line and a band for each.

Small patches tell little, so that their logits stay near 0 whatever the class, while those of large
patches of a made image may lie below 0 and still above what observed images reach. One threshold
for all would call small observed images made, or miss large made ones; one temperature for all
would be too sure of the small ones; and one band for all would leave large ones untold for the sake
of the small.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from parhelion.detection._calibrate import alike, fit_band, fit_line
from parhelion.detection._views import View

Floats = NDArray[np.float64]
#: From which side on it holds, in pixels; temperature; shift.
Line = tuple[int, float, float]
#: From which side on it holds, in pixels; below and above which probability a verdict is given.
Band = tuple[int, float, float]

#: Sides of patches, in pixels, from which on a line and a band of their own hold.
_SIDES = (0, 64, 72, 96)
_FEWEST = 50  # images of a class that a line or a band of its own needs


def sides_of(views: Sequence[View]) -> NDArray[np.int64]:
    """Return the side of the patches of each view, ``(N,)``."""
    return np.array([seen.patches.shape[1] for seen in views], np.int64)


def fit_lines(
    logits: Floats,
    is_made: NDArray[np.bool_],
    sides: NDArray[np.int64],
    sources: Sequence[str] | None = None,
) -> list[Line]:
    """Return, from each side of patches on, the line that calibrates logits best.

    Parameters
    ----------
    logits : ndarray
        ``(N,)`` float64.
    is_made : ndarray
        ``(N,)`` bool; both classes.
    sides : ndarray
        ``(N,)`` int, of the patches that were judged, in pixels.
    sources : sequence of str, optional
        Where each image is from; given these, each source weighs the same within its class.

    Returns
    -------
    lines : list of (int, float, float)
        By rising side: side, temperature, shift; see `fit_line`. Where there are fewer than 50
        images of a class, those of all images.
    """
    overall = fit_line(logits, is_made, sources)
    lines: list[Line] = []
    for side, own in _parts(is_made, sides):
        fitted = overall if own is None else fit_line(logits[own], is_made[own], _of(sources, own))
        lines.append((side, *fitted))
    return lines


def fit_bands(
    probability_made: Floats,
    is_made: NDArray[np.bool_],
    sides: NDArray[np.int64],
    error: float,
    sources: Sequence[str] | None = None,
) -> tuple[list[Band], float]:
    """Return, from each side of patches on, the band within which the detector cannot tell.

    Parameters
    ----------
    probability_made : ndarray
        ``(N,)`` float64.
    is_made : ndarray
        ``(N,)`` bool; both classes.
    sides : ndarray
        ``(N,)`` int, of the patches that were judged, in pixels.
    error : float
        The share of either class that may get the other's verdict.
    sources : sequence of str, optional
        Where each image is from; see `fit_band`.

    Returns
    -------
    bands : list of (int, float, float)
        By rising side: side, and the probabilities below and above which a verdict is given.
        Where there are fewer than 50 images of a class, those of all images.
    error : float
        The largest that was supported.
    """
    overall = fit_band(probability_made, is_made, error, sources)
    bands, most = list[Band](), error
    for side, own in _parts(is_made, sides):
        low, high, supported = (
            overall
            if own is None
            else fit_band(probability_made[own], is_made[own], error, _of(sources, own))
        )
        bands.append((side, low, high))
        most = max(most, supported)
    return bands, most


def calibration_weights(
    is_made: NDArray[np.bool_], sides: NDArray[np.int64], sources: Sequence[str]
) -> Floats:
    """Return how much each image counts where probabilities are fitted.

    A probability says how likely it is that an image was made where half of the images of its size
    were, all sources of a class alike. Images at hand are seldom so: weighed by this they are.

    Parameters
    ----------
    is_made : ndarray
        ``(N,)`` bool; both classes.
    sides : ndarray
        ``(N,)`` int, of the patches that were judged, in pixels.
    sources : sequence of str
        Where each image is from.

    Returns
    -------
    weights : ndarray
        ``(N,)`` float64, whose mean is 1 among the images of a size. Sizes with fewer than 50
        images of a class are taken together; if one class is missing there, all are 0.
    """
    weights = np.zeros(len(is_made))
    rest = np.ones(len(is_made), bool)
    for _, own in _parts(is_made, sides):
        if own is not None:
            weights[own] = own.sum() * alike(is_made[own], _of(sources, own))
            rest &= ~own
    if is_made[rest].any() and not is_made[rest].all():
        weights[rest] = rest.sum() * alike(is_made[rest], _of(sources, rest))
    return weights


def by_size(sides: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield from which side of patches on a line and a band of their own hold, and which are so.

    Parameters
    ----------
    sides : ndarray
        ``(N,)`` int, of the patches that were judged, in pixels.

    Yields
    ------
    side : int
        The least side, in pixels.
    own : ndarray
        ``(N,)`` bool; none may be so.
    """
    number = np.searchsorted(_SIDES, sides, "right") - 1
    for place, side in enumerate(_SIDES):
        yield side, number == place


def limits(sides: NDArray[np.int64], bands: Sequence[Band]) -> Floats:
    """Return the probabilities ``(N, 2)`` below and above which a verdict is given, by side."""
    return np.array([band[1:] for band in bands], np.float64)[_number(sides, bands)]


def log_odds(logits: Floats, sides: NDArray[np.int64], lines: Sequence[Line]) -> Floats:
    """Return logits ``(N,)`` as calibrated log-odds: less their side's shift, over its temperature.

    Parameters
    ----------
    logits : ndarray
        ``(N,)`` float64.
    sides : ndarray
        ``(N,)`` int, of the patches that were judged, in pixels.
    lines : sequence of (int, float, float)
        As `fit_lines` returns them.
    """
    _, _, shifts = zip(*lines, strict=True)
    number = _number(sides, lines)
    found: Floats = (logits - np.array(shifts, np.float64)[number]) / temperatures(sides, lines)
    return found


def temperatures(sides: NDArray[np.int64], lines: Sequence[Line]) -> Floats:
    """Return the temperature ``(N,)`` of each side."""
    _, values, _ = zip(*lines, strict=True)
    return np.array(values, np.float64)[_number(sides, lines)]


def joined(first: Sequence[Line], second: Sequence[Line]) -> list[Line]:
    """Return the lines that do what these do one after the other."""
    lines: list[Line] = []
    for side in sorted({line[0] for line in (*first, *second)}):
        (_, warm, shift), (_, warmer, further) = (
            max(line for line in given if line[0] <= side) for given in (first, second)
        )
        lines.append((side, warm * warmer, shift + warm * further))
    return lines


def _parts(
    is_made: NDArray[np.bool_], sides: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.bool_] | None]]:
    """Yield each side with a mask of its images; None where a class has too few."""
    for side, own in by_size(sides):
        yield side, own if min((own & is_made).sum(), (own & ~is_made).sum()) >= _FEWEST else None


def _of(sources: Sequence[str] | None, own: NDArray[np.bool_]) -> list[str] | None:
    return None if sources is None else np.asarray(sources)[own].tolist()


def _number(sides: NDArray[np.int64], lines: Sequence[Line]) -> NDArray[np.int64]:
    return np.searchsorted([side for side, _, _ in lines], sides, "right") - 1
