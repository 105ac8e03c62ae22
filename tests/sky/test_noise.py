"""Blank sky: like the field's, and the same however it is cut into windows."""

import numpy as np

from parhelion.sky._noise import blank_sky


def test_windows_agree_byte_for_byte(model):
    whole = blank_sky(model, 5, 0, 0, 300, 520)
    assert whole.shape == (3, 300, 520)
    assert whole.dtype == np.float32
    for y0, x0, height, width in [(0, 0, 7, 9), (250, 250, 50, 13), (123, 1, 1, 519)]:
        part = blank_sky(model, 5, y0, x0, height, width)
        np.testing.assert_array_equal(part, whole[:, y0 : y0 + height, x0 : x0 + width])


def test_seeds_differ_and_nothing_repeats(model):
    one, two = blank_sky(model, 1, 0, 0, 256, 512), blank_sky(model, 2, 0, 0, 256, 512)
    assert np.abs(np.corrcoef(one[0].ravel(), two[0].ravel())[0, 1]) < 0.02
    left, right = one[0, :, :256], one[0, :, 256:]
    assert np.abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.02


def test_sky_has_the_level_noise_and_correlation_of_the_field(model):
    sky = blank_sky(model, 0, 0, 0, 400, 400)
    np.testing.assert_allclose(sky.mean(axis=(1, 2)), [12, 14, 16], atol=0.25)
    np.testing.assert_allclose(sky.std(axis=(1, 2)), 4, atol=0.2)
    np.testing.assert_allclose(np.corrcoef(sky.reshape(3, -1))[0, 1], 1 / 3, atol=0.05)
