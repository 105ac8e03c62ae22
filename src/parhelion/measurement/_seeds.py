"""A configuration trained from several seeds: mean figures, over seeds and over images.

Every figure weighs observed and made images alike, whatever their numbers.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from parhelion.errors import InputError
from parhelion.measurement._bootstrap import LEVEL, percentile_interval, resample_groups
from parhelion.measurement._detector import THRESHOLD, _numbered, _roc_auc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def seed_figures(
    probabilities: Sequence[ArrayLike],
    is_made: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Return accuracy, F1 and AUC of a configuration that was trained several times.

    Parameters
    ----------
    probabilities : sequence of array_like
        For each training, ``(N,)`` probabilities in [0, 1] that an image was made; the same
        images in the same order.
    is_made : array_like
        ``(N,)`` booleans, the truth. Where one class is missing, accuracy is that on the other,
        and there is neither F1 nor AUC.
    groups : array_like, optional
        ``(N,)`` names: images that belong together are resampled together.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples.

    Returns
    -------
    figures : dict
        ``count``, ``made``, ``observed``, ``seeds``; and for each of ``accuracy`` (balanced),
        ``f1`` (of "made", at equal numbers of both classes) and ``auc`` its mean over the
        trainings, and under the same name with ``_of_seeds`` each training's, with
        ``_seeds_interval`` the 95 % interval of the mean over trainings (Student's t; None for
        one), with ``_interval`` that over images (bootstrap of groups).

    Raises
    ------
    InputError
        If there is no image or no training, or the lengths differ.
    """
    scores, made = _checked(probabilities, is_made)
    both = bool(made.any() and not made.all())
    names = ("accuracy", "f1", "auc") if both else ("accuracy",)
    figures: dict[str, Any] = {
        "count": len(made),
        "made": int(made.sum()),
        "observed": int((~made).sum()),
        "seeds": len(scores),
    }
    draws = list(_draws(groups, made, seed, bootstrap))
    for name in names:
        figures |= over_trainings(name, partial(_FIGURES[name], scores, made), draws)
    return figures


def over_trainings(
    name: str, figure: Callable[[Floats], Floats], draws: Sequence[Floats]
) -> dict[str, Any]:
    """Return the mean of a figure over trainings, with its intervals; see `seed_figures`.

    Parameters
    ----------
    name : str
        What the results are called.
    figure : callable
        Takes the weight of each image ``(N,)``; returns the figure of each training ``(S,)``.
    draws : sequence of ndarray
        Weights of a bootstrap.
    """
    values = figure(np.ones(len(draws[0])))
    return {
        name: float(values.mean()),
        f"{name}_of_seeds": values.tolist(),
        f"{name}_seeds_interval": _over_seeds(values),
        f"{name}_interval": list(percentile_interval([figure(d).mean() for d in draws])),
    }


def seed_difference(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    is_made: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Return by how much one configuration is more accurate than another on the same images.

    Parameters
    ----------
    first, second : sequence of array_like
        Probabilities of each, as in `seed_figures`.
    is_made, groups, seed, bootstrap
        As in `seed_figures`.

    Returns
    -------
    figures : dict
        ``difference`` of the mean accuracies, and its ``interval`` (95 %), in which both the
        images (by group) and the trainings are resampled.
    """
    scores, made = _checked([*first, *second], is_made)
    sides = [partial(_accuracy, side, made) for side in np.split(scores, [len(first)])]
    return apart(sides[0], sides[1], list(_draws(groups, made, seed, bootstrap)), seed)


def apart(
    first: Callable[[Floats], Floats],
    second: Callable[[Floats], Floats],
    draws: Sequence[Floats],
    seed: int,
) -> dict[str, Any]:
    """Return the difference of two mean figures and its interval; see `seed_difference`.

    Parameters
    ----------
    first, second : callable
        As `figure` in `over_trainings`.
    draws : sequence of ndarray
        Weights of a bootstrap of the images; the trainings are resampled here.
    seed : int
        Of that.
    """
    generator = np.random.default_rng([seed, 18])
    ones = np.ones(len(draws[0]))
    values = []
    for weights in draws:
        means = []
        for figure in (first, second):
            found = figure(weights)
            means.append(found[generator.integers(len(found), size=len(found))].mean())
        values.append(means[0] - means[1])
    difference = first(ones).mean() - second(ones).mean()
    return {"difference": float(difference), "interval": list(percentile_interval(values))}


def _checked(probabilities: Sequence[ArrayLike], is_made: ArrayLike) -> tuple[Floats, Bools]:
    made = np.asarray(is_made, bool)
    if not len(probabilities) or not len(made):
        raise InputError(f"{len(probabilities)} trainings on {len(made)} images are no measure")
    scores = [np.asarray(values, np.float64) for values in probabilities]
    for values in scores:
        if values.shape != made.shape:
            raise InputError(f"probabilities {values.shape} and truth {made.shape} must be alike")
    return np.stack(scores), made


def _draws(groups: ArrayLike | None, made: Bools, seed: int, bootstrap: int) -> Any:
    number, strata = _numbered(groups, made)
    return resample_groups(number, strata, bootstrap, np.random.default_rng([seed, 17]))


def _called_made(scores: Floats, weights: Floats, side: Bools) -> Floats:
    """Return the weighted share of the images of `side` that are called made: ``(S,)``."""
    share: Floats = (scores[:, side] >= THRESHOLD) @ weights[side] / weights[side].sum()
    return share


def _accuracy(scores: Floats, made: Bools, weights: Floats) -> Floats:
    """Return the mean of the accuracies on the classes that occur: ``(S,)``."""
    shares = []
    if made.any():
        shares.append(_called_made(scores, weights, made))
    if not made.all():
        shares.append(1 - _called_made(scores, weights, ~made))
    accuracy: Floats = np.mean(shares, axis=0)
    return accuracy


def _f1(scores: Floats, made: Bools, weights: Floats) -> Floats:
    """Return 2 TP / (2 TP + FP + FN), both classes having the same weight: ``(S,)``."""
    found, accused = (_called_made(scores, weights, side) for side in (made, ~made))
    return 2 * found / (found + accused + 1)


def _auc(scores: Floats, made: Bools, weights: Floats) -> Floats:
    return np.array([_roc_auc(values, made, weights) for values in scores])


def _over_seeds(values: Floats) -> list[float] | None:
    """Return the 95 % interval of the mean of few values, by Student's t."""
    if len(values) < 2:
        return None
    reach = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return [float(values.mean() - reach), float(values.mean() + reach)]


_FIGURES: dict[str, Callable[[Floats, Bools, Floats], Floats]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "auc": _auc,
}
