"""Figures of a classifier: values one can work out by hand, intervals that hold the truth."""

import numpy as np
import pytest

from parhelion.classification import classifier_figures
from parhelion.classification._figures import confusion, macro_f1, softmax
from parhelion.errors import InputError

LABELS = ["a", "b"]


def _sure(called: list[int], confidence: float = 1.0) -> np.ndarray:
    """Probabilities of two classes that call the given ones with one confidence."""
    rows = np.full((len(called), 2), 1 - confidence)
    rows[np.arange(len(called)), called] = confidence
    return rows


def test_figures_of_ten_images() -> None:
    truth = [0] * 6 + [1] * 4
    called = [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]  # 5 of 6, and 2 of 4
    figures = classifier_figures(_sure(called, 0.9), truth, LABELS)
    assert figures["count"] == 10
    assert figures["accuracy"] == pytest.approx(0.7)
    assert figures["balanced_accuracy"] == pytest.approx((5 / 6 + 2 / 4) / 2)
    assert figures["macro_f1"] == pytest.approx((10 / 13 + 4 / 7) / 2)
    assert figures["ece"] == pytest.approx(0.2)  # 0.9 sure, right in 0.7
    assert figures["nll"] == pytest.approx(-0.7 * np.log(0.9) - 0.3 * np.log(0.1))
    assert figures["confusion"] == [[5, 1], [2, 2]]
    assert figures["classes"]["a"]["precision"] == pytest.approx(5 / 7)
    assert figures["classes"]["b"] == {
        "count": 4,
        "called": 3,
        "precision": pytest.approx(2 / 3),
        "precision_wilson": pytest.approx([0.2077, 0.9385], abs=1e-4),
        "recall": 0.5,
        "recall_wilson": pytest.approx([0.1500, 0.8500], abs=1e-4),
        "f1": pytest.approx(4 / 7),
    }
    assert figures["accuracy_wilson"] == pytest.approx([0.3968, 0.8922], abs=1e-4)
    assert figures["reliability"]["count"] == [10]


def test_a_class_never_called_has_no_precision() -> None:
    figures = classifier_figures(_sure([0, 0, 0]), [0, 0, 1], LABELS)
    assert figures["classes"]["b"]["precision"] is None
    assert figures["classes"]["b"]["f1"] == 0
    assert figures["macro_f1"] == pytest.approx(0.4)  # 0.8 and 0


def test_a_class_that_does_not_occur_is_not_averaged() -> None:
    figures = classifier_figures(_sure([0, 0, 1]), [0, 0, 0], LABELS)
    assert figures["balanced_accuracy"] == pytest.approx(2 / 3)
    assert figures["macro_f1"] == pytest.approx(0.8)
    assert figures["classes"]["b"]["recall"] is None
    assert figures["classes"]["b"]["precision"] == 0


def test_intervals_are_wider_where_images_belong_together() -> None:
    rng = np.random.default_rng(5)
    truth = np.repeat([0, 1], 200)
    right = np.repeat(rng.random(40) < 0.7, 10)  # ten copies of forty galaxies
    called = np.where(right, truth, 1 - truth)
    groups = np.repeat(np.arange(40), 10)
    apart = classifier_figures(_sure(called), truth, LABELS)["accuracy_interval"]
    together = classifier_figures(_sure(called), truth, LABELS, groups)["accuracy_interval"]
    # Ten copies tell no more than one: the width grows by the root of ten.
    assert np.ptp(together) / np.ptp(apart) == pytest.approx(np.sqrt(10), rel=0.15)
    assert together[0] < right.mean() < together[1]


def test_the_same_seed_gives_the_same_intervals() -> None:
    probability, truth = _sure([0, 1, 1, 0, 1]), [0, 1, 0, 0, 1]
    first = classifier_figures(probability, truth, LABELS, seed=3)
    assert classifier_figures(probability, truth, LABELS, seed=3) == first


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="no image to measure"):
        classifier_figures(np.zeros((0, 2)), [], LABELS)
    with pytest.raises(InputError, match=r"probabilities \(2, 2\) must be \(2, 3\)"):
        classifier_figures(_sure([0, 1]), [0, 1], ["a", "b", "c"])
    with pytest.raises(InputError, match="must be of one length"):
        classifier_figures(_sure([0, 1]), [0, 1], LABELS, ["x"])


def test_weighted_counts_are_those_of_repeated_images() -> None:
    called, truth = np.array([0, 1, 1]), np.array([0, 0, 1])
    table = confusion(called, truth, 2, np.array([2.0, 1.0, 0.0]))
    assert table.tolist() == [[2, 1], [0, 0]]
    assert macro_f1(np.eye(3)) == 1


def test_softmax_of_large_logits() -> None:
    assert softmax(np.array([[1000.0, 1000.0]])).tolist() == [[0.5, 0.5]]
