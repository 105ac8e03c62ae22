"""Shapes by statmorph: known profiles in order, failures counted, processes that agree."""

import importlib.util
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from parhelion.errors import InputError, MissingExtraError
from parhelion.measurement import measure_morphology
from parhelion.measurement._morphology import MORPHOLOGY


def galaxy(index: float, radius: float, size: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """A round galaxy of Sérsic `index` and half-light `radius` on a noisy sky."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    b = 2 * index - 1 / 3
    light = np.exp(-b * ((np.hypot(x, y) / radius + 0.02) ** (1 / index) - 1))
    light *= 200 / light.max()
    noise = np.random.default_rng(seed).normal(10, 1.5, (size, size, 1))
    return np.clip(light[..., None] + noise, 0, 255).round().astype(np.uint8).repeat(3, -1)


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.stack([galaxy(1, 5), galaxy(1, 9), galaxy(0.5, 9), np.full((64, 64, 3), 9, np.uint8)])


def test_shapes_come_in_the_right_order(images: NDArray[np.uint8]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # statmorph's warnings stay inside
        found = measure_morphology(images, workers=1)
    values = found.values
    assert set(values) == set(MORPHOLOGY)
    small, large, flat, nothing = values["half_light_radius"] * 64
    assert small == pytest.approx(5, rel=0.2)
    assert large == pytest.approx(9, rel=0.2)
    assert flat == pytest.approx(9, rel=0.2)
    assert np.isnan(nothing)
    # An exponential disk is more concentrated than a Gaussian.
    assert values["concentration"][1] > values["concentration"][2] + 0.2
    assert values["gini"][1] > values["gini"][2]
    assert np.abs(values["asymmetry"][:3]).max() < 0.1


def test_failures_are_counted_by_reason(images: NDArray[np.uint8]) -> None:
    found = measure_morphology(images[[3, 0, 3]], workers=1)
    assert found.failures == {"nothing at the centre": 2}
    for column in found.values.values():
        assert np.isnan(column).tolist() == [True, False, True]


def test_several_processes_give_the_same(
    images: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    from parhelion.measurement import _morphology

    few = images[[0, 3]]
    serial = measure_morphology(few, workers=1)
    monkeypatch.setattr(_morphology, "_SHARE", 1)
    parallel = measure_morphology(few, workers=2)
    assert serial.failures == parallel.failures
    for name in MORPHOLOGY:
        np.testing.assert_array_equal(serial.values[name], parallel.values[name])


def test_without_statmorph_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'parhelion\[morphology\]'"):
        measure_morphology(np.zeros((1, 32, 32, 3), np.uint8))


def test_tiny_images_are_refused() -> None:
    with pytest.raises(InputError, match="too small for shapes"):
        measure_morphology(np.zeros((1, 8, 8, 3), np.uint8))
