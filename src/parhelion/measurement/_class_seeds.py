"""A classifier trained from several seeds: mean figures, and what one training set gains."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parhelion.classification import confusion, macro_f1
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import resample_groups
from parhelion.measurement._seeds import apart, over_trainings

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def class_seed_figures(
    called: Sequence[ArrayLike],
    truth: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    classes: int | None = None,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Return accuracy and macro F1 of a training set from which classifiers were trained.

    Parameters
    ----------
    called : sequence of array_like
        For each training ``(N,)`` class numbers; the same images in the same order.
    truth : array_like
        ``(N,)`` class numbers.
    groups : array_like, optional
        ``(N,)`` names: images that belong together are resampled together.
    classes : int, optional
        How many there are; one more than the largest number when not given.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples, drawn class by class.

    Returns
    -------
    figures : dict
        ``count``, ``seeds``; and for ``accuracy`` and ``macro_f1`` (of the classes that occur)
        the mean over trainings, and under the same name with ``_of_seeds`` each training's, with
        ``_seeds_interval`` the 95 % interval of that mean (Student's t; None for one training),
        with ``_interval`` that over images.

    Raises
    ------
    InputError
        If there is no image or no training, or the lengths differ.
    """
    calls, true = _checked(called, truth)
    count = classes or int(max(true.max(), calls.max())) + 1
    figures: dict[str, Any] = {"count": len(true), "seeds": len(calls)}
    draws = list(_draws(groups, true, seed, bootstrap))
    figures |= over_trainings("accuracy", partial(_accuracies, calls, true), draws)
    return figures | over_trainings("macro_f1", partial(_f1s, calls, true, count), draws)


def class_seed_difference(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    truth: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Return by how much one training set makes classifiers more accurate than another does.

    Parameters
    ----------
    first, second : sequence of array_like
        Calls of each, as in `class_seed_figures`, on the same images.
    truth, groups, seed, bootstrap
        As in `class_seed_figures`.

    Returns
    -------
    figures : dict
        ``difference`` of the mean accuracies, and its ``interval`` (95 %), in which both the
        images (by group) and the trainings are resampled.
    """
    calls, true = _checked([*first, *second], truth)
    sides = [partial(_accuracies, side, true) for side in np.split(calls, [len(first)])]
    return apart(sides[0], sides[1], list(_draws(groups, true, seed, bootstrap)), seed)


def _checked(called: Sequence[ArrayLike], truth: ArrayLike) -> tuple[Numbers, Numbers]:
    true = np.asarray(truth, np.int64)
    if not len(called) or not len(true):
        raise InputError(f"{len(called)} trainings on {len(true)} images are no measure")
    calls = [np.asarray(values, np.int64) for values in called]
    for values in calls:
        if values.shape != true.shape:
            raise InputError(f"calls {values.shape} and truth {true.shape} must be alike")
    return np.stack(calls), true


def _draws(groups: ArrayLike | None, truth: Numbers, seed: int, bootstrap: int) -> Iterator[Floats]:
    names = np.arange(len(truth)) if groups is None else np.asarray(groups)
    if names.shape != truth.shape:
        raise InputError(f"groups {names.shape} and truth {truth.shape} must be of one length")
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    generator = np.random.default_rng([seed, 17])
    return resample_groups(number.astype(np.int64), truth[first], bootstrap, generator)


def _accuracies(calls: Numbers, truth: Numbers, weights: Floats) -> Floats:
    shares: Floats = (calls == truth) @ weights / weights.sum()
    return shares


def _f1s(calls: Numbers, truth: Numbers, classes: int, weights: Floats) -> Floats:
    return np.array([macro_f1(confusion(one, truth, classes, weights)) for one in calls])
