"""Stamps: one galaxy's light on nothing."""

import numpy as np
import pytest

from parhelion.sky import isolate


def draw(blobs, size=64, noise=3.0, level=15.0, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.normal(level, noise, (size, size, 3))
    yy, xx = np.mgrid[:size, :size]
    for x, y, sigma, peak in blobs:
        image += (peak * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2)))[..., None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def border(light):
    return np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])


def test_a_round_galaxy_alone():
    stamp, why = isolate(draw([(33, 30, 5, 150)]))
    assert stamp is not None
    assert why == ""
    assert (border(stamp.light) == 0).all()
    assert stamp.light.shape[0] < 60
    # Gray, so that every channel has the luma's flux.
    assert stamp.flux == pytest.approx(2 * np.pi * 25 * 150, rel=0.03)
    assert 0.9 < stamp.share <= 1.0
    assert (stamp.a, stamp.b) == pytest.approx((5, 5), rel=0.1)
    y, x = np.unravel_index(stamp.light[..., 0].argmax(), stamp.light.shape[:2])
    assert np.hypot(x - stamp.x, y - stamp.y) < 1.6


def test_light_ends_before_the_border_even_of_a_galaxy_that_fills_the_image():
    pixels = draw([(31.5, 31.5, 11, 200)])
    stamp, _ = isolate(pixels)
    assert stamp is not None
    assert (border(stamp.light) == 0).all()
    # And smoothly: no step at the edge of the mask above a few times the noise.
    gray = stamp.light.mean(axis=-1)
    middle = gray[gray.shape[0] // 2]
    assert np.abs(np.diff(middle)).max() < 25


def test_neighbors_are_left_behind():
    alone, _ = isolate(draw([(31.5, 31.5, 4, 150)]))
    beside, _ = isolate(draw([(31.5, 31.5, 4, 150), (52, 12, 3, 200), (8, 50, 2, 120)]))
    assert alone is not None
    assert beside is not None
    assert beside.flux == pytest.approx(alone.flux, rel=0.03)
    assert beside.light.max() < 180


def test_the_sky_around_the_galaxy_is_smooth():
    stamp, _ = isolate(draw([(31.5, 31.5, 4, 150)], noise=6.0))
    assert stamp is not None
    yy, xx = np.mgrid[: stamp.light.shape[0], : stamp.light.shape[1]]
    far = np.hypot(xx - stamp.x, yy - stamp.y) > 15
    assert far.any()
    assert stamp.light[far].std() < 3


@pytest.mark.parametrize(
    ("blobs", "why"),
    [
        ([], "no source at the center"),
        ([(8, 8, 3, 150)], "no source at the center"),
    ],
)
def test_unusable_images_say_why(blobs, why):
    stamp, reason = isolate(draw(blobs))
    assert stamp is None
    assert reason == why


def test_a_galaxy_that_runs_off_the_image_is_unusable():
    pixels = draw([])
    pixels[28:36] += 120
    assert isolate(pixels) == (None, "runs off the image")


def test_gray_images_stay_gray():
    stamp, _ = isolate(draw([(31.5, 31.5, 4, 150)])[..., :1])
    assert stamp is not None
    assert stamp.light.shape[-1] == 1
