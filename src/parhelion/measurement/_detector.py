"""Measure a detector from its probabilities: accuracy, ROC, calibration, with intervals.

All figures are weighted means over images, so that a bootstrap resample is a set of weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parhelion._progress import progress
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import normal_interval, percentile_interval, resample_groups

#: Equal-width bins of the reliability curve and the expected calibration error.
BINS = 15
#: At or above this probability an image counts as made.
THRESHOLD = 0.5

_ROC_POINTS = 500


@dataclass(frozen=True)
class RocCurve:
    """The trade between made images found and observed ones accused."""

    false_positive_rate: NDArray[np.float64]
    """``(K,)`` rising from 0 to 1: observed images at or above the threshold."""
    true_positive_rate: NDArray[np.float64]
    """``(K,)`` rising from 0 to 1: made images at or above the threshold."""
    threshold: NDArray[np.float64]
    """``(K,)`` falling, from infinity (nothing counts as made)."""


def detector_figures(
    probability_made: ArrayLike,
    is_made: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Return every figure of a detector, with 95 % intervals.

    Parameters
    ----------
    probability_made : array_like
        ``(N,)`` calibrated probabilities in [0, 1] that an image was made.
    is_made : array_like
        ``(N,)`` booleans, the truth; both classes must occur.
    groups : array_like, optional
        ``(N,)`` names (such as `group_id`): images that belong together are resampled
        together, since they are not independent. Every image by itself when not given.
    weights : array_like, optional
        ``(N,)`` how much each image counts in ``ece_weighted``, such as
        `parhelion.detection.calibration_weights`.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples; groups with only made, only observed and both kinds of image are
        resampled apart, so that every resample has the classes of the whole.

    Returns
    -------
    figures : dict
        What can be written as JSON: ``count``, ``made``, ``observed``; ``accuracy``,
        ``balanced_accuracy``, ``auc``, ``ece`` and ``brier``, each with ``_interval``;
        ``ece_weighted`` where `weights` are given (intervals of both are 1.96 bootstrap standard
        errors to either side, cut at 0: resampling makes them larger); ``confusion``; ``roc`` (at
        most 500 points) and ``reliability`` as lists.

    Raises
    ------
    InputError
        If the lengths differ, a probability is not in [0, 1], or a class is missing.
    """
    probability, made = _checked(probability_made, is_made)
    number, strata = _numbered(groups, made)
    ones = np.ones(len(made))
    figures: dict[str, Any] = {
        "count": len(made),
        "made": int(made.sum()),
        "observed": int((~made).sum()),
        "groups": len(strata),
        "threshold": THRESHOLD,
    }
    draws = resample_groups(number, strata, bootstrap, np.random.default_rng([seed, 6]))
    counts = None if weights is None else np.asarray(weights, np.float64)
    resampled = [
        _figures(probability, made, drawn, counts)
        for drawn in progress(draws, total=bootstrap, what="intervals", unit="resamples")
    ]
    for name, value in _figures(probability, made, ones, counts).items():
        figures[name] = value
        figures[f"{name}_interval"] = _interval(name, value, [r[name] for r in resampled])
    called = probability >= THRESHOLD
    figures["confusion"] = {
        "made_called_made": int((called & made).sum()),
        "made_called_observed": int((~called & made).sum()),
        "observed_called_made": int((called & ~made).sum()),
        "observed_called_observed": int((~called & ~made).sum()),
    }
    figures["roc"] = _thinned(roc_curve(probability, made))
    figures["reliability"] = reliability(probability, made)
    return figures


def _interval(name: str, value: float, resampled: list[float]) -> list[float]:
    if not name.startswith("ece"):
        return list(percentile_interval(resampled))
    # A mean of absolute differences: what resampling adds of noise makes it larger, so that its
    # values may all lie above the figure.
    low, high = normal_interval(value, resampled)
    return [max(0.0, low), high]


def accuracy(probability_made: ArrayLike, is_made: ArrayLike) -> float:
    """Return the part of images that the threshold of 0.5 puts on the right side."""
    return _accuracy(*_weighted(probability_made, is_made))


def balanced_accuracy(probability_made: ArrayLike, is_made: ArrayLike) -> float:
    """Return the mean of the accuracies on made and on observed images."""
    return _balanced_accuracy(*_weighted(probability_made, is_made))


def roc_auc(probability_made: ArrayLike, is_made: ArrayLike) -> float:
    """Return the area under the ROC curve: exact, a tie counts one half.

    The probability that a made image scores above an observed one (Mann-Whitney U).
    """
    return _roc_auc(*_weighted(probability_made, is_made))


def expected_calibration_error(probability_made: ArrayLike, is_made: ArrayLike) -> float:
    """Return how far probabilities are from frequencies, on average over images.

    Naeini et al. 2015, for the probability of *made* itself: in 15 bins of equal width over
    [0, 1], the absolute difference between mean probability and part that is made, weighted
    by the bin's count.
    """
    return _calibration_error(*_weighted(probability_made, is_made))


def brier_score(probability_made: ArrayLike, is_made: ArrayLike) -> float:
    """Return the mean squared difference of probability and truth (Brier 1950)."""
    return _brier(*_weighted(probability_made, is_made))


def roc_curve(probability_made: ArrayLike, is_made: ArrayLike) -> RocCurve:
    """Return the ROC curve: a point per distinct probability, and one for none at all."""
    probability, made = _checked(probability_made, is_made)
    levels, level = np.unique(probability, return_inverse=True)
    true = np.bincount(level, made)[::-1].cumsum() / made.sum()
    false = np.bincount(level, ~made)[::-1].cumsum() / (~made).sum()
    return RocCurve(
        np.concatenate([[0.0], false]),
        np.concatenate([[0.0], true]),
        np.concatenate([[np.inf], levels[::-1]]),
    )


def reliability(probability_made: ArrayLike, is_made: ArrayLike) -> dict[str, list[float]]:
    """Return ``probability``, ``fraction_made`` and ``count`` of each bin that is not empty.

    The bins are those of `expected_calibration_error`.
    """
    probability, made = _checked(probability_made, is_made)
    count, mean, fraction = _binned(probability, made, np.ones(len(made)))
    kept = count > 0
    return {
        "probability": mean[kept].tolist(),
        "fraction_made": fraction[kept].tolist(),
        "count": count[kept].astype(int).tolist(),
    }


def _checked(
    probability_made: ArrayLike, is_made: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probability, made = np.asarray(probability_made, np.float64), np.asarray(is_made, bool)
    if probability.ndim != 1 or probability.shape != made.shape:
        raise InputError(
            f"probabilities {probability.shape} and truth {made.shape} must be two lists of "
            "one length"
        )
    outside = ~((probability >= 0) & (probability <= 1))
    if outside.any():
        at = int(outside.argmax())
        raise InputError(f"probability {probability[at]} of image {at} is not in [0, 1]")
    if made.all() or not made.any():
        raise InputError(
            f"{int(made.sum())} made and {int((~made).sum())} observed images: "
            "a detector is measured on both kinds"
        )
    return probability, made


def _weighted(
    probability_made: ArrayLike, is_made: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    probability, made = _checked(probability_made, is_made)
    return probability, made, np.ones(len(made))


def _numbered(
    groups: ArrayLike | None, made: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the groups from 0; the stratum of each says which classes it has."""
    if groups is None:
        number = np.arange(len(made))
    else:
        names = np.asarray(groups)
        if names.shape != made.shape:
            raise InputError(f"groups {names.shape} and truth {made.shape} must be of one length")
        number = np.unique(names, return_inverse=True)[1].astype(np.int64)
    has_made = np.bincount(number, made) > 0
    has_observed = np.bincount(number, ~made) > 0
    return number, 2 * has_made.astype(np.int64) + has_observed


def _figures(
    probability: NDArray[np.float64],
    made: NDArray[np.bool_],
    drawn: NDArray[np.float64],
    counts: NDArray[np.float64] | None,
) -> dict[str, float]:
    given = probability, made, drawn
    figures = {
        "accuracy": _accuracy(*given),
        "balanced_accuracy": _balanced_accuracy(*given),
        "auc": _roc_auc(*given),
        "ece": _calibration_error(*given),
        "brier": _brier(*given),
    }
    if counts is not None:
        figures["ece_weighted"] = _calibration_error(probability, made, drawn * counts)
    return figures


def _accuracy(
    probability: NDArray[np.float64], made: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    return float(np.average((probability >= THRESHOLD) == made, weights=weights))


def _balanced_accuracy(
    probability: NDArray[np.float64], made: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    right = (probability >= THRESHOLD) == made
    on_made = np.average(right[made], weights=weights[made])
    on_observed = np.average(right[~made], weights=weights[~made])
    return float(on_made + on_observed) / 2


def _roc_auc(
    probability: NDArray[np.float64], made: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    level = np.unique(probability, return_inverse=True)[1]
    of_made = np.bincount(level, weights * made)
    of_observed = np.bincount(level, weights * ~made)
    below = of_observed.cumsum() - of_observed / 2
    return float(of_made @ below / (of_made.sum() * of_observed.sum()))


def _calibration_error(
    probability: NDArray[np.float64], made: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    count, mean, fraction = _binned(probability, made, weights)
    return float(np.abs(mean - fraction) @ count / count.sum())


def _brier(
    probability: NDArray[np.float64], made: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    return float(np.average((probability - made) ** 2, weights=weights))


def _binned(
    probability: NDArray[np.float64], made: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return count, mean probability and part that is made of each bin (0 where empty)."""
    bin_of = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(bin_of, weights, BINS).astype(np.float64)
    divisor = np.where(count > 0, count, 1)
    mean = np.bincount(bin_of, weights * probability, BINS) / divisor
    fraction = np.bincount(bin_of, weights * made, BINS) / divisor
    return count, mean, fraction


def _thinned(curve: RocCurve) -> dict[str, list[float]]:
    """Return evenly chosen points, the ends among them; JSON has no infinity for the first."""
    steps = len(curve.threshold)
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, _ROC_POINTS)).round().astype(int))
    return {
        "false_positive_rate": curve.false_positive_rate[chosen].tolist(),
        "true_positive_rate": curve.true_positive_rate[chosen].tolist(),
        "threshold": np.minimum(curve.threshold[chosen], 1.0).tolist(),
    }
