from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parhelion.augmentation import Observation, UpscalerSettings, observed_smaller

_STILL = Observation(psf=0.0, electrons=1e12, read_noise=0.0, quality=None, is_halved=False)


def test_without_noise_a_pixel_is_the_mean_of_those_it_covers() -> None:
    pixels = 2 * np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    small = observed_smaller(pixels, 2, _STILL, np.random.default_rng(0))
    # Columns are 6 apart, rows 24: the mean of four is 15 above the first.
    np.testing.assert_array_equal(small[0, 0], [15, 17, 19])
    assert small.shape == (1, 2, 3)


def test_surface_brightness_is_kept() -> None:
    pixels = np.random.default_rng(1).integers(60, 120, (64, 64, 3), dtype=np.uint8)
    observation = replace(_STILL, psf=2.0, electrons=1000.0, read_noise=1.0)
    small = observed_smaller(pixels, 4, observation, np.random.default_rng(2))
    assert small.shape == (16, 16, 3)
    assert small.mean() == pytest.approx(pixels.mean(), rel=0.01)


def test_fewer_electrons_are_noisier() -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)

    def spread(electrons: float) -> float:
        observation = replace(_STILL, electrons=electrons)
        return float(observed_smaller(flat, 2, observation, np.random.default_rng(3)).std())

    # Half of white is half of the electrons: 255 sqrt(0.5 / electrons) gray levels.
    assert spread(100) == pytest.approx(255 * np.sqrt(0.5 / 100), rel=0.05)
    assert spread(10_000) == pytest.approx(255 * np.sqrt(0.5 / 10_000), rel=0.1)


def test_the_same_stream_gives_the_same_image() -> None:
    pixels = np.random.default_rng(4).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    images = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        images.append(observed_smaller(pixels, 2, Observation.drawn(UpscalerSettings(), rng), rng))
    np.testing.assert_array_equal(*images)


@given(st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_within_the_settings(seed: int) -> None:
    settings = UpscalerSettings(recompress=1.0)
    drawn = Observation.drawn(settings, np.random.default_rng(seed))
    assert settings.psf[0] <= drawn.psf <= settings.psf[1]
    assert settings.electrons[0] * 0.999 <= drawn.electrons <= settings.electrons[1] * 1.001
    assert 0 <= drawn.read_noise <= settings.read_noise
    assert drawn.quality is not None
    assert settings.quality[0] <= drawn.quality <= settings.quality[1]
    # The share of JPEGs shifts nothing else.
    other = Observation.drawn(replace(settings, recompress=0.0), np.random.default_rng(seed))
    assert other == replace(drawn, quality=None)
