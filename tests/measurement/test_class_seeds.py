"""Mean figures of classifiers over seeds, on cases that can be counted by hand."""

import numpy as np
import pytest

from parhelion.errors import InputError
from parhelion.measurement import class_seed_difference, class_seed_figures

_TRUTH = [0, 0, 0, 0, 1, 1, 1, 1]
_GOOD = [0, 0, 0, 1, 1, 1, 1, 1]  # 7 of 8
_FAIR = [0, 0, 1, 1, 1, 1, 0, 0]  # 4 of 8


def test_means_are_over_trainings() -> None:
    found = class_seed_figures([_GOOD, _FAIR], _TRUTH, bootstrap=200)
    assert (found["count"], found["seeds"]) == (8, 2)
    assert found["accuracy_of_seeds"] == [7 / 8, 4 / 8]
    assert found["accuracy"] == pytest.approx(11 / 16)
    # Of _GOOD: class 0 has 2 * 3 / (4 + 3), class 1 has 2 * 4 / (4 + 5).
    assert found["macro_f1_of_seeds"][0] == pytest.approx((6 / 7 + 8 / 9) / 2)
    low, high = found["accuracy_interval"]
    assert low < 11 / 16 < high


def test_one_training_has_no_interval_over_seeds() -> None:
    assert class_seed_figures([_GOOD], _TRUTH, bootstrap=5)["accuracy_seeds_interval"] is None


def test_a_perfect_classifier_is_certain() -> None:
    found = class_seed_figures([_TRUTH, _TRUTH], _TRUTH, bootstrap=20)
    assert found["accuracy_interval"] == found["macro_f1_interval"] == [1, 1]


def test_difference_is_of_mean_accuracies() -> None:
    found = class_seed_difference([_GOOD, _GOOD], [_FAIR], _TRUTH, bootstrap=300)
    assert found["difference"] == pytest.approx(3 / 8)
    assert found["interval"][0] < 3 / 8 < found["interval"][1]
    same = class_seed_difference([_GOOD], [_GOOD], _TRUTH, bootstrap=50)
    assert same["difference"] == 0
    assert same["interval"] == [0, 0]


def test_groups_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 20)
    calls = np.where(rng.random(40) < 0.7, truth, 1 - truth)
    alone = class_seed_figures([calls], truth)["accuracy_interval"]
    # Every image ten times over, as one group each: no more certain than once.
    groups = np.tile(np.arange(40), 10)
    many = class_seed_figures([np.tile(calls, 10)], np.tile(truth, 10), groups)
    assert many["accuracy_interval"] == pytest.approx(alone, abs=0.03)


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match=r"calls \(2,\) and truth \(8,\)"):
        class_seed_figures([[0, 1]], _TRUTH)
    with pytest.raises(InputError, match=r"groups \(1,\)"):
        class_seed_figures([_GOOD], _TRUTH, ["a"])
    with pytest.raises(InputError, match="0 trainings"):
        class_seed_figures([], _TRUTH)
