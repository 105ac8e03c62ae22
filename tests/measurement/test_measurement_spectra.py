"""Radial power spectra of waves, noise and nothing."""

import numpy as np
import pytest

from parhelion.errors import InputError
from parhelion.measurement import compare_spectra, radial_spectrum


@pytest.mark.parametrize("cycles", [4, 9])
def test_a_wave_has_its_power_at_its_frequency(cycles: int) -> None:
    x = np.arange(32)
    wave = 128 + 100 * np.sin(2 * np.pi * cycles * x / 32)
    image = np.broadcast_to(wave, (32, 32)).round().astype(np.uint8)[None, ..., None]
    frequency, power = radial_spectrum(image)
    assert frequency[power[0].argmax()] == pytest.approx(cycles / 32)


@pytest.mark.parametrize("shape", [(32, 32), (24, 33)])
def test_white_noise_has_its_variance_at_all_frequencies(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(128, 20, (400, *shape, 1)).round().astype(np.uint8)
    frequency, power = radial_spectrum(images)
    short = min(shape)
    assert frequency.tolist() == pytest.approx([k / short for k in range(1, short // 2 + 1)])
    assert power.shape == (400, short // 2)
    # The window leaks a little of the lowest ring into the mean, which is taken away.
    np.testing.assert_allclose(power.mean(0)[2:], (20 / 255) ** 2, rtol=0.06)


def test_the_direction_of_a_pattern_does_not_matter() -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 1), np.uint8)
    turned = images.transpose(0, 2, 1, 3)
    np.testing.assert_allclose(radial_spectrum(turned)[1], radial_spectrum(images)[1], rtol=1e-9)


def test_an_empty_image_has_no_power_and_a_finite_difference() -> None:
    empty = np.zeros((3, 16, 16, 3), np.uint8)
    assert (radial_spectrum(empty)[1] == 0).all()
    assert compare_spectra(empty, empty, bootstrap=20).difference == 0


def test_ten_times_the_power_is_one_dex() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (300, 16, 16, 1))
    weak = (128 + 10 * noise[:150]).round().astype(np.uint8)
    strong = (128 + 10 * np.sqrt(10) * noise[150:]).clip(0, 255).round().astype(np.uint8)
    result = compare_spectra(weak, strong, bootstrap=200)
    assert result.difference == pytest.approx(1, abs=0.03)
    assert result.interval[0] < result.difference < result.interval[1]
    assert result.interval[1] - result.interval[0] < 0.1
    assert (result.second_mean > result.first_mean).all()


def test_same_seed_same_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 255, (2, 20, 8, 8, 1), np.uint8)
    first = compare_spectra(a, b, seed=1, bootstrap=50).interval
    assert first == compare_spectra(a, b, seed=1, bootstrap=50).interval
    assert first != compare_spectra(a, b, seed=2, bootstrap=50).interval


def test_sizes_must_agree_and_be_large_enough() -> None:
    with pytest.raises(InputError, match="one size"):
        compare_spectra(np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 16, 16, 1), np.uint8))
    with pytest.raises(InputError, match="too small"):
        radial_spectrum(np.zeros((2, 3, 8, 1), np.uint8))
