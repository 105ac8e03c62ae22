"""Calibration: it finds the temperature and the shifts that were put in."""

import numpy as np
import pytest

from parhelion.classification._calibrate import fit_calibration
from parhelion.classification._figures import softmax


def _drawn(temperature: float, shifts: list[float], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes that follow ``softmax(logits / temperature + shifts)``."""
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, (count, len(shifts)))
    chance = softmax(logits / temperature + np.array(shifts)).cumsum(1)
    return logits, (rng.random((count, 1)) > chance).sum(1)


def test_it_finds_temperature_and_shifts() -> None:
    logits, truth = _drawn(2.0, [0.0, -1.0, 0.5], 20_000)
    temperature, shifts = fit_calibration(logits, truth)
    # Standard errors are near 0.03 with so many images.
    assert temperature == pytest.approx(2.0, abs=0.1)
    assert shifts == pytest.approx([0.0, -1.0, 0.5], abs=0.12)


def test_a_small_part_that_is_all_right_does_not_make_it_certain() -> None:
    logits = np.array([[5.0, 0.0], [0.0, 5.0]] * 4)
    temperature, shifts = fit_calibration(logits, np.array([0, 1] * 4))
    # A ninth image, half of each class, makes it 17 to 1, so that 5 / T = log 17.
    assert temperature == pytest.approx(5 / np.log(17), rel=1e-3)
    assert shifts == pytest.approx([0, 0], abs=1e-4)


def test_rare_classes_do_not_make_it_doubt_the_others() -> None:
    sizes = [8, 21, 30, 35, 34, 75, 16]
    truth = np.repeat(np.arange(7), sizes)
    logits = 6.0 * np.eye(7)[truth]
    temperature, shifts = fit_calibration(logits, truth)
    assert softmax(logits / temperature + np.array(shifts)).max(1).mean() > 0.99
