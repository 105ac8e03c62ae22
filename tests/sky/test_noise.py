"""Blank sky: like the field's, and the same however it is cut into windows."""

import dataclasses

import numpy as np
import pytest

from parhelion.sky._noise import Sky


def channel(values):
    return values[..., 0].ravel()


def test_windows_agree_byte_for_byte(model):
    sky = Sky(model, 5)
    whole = sky.window(0, 0, 300, 520)
    assert whole.shape == (300, 520, 3)
    assert whole.dtype == np.float32
    for y0, x0, height, width in [(0, 0, 7, 9), (250, 250, 50, 13), (123, 1, 1, 519)]:
        part = sky.window(y0, x0, height, width)
        np.testing.assert_array_equal(part, whole[y0 : y0 + height, x0 : x0 + width])


def test_paint_is_the_window_with_the_light_rounded(model):
    sky = Sky(model, 5)
    light = np.zeros((40, 50, 3), np.float32)
    light[10:20, 10:20] = 100
    light[30:, 30:] = 400
    expected = np.floor(np.clip(sky.window(3, 4, 40, 50) + light, 0, 255) + np.float32(0.5))
    np.testing.assert_array_equal(sky.paint(3, 4, light, 40, 50), expected)
    dark = np.floor(np.clip(sky.window(3, 4, 40, 50), 0, 255) + np.float32(0.5))
    np.testing.assert_array_equal(sky.paint(3, 4, None, 40, 50), dark)


def test_seeds_channels_and_places_differ(model):
    one, two = Sky(model, 1).window(0, 0, 256, 512), Sky(model, 2).window(0, 0, 256, 512)
    far = Sky(model, 1).window(50_000, 0, 256, 512)
    left, right = one[:, :256], one[:, 256:]
    for a, b in [(one, two), (one, far), (left, right), (one[:128], one[128:])]:
        assert abs(np.corrcoef(channel(a), channel(b))[0, 1]) < 0.02


def test_sky_has_the_level_noise_and_correlation_of_the_field(model):
    sky = Sky(model, 0).window(0, 0, 400, 400)
    np.testing.assert_allclose(sky.mean(axis=(0, 1)), [12, 14, 16], atol=0.25)
    np.testing.assert_allclose(sky.std(axis=(0, 1)), 4, atol=0.2)
    np.testing.assert_allclose(np.corrcoef(sky.reshape(-1, 3).T)[0, 1], 1 / 3, atol=0.05)


def white(model, seed=0):
    """A sky of independent standard normal deviates, as the hash gives them."""
    straight = (np.array([-9.0, 9.0]),) * 3
    kernels = np.zeros((2, 3, 7))
    kernels[:, :, 3] = 1
    plain = dataclasses.replace(
        model, level=np.zeros(3), kernels=kernels, mixing=np.eye(3), normal=straight, value=straight
    )
    return Sky(plain, seed)


def test_the_hash_is_normal_and_its_spectrum_flat(model):
    values = white(model).window(0, 0, 1024, 1024)[..., 1].astype(np.float64)
    assert abs(values.mean()) < 0.004
    assert values.std() == pytest.approx(1, abs=0.004)
    assert (values**3).mean() == pytest.approx(0, abs=0.015)
    assert (values**4).mean() == pytest.approx(3, abs=0.03)
    assert (np.abs(values) > 3).mean() == pytest.approx(0.0027, abs=0.0003)
    power = np.abs(np.fft.rfft2(values)) ** 2 / values.size
    # 1024 x 513 exponential deviates: their largest is about log(n) = 13.
    assert power.max() < 20
    rows, columns = power.mean(axis=1), power.mean(axis=0)[1:-1]
    assert np.abs(rows - 1).max() < 0.25
    assert np.abs(columns - 1).max() < 0.2


def test_rows_do_not_repeat_each_other_at_any_shift(model):
    # A row against another is a correlation at every lag at once.
    rows = white(model).window(0, 0, 40, 4096)[..., 0].astype(np.float64)
    spectra = np.fft.rfft(rows, axis=1)
    for a in range(0, 40, 3):
        for b in range(a + 1, 40, 7):
            lags = np.fft.irfft(spectra[a] * spectra[b].conj()) / rows.shape[1]
            assert np.abs(lags).max() < 6 / 4096**0.5


def test_noise_is_scaled_about_the_level_by_channel(model):
    plain, scaled = Sky(model, 3), Sky(model, 3, (0.5, 1.0, 2.0))
    one, two = plain.window(0, 0, 64, 64), scaled.window(0, 0, 64, 64)
    expected = (one - model.level) * [0.5, 1, 2] + model.level
    np.testing.assert_allclose(two, expected, atol=1e-3)
    np.testing.assert_allclose(Sky(model, 3, (0.0,)).window(0, 0, 9, 9)[0, 0], model.level, 1e-6)
