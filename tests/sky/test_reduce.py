"""Halving images."""

import numpy as np

from parhelion.sky._reduce import halve


def test_pixels_are_averages():
    pixels = np.array([[0, 4, 10], [8, 4, 30]], np.uint8)[..., None]
    # 16 / 4, and 80 / 4 of the odd column twice.
    assert halve(pixels)[..., 0].tolist() == [[4, 20]]


def test_halves_are_rounded_up_and_down_in_turn():
    pixels = np.tile(np.array([[0, 1], [0, 1]], np.uint8), (4, 4))[..., None]
    assert halve(pixels)[:2, :2, 0].tolist() == [[0, 1], [1, 0]]


def test_a_pyramid_does_not_drift():
    pixels = np.random.default_rng(0).integers(0, 24, (1024, 1024, 3)).astype(np.uint8)
    mean = pixels.mean()
    for _ in range(4):
        pixels = halve(pixels)
    assert abs(pixels.mean() - mean) < 0.1


def test_parts_are_as_the_whole():
    pixels = np.random.default_rng(0).integers(0, 256, (33, 47, 3)).astype(np.uint8)
    whole = halve(pixels)
    assert whole.shape == (17, 24, 3)
    np.testing.assert_array_equal(halve(pixels[6:20, 10:32], 3, 5), whole[3:10, 5:16])
