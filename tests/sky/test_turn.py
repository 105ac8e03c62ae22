"""Turning, scaling and moving a stamp."""

import numpy as np
import pytest

from parhelion.sky._turn import turn


def gaussian(size=41, x=20.0, y=20.0, a=5.0, b=2.0):
    yy, xx = np.mgrid[:size, :size]
    light = 100 * np.exp(-0.5 * (((xx - x) / a) ** 2 + ((yy - y) / b) ** 2))
    light[[0, -1]] = 0
    light[:, [0, -1]] = 0
    return light[..., None].astype(np.float32)


def moments(light, y0, x0):
    """Flux, center, semi-axes and angle of the light."""
    gray = light[..., 0].astype(np.float64)
    yy, xx = np.mgrid[: gray.shape[0], : gray.shape[1]]
    flux = gray.sum()
    x, y = (gray * xx).sum() / flux, (gray * yy).sum() / flux
    xx, yy = xx - x, yy - y
    covariance = np.array(
        [
            [(gray * xx * xx).sum(), (gray * xx * yy).sum()],
            [(gray * xx * yy).sum(), (gray * yy * yy).sum()],
        ]
    )
    values, vectors = np.linalg.eigh(covariance / flux)
    angle = np.arctan(vectors[1, 1] / vectors[0, 1])
    return flux, x + x0, y + y0, values[1] ** 0.5, values[0] ** 0.5, angle


@pytest.mark.parametrize(
    ("zoom", "angle", "flipped"),
    [(1.0, 0.0, False), (1.0, 0.7, False), (1.0, 0.7, True), (1.4, -1.0, False), (0.5, 0.3, True)],
)
def test_shape_and_place_are_as_asked(zoom, angle, flipped):
    light = gaussian()
    turned, y0, x0 = turn(
        light, center=(20, 20), to=(103.3, -7.6), zoom=zoom, angle=angle, flipped=flipped
    )
    flux, x, y, a, b, theta = moments(turned, y0, x0)
    assert (x, y) == pytest.approx((-7.6, 103.3), abs=0.03)
    blur = 0.35**2 * max(1 - zoom**2, 0)
    assert a == pytest.approx((25 * zoom**2 + blur) ** 0.5, rel=0.02)
    assert b == pytest.approx((4 * zoom**2 + blur) ** 0.5, rel=0.02)
    assert theta == pytest.approx(angle, abs=0.02)
    assert flux == pytest.approx(float(light.sum()) * zoom**2, rel=0.01)


def test_a_flip_mirrors_left_to_right():
    light = gaussian(a=3.0, b=3.0)
    light[18:23, 30:34] += 50
    same, _, x0 = turn(light, center=(20, 20), to=(0, 0), zoom=1.0, angle=0.0, flipped=False)
    flipped, _, x1 = turn(light, center=(20, 20), to=(0, 0), zoom=1.0, angle=0.0, flipped=True)
    assert x0 == x1
    np.testing.assert_allclose(flipped[:, ::-1], same, atol=1e-3)


def test_nothing_is_left_at_the_border():
    turned, _, _ = turn(
        gaussian(), center=(20, 20), to=(0.5, 0.5), zoom=0.4, angle=0.5, flipped=False
    )
    edge = np.concatenate([turned[0], turned[-1], turned[:, 0], turned[:, -1]])
    assert np.abs(edge).max() < 0.05
