"""From logits to probabilities one can believe: one temperature, and one shift per class."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from parhelion.classification._figures import softmax

Floats = NDArray[np.float64]

_LOG_TEMPERATURES = (-3.0, 5.0)
_SHIFTS = (-8.0, 8.0)


def fit_calibration(logits: Floats, truth: NDArray[np.int64]) -> tuple[float, list[float]]:
    """Return the temperature T and shifts b for which ``softmax(logits / T + b)`` is calibrated.

    Bias-corrected temperature scaling (Alexandari et al. 2020): training may have shown every
    class equally often, and the shifts bring the shares of the classes back. The
    cross-entropy is minimized with one more image, of all classes alike, spread over the N that
    there are: where all of a small validation part is right, it would else send T to 0.

    Parameters
    ----------
    logits : ndarray
        ``(N, C)`` float64, of the validation part.
    truth : ndarray
        ``(N,)`` class numbers; every class occurs.

    Returns
    -------
    temperature : float
    shifts : list of float
        One per class; the first is 0.
    """
    count, classes = logits.shape
    targets = (count * np.eye(classes)[truth] + 1 / classes) / (count + 1)

    def loss(point: Floats) -> tuple[float, Floats]:
        scale = math.exp(-point[0])
        scaled = logits * scale + np.concatenate([[0.0], point[1:]])
        probability = softmax(scaled)
        top = scaled.max(1, keepdims=True)
        log_total = top[:, 0] + np.log(np.exp(scaled - top).sum(1))
        value = float((log_total - (targets * scaled).sum(1)).mean())
        slope = (probability - targets) / count
        return value, np.concatenate([[-(slope * logits).sum() * scale], slope.sum(0)[1:]])

    bounds = [_LOG_TEMPERATURES] + [_SHIFTS] * (classes - 1)
    found = minimize(loss, np.zeros(classes), jac=True, bounds=bounds, method="L-BFGS-B")
    return math.exp(found.x[0]), [0.0, *(float(shift) for shift in found.x[1:])]
