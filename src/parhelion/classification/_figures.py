"""Figures of a classifier from its probabilities: accuracy, F1, calibration, with intervals.

All follow from weighted counts, so that a bootstrap resample is a set of weights.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parhelion._intervals import wilson_interval
from parhelion.errors import InputError

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

#: Equal-width bins of the reliability curve and the expected calibration error.
BINS = 15
_LEVEL = 0.95


def classifier_figures(
    probability: ArrayLike,
    truth: ArrayLike,
    labels: Sequence[str],
    groups: ArrayLike | None = None,
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Return every figure of a classifier, with 95 % intervals.

    Parameters
    ----------
    probability : array_like
        ``(N, C)`` calibrated probabilities; rows sum to 1.
    truth : array_like
        ``(N,)`` class numbers in [0, C).
    labels : sequence of str
        The C classes.
    groups : array_like, optional
        ``(N,)`` names (such as `group_id`): images that belong together are resampled
        together, since they are not independent. Every image by itself when not given.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples, drawn class by class (a group goes with its first image's class).

    Returns
    -------
    figures : dict
        What can be written as JSON. ``count``; ``accuracy``, ``balanced_accuracy`` (mean recall)
        and ``macro_f1`` (both over the classes that occur), ``ece`` (of the probability of the
        called class, in 15 bins; Naeini et al. 2015) and ``nll`` (mean negative
        log-likelihood), each with a bootstrap ``_interval``;
        ``accuracy_wilson``; ``classes``: for each class `count`, `called`, `precision`, `recall`
        (with Wilson intervals; None where undefined) and `f1`; ``confusion``: C rows of true
        class, C columns of called class; ``reliability``: ``confidence``, ``accuracy`` and
        ``count`` of the bins that hold any.

    Raises
    ------
    InputError
        If the shapes differ, or there is no image.
    """
    probability, truth = np.asarray(probability, np.float64), np.asarray(truth, np.int64)
    count = len(truth)
    if probability.shape != (count, len(labels)):
        raise InputError(
            f"probabilities {probability.shape} must be ({count}, {len(labels)}): images, classes"
        )
    if not count:
        raise InputError("no image to measure a classifier on")
    names = np.arange(count) if groups is None else np.asarray(groups)
    if names.shape != truth.shape:
        raise InputError(f"groups {names.shape} and truth {truth.shape} must be of one length")
    whole = _summary(probability, truth, np.ones(count))
    resampled = [
        _summary(probability, truth, weights)
        for weights in _resamples(names, truth, bootstrap, np.random.default_rng([seed, 17]))
    ]
    figures: dict[str, Any] = {"count": count, "groups": len(np.unique(names))}
    for name, value in whole.items():
        figures[name] = value
        tails = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
        figures[f"{name}_interval"] = np.quantile([r[name] for r in resampled], tails).tolist()
    called = probability.argmax(1)
    table = confusion(called, truth, len(labels)).astype(np.int64)
    figures["accuracy_wilson"] = wilson_interval(int(np.trace(table)), count)
    figures["classes"] = {name: _of_class(table, k) for k, name in enumerate(labels)}
    figures["confusion"] = table.tolist()
    figures["reliability"] = _reliability(probability, truth)
    return figures


def confusion(
    called: Numbers, truth: Numbers, classes: int, weights: Floats | None = None
) -> Floats:
    """Return counts ``(C, C)`` float64: rows are true classes, columns those called."""
    cells = np.bincount(truth * classes + called, weights, classes * classes).astype(np.float64)
    return cells.reshape(classes, classes)


def macro_f1(table: Floats) -> float:
    """Return the mean F1 (harmonic mean of precision and recall) of the classes that occur."""
    occurs = table.sum(1) > 0
    f1 = 2 * np.diag(table)[occurs] / (table.sum(0) + table.sum(1))[occurs]
    return float(np.mean(f1))


def balanced_accuracy(table: Floats) -> float:
    """Return the mean recall of the classes that occur."""
    occurs = table.sum(1) > 0
    return float(np.mean(np.diag(table)[occurs] / table.sum(1)[occurs]))


def softmax(logits: Floats) -> Floats:
    """Return probabilities ``(N, C)`` of logits ``(N, C)``."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    probability: Floats = powers / powers.sum(1, keepdims=True)
    return probability


def _summary(probability: Floats, truth: Numbers, weights: Floats) -> dict[str, float]:
    table = confusion(probability.argmax(1), truth, probability.shape[1], weights)
    own = probability[np.arange(len(truth)), truth]
    return {
        "accuracy": float(np.trace(table) / table.sum()),
        "balanced_accuracy": balanced_accuracy(table),
        "macro_f1": macro_f1(table),
        "ece": _calibration_error(probability, truth, weights),
        "nll": float(np.average(-np.log(np.maximum(own, 1e-12)), weights=weights)),
    }


def _resamples(
    names: NDArray[Any], truth: Numbers, replicates: int, generator: np.random.Generator
) -> list[Floats]:
    """Return how often each image is drawn in each replicate, whole groups class by class."""
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    stratum = truth[first]  # of each group
    drawn = np.empty((replicates, len(first)))
    for kind in np.unique(stratum):
        own = np.flatnonzero(stratum == kind)
        drawn[:, own] = generator.multinomial(
            len(own), np.full(len(own), 1 / len(own)), size=replicates
        )
    return list(drawn[:, number])


def _binned(probability: Floats, truth: Numbers, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return count, mean confidence and accuracy of each bin (0 where empty)."""
    called = probability.argmax(1)
    confidence = probability.max(1)
    bin_of = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(bin_of, weights, BINS).astype(np.float64)
    divisor = np.where(count > 0, count, 1)
    mean = np.bincount(bin_of, weights * confidence, BINS) / divisor
    right = np.bincount(bin_of, weights * (called == truth), BINS) / divisor
    return count, mean, right


def _calibration_error(probability: Floats, truth: Numbers, weights: Floats) -> float:
    count, mean, right = _binned(probability, truth, weights)
    return float(np.abs(mean - right) @ count / count.sum())


def _reliability(probability: Floats, truth: Numbers) -> dict[str, list[float]]:
    count, mean, right = _binned(probability, truth, np.ones(len(truth)))
    held = count > 0
    return {
        "confidence": mean[held].tolist(),
        "accuracy": right[held].tolist(),
        "count": count[held].astype(int).tolist(),
    }


def _of_class(table: NDArray[np.int64], k: int) -> dict[str, Any]:
    hits, true, called = int(table[k, k]), int(table[k].sum()), int(table[:, k].sum())
    return {
        "count": true,
        "called": called,
        "precision": hits / called if called else None,
        "precision_wilson": wilson_interval(hits, called),
        "recall": hits / true if true else None,
        "recall_wilson": wilson_interval(hits, true),
        "f1": 2 * hits / (true + called) if true else None,
    }
