"""A detector's figures: worked out by hand, with ties, groups and bad input."""

import json

import numpy as np
import pytest
from numpy.typing import ArrayLike

from parhelion.errors import InputError
from parhelion.measurement import (
    accuracy,
    balanced_accuracy,
    brier_score,
    detector_figures,
    expected_calibration_error,
    reliability,
    roc_auc,
    roc_curve,
)

# Four images, worked out by hand: two observed, then two made.
PROBABILITY = [0.1, 0.6, 0.4, 0.9]
MADE = [False, False, True, True]


def test_figures_by_hand() -> None:
    assert accuracy(PROBABILITY, MADE) == 0.5
    assert brier_score(PROBABILITY, MADE) == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    # Of the pairs (made, observed) only (0.4, 0.6) is the wrong way round.
    assert roc_auc(PROBABILITY, MADE) == 0.75
    # Every image has a bin of its own, so that each is off by its own error.
    assert expected_calibration_error(PROBABILITY, MADE) == pytest.approx(
        (0.1 + 0.6 + 0.6 + 0.1) / 4
    )


def test_balanced_accuracy_does_not_depend_on_the_mix() -> None:
    probability = [0.9, 0.9, 0.9, 0.9, 0.9, 0.1]
    made = [True, True, True, True, False, False]
    assert accuracy(probability, made) == pytest.approx(5 / 6)
    assert balanced_accuracy(probability, made) == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        ([0.2, 0.3, 0.7, 0.8], 1.0),
        ([0.7, 0.8, 0.2, 0.3], 0.0),
        ([0.5, 0.5, 0.5, 0.5], 0.5),  # all tied
        ([0.2, 0.5, 0.5, 0.8], 0.875),  # one tie of four pairs
    ],
)
def test_auc_with_ties(probability: ArrayLike, expected: float) -> None:
    assert roc_auc(probability, MADE) == expected


def test_auc_is_the_part_of_pairs_in_order_and_the_area_under_the_curve() -> None:
    rng = np.random.default_rng(0)
    made = rng.random(300) < 0.3
    probability = (rng.random(300) * 0.6 + 0.3 * made).round(2)  # many ties
    above = np.sign(probability[made][:, None] - probability[~made][None, :])
    assert roc_auc(probability, made) == pytest.approx((above + 1).mean() / 2)
    curve = roc_curve(probability, made)
    area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    assert area == pytest.approx(roc_auc(probability, made))


def test_roc_curve_by_hand() -> None:
    curve = roc_curve(PROBABILITY, MADE)
    assert curve.threshold.tolist() == [np.inf, 0.9, 0.6, 0.4, 0.1]
    assert curve.true_positive_rate.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.false_positive_rate.tolist() == [0, 0, 0.5, 0.5, 1]


def test_reliability_of_a_calibrated_detector() -> None:
    # In a bin of probability 0.8, four of five were made.
    probability, made = [0.8] * 5 + [0.0, 1.0], [True] * 4 + [False] + [False, True]
    assert expected_calibration_error(probability, made) == pytest.approx(0)
    bins = reliability(probability, made)
    assert bins["probability"] == pytest.approx([0, 0.8, 1])
    assert bins["fraction_made"] == pytest.approx([0, 0.8, 1])
    assert bins["count"] == [1, 5, 1]


def test_detector_figures_are_json_with_intervals() -> None:
    rng = np.random.default_rng(0)
    made = np.repeat([False, True], 100)
    probability = np.clip(rng.normal(0.35 + 0.3 * made, 0.15), 0, 1)
    figures = json.loads(json.dumps(detector_figures(probability, made, bootstrap=100)))
    assert (figures["count"], figures["made"], figures["observed"]) == (200, 100, 100)
    assert figures["accuracy"] == accuracy(probability, made)
    assert sum(figures["confusion"].values()) == 200
    right = ("made_called_made", "observed_called_observed")
    assert sum(figures["confusion"][name] for name in right) == 200 * figures["accuracy"]
    for name in ("accuracy", "balanced_accuracy", "auc", "ece", "brier"):
        low, high = figures[f"{name}_interval"]
        assert low < figures[name] < high
    # A standard error of sqrt(p q / n), 0.026 here, and 3.92 of them in an interval.
    low, high = figures["accuracy_interval"]
    p = figures["accuracy"]
    assert high - low == pytest.approx(3.92 * np.sqrt(p * (1 - p) / 200), rel=0.35)
    assert figures["roc"]["true_positive_rate"][-1] == 1


def test_a_calibration_error_lies_within_its_interval() -> None:
    # As well calibrated as can be: all of the error is noise, of which resampling adds as much.
    rng = np.random.default_rng(0)
    probability = rng.random(400)
    made = rng.random(400) < probability
    figures = detector_figures(probability, made, weights=np.ones(400), bootstrap=100)
    for name in ("ece", "ece_weighted"):
        low, high = figures[f"{name}_interval"]
        assert 0 <= low < figures[name] < high


def test_groups_widen_the_interval() -> None:
    # Twenty copies of each of ten images tell no more than ten images.
    probability = np.repeat([0.2, 0.3, 0.4, 0.6, 0.7, 0.3, 0.4, 0.6, 0.7, 0.8], 20)
    made = np.repeat([False] * 5 + [True] * 5, 20)
    groups = np.repeat([f"galaxy {i}" for i in range(10)], 20)

    def width(groups: ArrayLike | None) -> float:
        low, high = detector_figures(probability, made, groups, bootstrap=300)["accuracy_interval"]
        return float(high - low)

    assert width(groups) > 3 * width(None)


def test_a_group_may_hold_both_kinds() -> None:
    probability, made = [0.1, 0.9, 0.2, 0.6], [False, True, False, True]
    figures = detector_figures(probability, made, ["a", "a", "b", "b"], bootstrap=30)
    assert figures["groups"] == 2
    assert figures["auc_interval"] == [1, 1]


def test_same_seed_same_figures() -> None:
    rng = np.random.default_rng(0)
    made = np.repeat([False, True], 20)
    probability = rng.random(40)
    first = detector_figures(probability, made, seed=1, bootstrap=50)
    assert first == detector_figures(probability, made, seed=1, bootstrap=50)
    assert first != detector_figures(probability, made, seed=2, bootstrap=50)


def test_the_curve_is_thinned_for_json() -> None:
    rng = np.random.default_rng(0)
    made = np.arange(3000) % 2 == 0
    roc = detector_figures(rng.random(3000), made, bootstrap=20)["roc"]
    assert len(roc["threshold"]) == 500
    assert roc["false_positive_rate"][0] == 0
    assert roc["false_positive_rate"][-1] == 1


@pytest.mark.parametrize(
    ("probability", "made", "groups", "message"),
    [
        ([0.1, 0.2], [True, True], None, "2 made and 0 observed"),
        ([], [], None, "0 made and 0 observed"),
        ([0.1, 1.2], [True, False], None, r"1\.2 of image 1"),
        ([np.nan, 0.2], [True, False], None, "nan of image 0"),
        ([0.1], [True, False], None, "one length"),
        ([0.1, 0.2], [True, False], ["a"], "groups"),
    ],
)
def test_bad_input_is_refused(
    probability: ArrayLike, made: ArrayLike, groups: ArrayLike | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        detector_figures(probability, made, groups)
