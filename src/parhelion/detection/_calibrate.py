"""From logits to probabilities one can believe, and to verdicts with a known error."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_TEMPERATURES = (0.02, 400.0)


def fit_line(
    logits: Floats, is_made: Bools, sources: Sequence[str] | None = None
) -> tuple[float, float]:
    """Return T and s for which ``sigmoid((logit - s) / T)`` is best calibrated.

    The cross-entropy is minimized with each class weighing half, against Platt's smoothed
    targets (n + 1) / (n + 2) (Platt 1999, section 2.2): where all of a small validation part is
    right, plain targets would send T to 0 and every probability to 0 or 1.

    Parameters
    ----------
    logits : ndarray
        ``(N,)`` float64.
    is_made : ndarray
        ``(N,)`` bool; both classes.
    sources : sequence of str, optional
        Where each image is from; given these, each source weighs the same within its class.

    Returns
    -------
    temperature, shift : float
        T is in 0.02 to 400; where made images do not have the larger logits it is the largest.
    """
    made, observed = int(is_made.sum()), int((~is_made).sum())
    targets = np.where(is_made, (made + 1) / (made + 2), 1 / (observed + 2))
    weights = alike(is_made, sources)
    # Of logits as large as one the search is quickest.
    size = max(float(np.abs(logits).max()), 1e-12)

    def loss(line: Floats) -> tuple[float, Floats]:
        scaled = line[0] * logits / size + line[1]
        apart = weights * (np.exp(-np.logaddexp(0.0, -scaled)) - targets)
        slopes = np.array([(apart * logits).sum() / size, apart.sum()])
        return float((weights * (np.logaddexp(0.0, scaled) - targets * scaled)).sum()), slopes

    low, high = (size / temperature for temperature in reversed(_TEMPERATURES))
    start = np.array([min(max(size, low), high), 0.0])
    slope, intercept = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(low, high), (None, None)],
        options={"ftol": 1e-12, "gtol": 1e-9},
    ).x  # fmt: skip
    return float(size / slope), float(-intercept * size / slope)


def alike(is_made: Bools, sources: Sequence[str] | None) -> Floats:
    """Return a weight ``(N,)`` of each image: half to a class, shared alike among its sources."""
    names = np.asarray(sources if sources is not None else [""] * len(is_made))
    weights = np.zeros(len(is_made))
    for kind in (is_made, ~is_made):
        found, number, counts = np.unique(names[kind], return_inverse=True, return_counts=True)
        weights[kind] = 0.5 / len(found) / counts[number]
    return weights


def fit_band(
    probability_made: Floats, is_made: Bools, error: float, sources: Sequence[str] | None = None
) -> tuple[float, float, float]:
    """Return the band of probabilities within which the detector cannot tell.

    Split-conformal, class by class (Vovk 2012): an observed image as new as those of the
    validation part lies above the band with probability `error` at most, a made one below it
    likewise. The band always holds 1/2, so that no verdict speaks against its probability. Where
    sources are given, no source's observed images lie above it more often: one survey's must not
    pay for the ease of another's.

    Parameters
    ----------
    probability_made : ndarray
        ``(N,)`` float64, of the validation part.
    is_made : ndarray
        ``(N,)`` bool; both classes.
    error : float
        The share of either class that may get the other's verdict. A part with n images of a
        class can support no less than 1 / (n + 1).
    sources : sequence of str, optional
        Where each image is from.

    Returns
    -------
    low, high, error : float
        Below `low` is "observed", above `high` is "made"; and the error that was supported.
    """
    observed, made = probability_made[~is_made], probability_made[is_made]
    error = max(error, 1 / (len(observed) + 1), 1 / (len(made) + 1))

    def highest(values: Floats) -> float:
        # The 1e-9 keeps (n + 1) * error, when whole but for rounding, from losing one.
        above = max(1, math.floor((len(values) + 1) * error + 1e-9))
        return float(np.sort(values)[-above])

    edges = (highest(observed), -highest(-made), 0.5)
    names = np.asarray(sources if sources is not None else [""] * len(is_made))[~is_made]
    apart = [highest(observed[names == name]) for name in np.unique(names)]
    return min(edges), max(*edges, *apart), error
