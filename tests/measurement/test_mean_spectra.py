"""Mean spectra: a wave shows at its frequency, and the spread is that of the images."""

import numpy as np
import pytest
from numpy.typing import NDArray

from parhelion.errors import InputError
from parhelion.measurement import mean_spectrum


def _noise(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(100, 156, (32, 32, 3), dtype=np.uint8)


def _wave(seed: int) -> NDArray[np.uint8]:
    """Noise and a wave along x, of 8 cycles per 32 pixels."""
    wave = np.round(60 * np.cos(2 * np.pi * 8 / 32 * np.arange(32))).astype(int)
    return (_noise(seed) + wave[None, :, None]).clip(0, 255).astype(np.uint8)


def test_a_wave_shows_at_its_frequency() -> None:
    plain, _ = mean_spectrum(_noise(seed) for seed in range(70))
    waves, _ = mean_spectrum(_wave(seed) for seed in range(70))
    assert waves.shape == (32, 32)
    row, column = np.unravel_index((waves - plain).argmax(), waves.shape)
    assert row == 16
    assert abs(column - 16) == 8


def test_profiles_are_percentiles_ring_by_ring() -> None:
    _, rings = mean_spectrum([_noise(0)] * 3)
    assert rings.shape == (3, 16)
    assert np.array_equal(rings[0], rings[2])  # three times the same image has no spread
    _, spread = mean_spectrum(_noise(seed) for seed in range(20))
    assert (spread[0] < spread[1]).all()
    assert (spread[1] < spread[2]).all()


def test_the_mean_does_not_depend_on_how_images_are_taken_together() -> None:
    images = [_noise(seed) for seed in range(66)]  # two batches
    whole, _ = mean_spectrum(images)
    parts = [mean_spectrum(images[:33])[0], mean_spectrum(images[33:])[0]]
    assert np.allclose(whole, np.mean(parts, axis=0), atol=1e-5)


def test_no_image_is_refused() -> None:
    with pytest.raises(InputError, match="no image"):
        mean_spectrum([])
