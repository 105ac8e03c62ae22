"""Coordinates: north up, east to the left, and parts that agree with the whole."""

import numpy as np
import pytest

from parhelion.catalog import celestial_wcs
from parhelion.sky._frame import part_cards, to_pixels, to_sky, view_cards

CARDS = view_cards(1000, ra=150.0, dec=30.0, pixel_scale=3.6)


def test_the_middle_north_and_east():
    ra, dec = to_sky(CARDS, np.array([499.5, 499.5, 0.0]), np.array([499.5, 0.0, 499.5]))
    assert (ra[0], dec[0]) == pytest.approx((150, 30))
    # 499.5 pixels of a thousandth of a degree, on the tangent plane.
    offset = np.rad2deg(np.arctan(np.deg2rad(0.4995)))
    assert dec[1] == pytest.approx(30 + offset, abs=1e-9)
    assert ra[2] > 150


def test_pixels_come_back():
    x, y = np.array([0.0, 999.0, 12.25]), np.array([5.5, 0.0, 870.0])
    back = to_pixels(CARDS, *to_sky(CARDS, x, y))
    np.testing.assert_allclose(back, [x, y], atol=1e-6)


def test_a_part_turned_bottom_up_has_the_same_sky():
    part = celestial_wcs(part_cards(CARDS, x=100, y=300, height=50))
    # Row 7 of the part from the top is row 42 from the bottom.
    got = part.wcs_pix2world(20, 42, 0)
    expected = to_sky(CARDS, np.array([120.0]), np.array([307.0]))
    np.testing.assert_allclose(got, np.ravel(expected), atol=1e-12)
