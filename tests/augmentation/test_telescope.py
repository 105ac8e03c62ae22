import numpy as np
import pytest

from parhelion.augmentation import UpscalerSettings, observed_smaller

_STILL = UpscalerSettings(psf=(0.0, 0.0), electrons=(1e12, 1e12), read_noise=0.0, recompress=0.0)


def test_without_noise_a_pixel_is_the_mean_of_those_it_covers() -> None:
    pixels = 2 * np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    small = observed_smaller(pixels, _STILL, np.random.default_rng(0))
    # Columns are 6 apart, rows 24: the mean of four is 15 above the first.
    np.testing.assert_array_equal(small[0, 0], [15, 17, 19])
    assert small.shape == (1, 2, 3)


def test_surface_brightness_is_kept() -> None:
    pixels = np.random.default_rng(1).integers(60, 120, (64, 64, 3), dtype=np.uint8)
    settings = UpscalerSettings(scale=4, recompress=0.0)
    small = observed_smaller(pixels, settings, np.random.default_rng(2))
    assert small.shape == (16, 16, 3)
    assert small.mean() == pytest.approx(pixels.mean(), rel=0.01)


def test_fewer_electrons_are_noisier() -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)

    def spread(electrons: float) -> float:
        settings = UpscalerSettings(
            electrons=(electrons, electrons), read_noise=0.0, recompress=0.0
        )
        return float(observed_smaller(flat, settings, np.random.default_rng(3)).std())

    # Half of white is half of the electrons: 255 sqrt(0.5 / electrons) gray levels.
    assert spread(100) == pytest.approx(255 * np.sqrt(0.5 / 100), rel=0.05)
    assert spread(10_000) == pytest.approx(255 * np.sqrt(0.5 / 10_000), rel=0.1)


def test_the_same_stream_gives_the_same_image() -> None:
    pixels = np.random.default_rng(4).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    first, again = (
        observed_smaller(pixels, UpscalerSettings(), np.random.default_rng(5)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
