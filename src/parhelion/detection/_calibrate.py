"""From logits to probabilities one can believe, and to verdicts with a known error."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LOG_TEMPERATURES = (-4.0, 6.0)


def fit_temperature(logits: Floats, is_made: Bools) -> float:
    """Return the temperature T for which ``sigmoid(logit / T)`` is best calibrated.

    The cross-entropy is minimized with each class weighing half (Guo et al. 2017), against
    Platt's smoothed targets (n + 1) / (n + 2) (Platt 1999, section 2.2): where all of a small
    validation part is right, plain targets would send T to 0 and every probability to 0 or 1.

    Parameters
    ----------
    logits : ndarray
        ``(N,)`` float64.
    is_made : ndarray
        ``(N,)`` bool; both classes.
    """
    made, observed = int(is_made.sum()), int((~is_made).sum())
    targets = np.where(is_made, (made + 1) / (made + 2), 1 / (observed + 2))
    weights = np.where(is_made, 0.5 / made, 0.5 / observed)

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        return float((weights * (np.logaddexp(0.0, scaled) - targets * scaled)).sum())

    return math.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x)


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
