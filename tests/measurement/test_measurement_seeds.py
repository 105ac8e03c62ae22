"""Figures over several trainings: worked out by hand, and their two kinds of interval."""

import numpy as np
import pytest

from parhelion.errors import InputError
from parhelion.measurement import seed_difference, seed_figures

MADE = [True, True, True, True, False, False]
RIGHT = [0.9, 0.9, 0.9, 0.9, 0.1, 0.1]
#: One of four made images is missed, one of two observed ones accused.
WORSE = [0.9, 0.9, 0.9, 0.1, 0.1, 0.9]


def test_figures_are_means_over_trainings() -> None:
    figures = seed_figures([RIGHT, WORSE], MADE, bootstrap=20)
    assert figures["accuracy_of_seeds"] == [1.0, (3 / 4 + 1 / 2) / 2]
    assert figures["accuracy"] == pytest.approx(0.8125)
    # 2 TP / (2 TP + FP + FN) with shares 3/4 found, 1/2 accused: 1.5 / (0.75 + 0.5 + 1).
    assert figures["f1_of_seeds"] == [1.0, pytest.approx(2 / 3)]
    # Of 8 pairs the made one of 0.9 beats 0.1 three times and ties with 0.9 three times; the
    # made one of 0.1 ties with 0.1 once.
    assert figures["auc_of_seeds"] == [1.0, pytest.approx((3 + 1.5 + 0.5) / 8)]
    assert (figures["count"], figures["made"], figures["observed"]) == (6, 4, 2)
    assert figures["seeds"] == 2


def test_the_interval_over_trainings_is_student_s() -> None:
    figures = seed_figures([RIGHT, WORSE], MADE, bootstrap=20)
    # Two values d apart: their mean's standard error is d / 2, and t at 97.5 % with one degree
    # of freedom is 12.706.
    reach = 12.7062 * (1 - 0.625) / 2
    low, high = figures["accuracy_seeds_interval"]
    assert (low, high) == (
        pytest.approx(0.8125 - reach, abs=1e-3),
        pytest.approx(0.8125 + reach, abs=1e-3),
    )
    assert seed_figures([RIGHT], MADE, bootstrap=20)["accuracy_seeds_interval"] is None


def test_the_interval_over_images_draws_groups_together() -> None:
    rng = np.random.default_rng(0)
    made = np.repeat([True, False], 200)
    scores = np.where(rng.random(400) < 0.8, made, ~made).astype(float)
    alone = seed_figures([scores], made, seed=1, bootstrap=300)
    # Ten copies of each image are no more than one image.
    tens = [np.repeat(values, 10) for values in (scores, made, np.arange(400))]
    copied = seed_figures([tens[0]], tens[1], tens[2], seed=1, bootstrap=300)
    widths = [high - low for low, high in (f["accuracy_interval"] for f in (alone, copied))]
    assert widths[0] == pytest.approx(2 * 1.96 * (0.8 * 0.2 / 400) ** 0.5, rel=0.25)
    assert widths[1] == pytest.approx(widths[0], rel=0.25)


def test_one_class_alone_has_only_its_own_accuracy() -> None:
    figures = seed_figures([[0.1, 0.2, 0.9, 0.3]], [False] * 4, bootstrap=20)
    assert figures["accuracy"] == 0.75
    assert "auc" not in figures
    assert "f1" not in figures
    assert seed_figures([[0.9, 0.2]], [True] * 2, bootstrap=20)["accuracy"] == 0.5


def test_a_difference_is_of_the_same_images() -> None:
    apart = seed_difference([RIGHT, RIGHT], [WORSE], MADE, bootstrap=200)
    assert apart["difference"] == pytest.approx(0.375)
    assert apart["interval"][0] >= 0  # WORSE never is right where RIGHT is not
    same = seed_difference([WORSE], [WORSE], MADE, bootstrap=50)
    assert same == {"difference": 0.0, "interval": [0.0, 0.0]}


def test_the_same_seed_gives_the_same_intervals() -> None:
    one, same = (seed_figures([WORSE], MADE, seed=3, bootstrap=50) for _ in range(2))
    assert one == same


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(InputError, match="must be alike"):
        seed_figures([RIGHT, RIGHT[:-1]], MADE)
    with pytest.raises(InputError, match="0 trainings"):
        seed_figures([], MADE)
