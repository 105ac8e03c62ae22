"""Calibration: known temperatures come back, bands hold what they promise."""

import numpy as np
import pytest

from parhelion.detection._calibrate import fit_band, fit_line
from parhelion.detection._figures import auc, balanced_accuracy, balanced_loss, sigmoid


@pytest.mark.parametrize(("factor", "shift"), [(0.5, 0.0), (1.0, -3.0), (4.0, 2.0)])
def test_a_known_line_is_found(factor: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    is_made = rng.random(20_000) < sigmoid(logits)
    found = fit_line(factor * logits + shift, is_made)
    assert found == (pytest.approx(factor, rel=0.1), pytest.approx(shift, abs=0.15 * factor))


def test_few_images_all_right_do_not_make_certain() -> None:
    is_made = np.array([False] * 10 + [True] * 10)
    logits = np.where(is_made, 5.0, -5.0)
    temperature, shift = fit_line(logits, is_made)
    probability = sigmoid((logits - shift) / temperature)
    # Platt's target for 10 of 10 is 11/12.
    assert probability[-1] == pytest.approx(11 / 12, abs=1e-3)
    assert probability[0] == pytest.approx(1 / 12, abs=1e-3)


def test_logits_that_say_the_opposite_are_not_turned_round() -> None:
    is_made = np.arange(40) % 2 == 1
    temperature, shift = fit_line(np.where(is_made, -2.0, 2.0), is_made)
    assert temperature == pytest.approx(400)
    assert sigmoid((np.array([-2.0, 2.0]) - shift) / temperature) == pytest.approx(0.5, abs=0.01)


def test_each_source_weighs_alike() -> None:
    # Many made images of an easy source, few of a hard one that lies lower.
    logits = np.array([-2.0] * 50 + [3.0] * 500 + [0.0] * 5)
    is_made = np.arange(len(logits)) >= 50
    sources = ["sky"] * 50 + ["easy"] * 500 + ["hard"] * 5
    together, apart = fit_line(logits, is_made), fit_line(logits, is_made, sources)
    assert sigmoid((0 - apart[1]) / apart[0]) > sigmoid((0 - together[1]) / together[0])


def test_the_band_by_hand() -> None:
    # Of 19 observed, 0.05 of 20 places is one: the highest. Of 19 made, the lowest.
    observed = np.linspace(0.02, 0.74, 19)
    made = np.linspace(0.31, 0.99, 19)
    is_made = np.array([False] * 19 + [True] * 19)
    low, high, error = fit_band(np.concatenate([observed, made]), is_made, 0.05)
    assert (low, high) == (pytest.approx(0.31), pytest.approx(0.74))
    assert error == 0.05


def test_separated_classes_leave_the_gap_between_them_open() -> None:
    probability = np.array([0.01, 0.02, 0.1, 0.9, 0.97, 0.99])
    is_made = np.array([False] * 3 + [True] * 3)
    low, high, error = fit_band(probability, is_made, 0.05)
    assert (low, high) == (0.1, 0.9)
    assert error == 0.25  # 1 / (3 + 1): more is not to be had from three images


def test_the_band_always_holds_one_half() -> None:
    probability = np.array([0.6, 0.62, 0.7, 0.64, 0.66, 0.8])
    is_made = np.array([False] * 3 + [True] * 3)
    low, high, _ = fit_band(probability, is_made, 0.05)
    assert low == 0.5
    assert high == 0.7


def test_no_source_pays_for_another() -> None:
    easy, hard = np.linspace(0.01, 0.2, 60), np.linspace(0.5, 0.88, 20)
    made = np.linspace(0.3, 0.99, 80)
    probability = np.concatenate([easy, hard, made])
    is_made = np.arange(160) >= 80
    sources = ["easy"] * 60 + ["hard"] * 20 + ["made"] * 80
    together, apart = (fit_band(probability, is_made, 0.05, names) for names in (None, sources))
    assert (probability[60:80] > together[1]).sum() == 3
    assert (probability[60:80] > apart[1]).sum() == 0  # 0.05 of 21 places is one: the highest
    assert together[0] == apart[0]


def test_the_promised_error_holds_on_new_images() -> None:
    rng = np.random.default_rng(1)

    def sample(count: int) -> tuple[np.ndarray, np.ndarray]:
        is_made = np.arange(count) % 2 == 1
        return sigmoid(rng.normal(np.where(is_made, 1.0, -1.0), 1.0)), is_made

    low, high, _ = fit_band(*sample(2000), error=0.1)
    probability, is_made = sample(20_000)
    # 0.1 give or take three standard deviations of both samplings.
    assert (probability[~is_made] > high).mean() == pytest.approx(0.1, abs=0.035)
    assert (probability[is_made] < low).mean() == pytest.approx(0.1, abs=0.035)


def test_the_scalars_by_hand() -> None:
    is_made = np.array([False, False, False, True])
    # One pair won, one tied, one lost.
    assert auc(np.array([0.1, 0.5, 0.9, 0.5]), is_made) == pytest.approx(0.5)
    assert balanced_accuracy(np.array([True, False, False, True]), is_made) == pytest.approx(5 / 6)
    assert balanced_loss(np.zeros(4), is_made) == pytest.approx(np.log(2))
    assert balanced_loss(np.array([0, 0, 0, 800.0]), is_made) == pytest.approx(np.log(2) / 2)
    assert sigmoid(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.5, 1.0]
