"""Brightness and color of drawn objects whose answers are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from parhelion.measurement import photometry
from parhelion.measurement._photometry import PHOTOMETRY, border_sky


def square(color: tuple[int, int, int], sky: int = 10, size: int = 32) -> NDArray[np.uint8]:
    """An 8 x 8 square of `color` above a flat sky, one image."""
    image = np.full((1, size, size, 3), sky, np.uint8)
    image[0, 12:20, 12:20] += np.array(color, np.uint8)
    return image


def test_a_square_of_known_color() -> None:
    found = photometry(square((100, 50, 25)))
    assert set(found) == set(PHOTOMETRY)
    assert found["sky"][0] == pytest.approx(10)
    assert found["object_area"][0] == 64 / 32**2
    luma = 0.299 * 100 + 0.587 * 50 + 0.114 * 25
    assert found["object_brightness"][0] == pytest.approx(luma, rel=1e-5)
    assert found["brightness"][0] == pytest.approx(10 + luma / 16, rel=1e-5)
    # Half of the light is a difference of 2.5 log10(2) magnitudes; red objects are positive.
    assert found["green_red"][0] == pytest.approx(2.5 * np.log10(2))
    assert found["blue_green"][0] == pytest.approx(2.5 * np.log10(2))
    assert found["saturation"][0] == pytest.approx(0.75)


def test_a_gray_object_has_no_color_and_an_empty_image_none_to_measure() -> None:
    found = photometry(np.concatenate([square((40, 40, 40)), square((0, 0, 0))]))
    assert found["green_red"][0] == found["blue_green"][0] == found["saturation"][0] == 0
    assert found["object_area"][1] == 0
    for name in ("object_brightness", "green_red", "blue_green", "saturation"):
        assert np.isnan(found[name][1])
    assert found["brightness"][1] == pytest.approx(10)


def test_noise_of_the_sky_is_that_of_the_border() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(100, 5, (1, 128, 128, 1)).round().repeat(3, -1)
    image = np.clip(noise, 0, 255).astype(np.uint8)
    image[0, 32:96, 32:96] = 255  # what is in the middle does not matter
    _, level, spread = border_sky(image)
    assert level[0] == pytest.approx(100, abs=1)
    assert spread[0] == pytest.approx(5, rel=0.2)


def test_images_are_measured_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from parhelion.measurement import _photometry

    images = np.random.default_rng(0).integers(0, 255, (7, 16, 16, 3), np.uint8)
    whole = photometry(images)
    monkeypatch.setattr(_photometry, "_BATCH", 2)
    parts = photometry(images)
    for name in PHOTOMETRY:
        np.testing.assert_array_equal(whole[name], parts[name])
