"""A random history: the same for the same state, of the size asked for, and of the kinds named."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from parhelion.detection import DetectorSettings
from parhelion.detection._degrade import degrade, published

Pixels = NDArray[np.uint8]
SETTINGS = DetectorSettings(
    view="patches", image_size=24, resized=1.0, augment_probability=1.0, mild=0.0
)
STILL = dataclasses.replace(
    SETTINGS,
    resized=0.0,
    augment_probability=0.0,
    recompress=0.0,
    gray=0.0,
    mild=0.0,
    horizontal_flip=False,
    vertical_flip=False,
    quarter_turns=False,
)


def _noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _once(
    pixels: Pixels, settings: DetectorSettings, seed: int = 0, *, smaller: bool = False
) -> Pixels:
    return degrade(pixels, 24, settings, np.random.default_rng(seed), smaller=smaller)


@settings(deadline=None)
@given(height=st.integers(24, 90), width=st.integers(24, 90), seed=st.integers(0, 50))
def test_it_is_as_large_as_asked_and_repeatable(height: int, width: int, seed: int) -> None:
    pixels = _noise(height, width)
    once = _once(pixels, SETTINGS, seed)
    assert once.shape == (24, 24, 3)
    assert once.dtype == np.uint8
    assert np.array_equal(once, _once(pixels, SETTINGS, seed))


@settings(deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 50))
def test_any_image_has_a_history(height: int, width: int, seed: int) -> None:
    once = _once(_noise(height, width), SETTINGS, seed, smaller=True)
    assert 1 <= min(once.shape[:2]) <= max(once.shape[:2]) <= 24


def test_an_image_may_become_smaller_than_the_square() -> None:
    pixels = _noise(30, 30)
    sides = {len(_once(pixels, SETTINGS, seed, smaller=True)) for seed in range(40)}
    assert {len(_once(pixels, SETTINGS, seed)) for seed in range(40)} == {24}
    assert min(sides) < 20 < max(sides) == 24


def test_with_everything_off_it_is_a_cut_out() -> None:
    pixels = _noise(60, 60)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (24, 24), (0, 1))
    parts = [_once(pixels, STILL, seed).transpose(2, 0, 1) for seed in range(20)]
    # Some have been JPEGs once more.
    assert sum(bool((windows == part).all((2, 3, 4)).any()) for part in parts) >= 12


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recompress", 1.0),
        ("gray", 1.0),
        ("horizontal_flip", True),
        ("vertical_flip", True),
        ("quarter_turns", True),
        ("resized", 1.0),
        ("augment_probability", 1.0),
    ],
)
def test_each_change_alone_changes_pixels(name: str, value: float) -> None:
    pixels = _noise(60, 60)
    chosen = dataclasses.replace(STILL, **{name: value})
    assert any(
        not np.array_equal(_once(pixels, chosen, seed), _once(pixels, STILL, seed))
        for seed in range(8)
    )


def test_gray_has_no_color() -> None:
    part = _once(_noise(60, 60), dataclasses.replace(STILL, gray=1.0))
    assert (part == part[..., :1]).all()


def test_publishing_loses_a_little() -> None:
    soft = _noise(64, 64) // 8 + 100
    after = published(soft, np.random.default_rng(0))
    assert 0 < np.abs(after.astype(int) - soft).mean() < 10


@pytest.mark.parametrize(("alike", "share"), [(False, 0.1), (True, 0.7)])
def test_an_image_without_loss_may_stay_so(alike: bool, share: float) -> None:
    pixels = _noise(24, 24)
    rngs = [np.random.default_rng(seed) for seed in range(200)]
    found = [degrade(pixels, 24, STILL, rng, lossless=True, alike=alike) for rng in rngs]
    # A quarter of all become JPEGs once more.
    kept = np.mean([np.array_equal(after, pixels) for after in found])
    assert kept == pytest.approx(0.75 * share, abs=0.1)
