"""Where pixels are on the sky: a tangent-plane WCS, north up and east to the left."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import celestial_wcs


def view_cards(size: int, *, ra: float, dec: float, pixel_scale: float) -> dict[str, Any]:
    """Return the WCS of a square view as FITS cards.

    They are of the pixels as they are shown: ``(x, y)`` from 0 with y downwards is FITS pixel
    ``(x + 1, y + 1)``, as in `parhelion.catalog.celestial_wcs`.

    Parameters
    ----------
    size : int
        Side, in pixels.
    ra, dec : float
        Of the middle, in degrees.
    pixel_scale : float
        Arcseconds to a pixel.
    """
    step = pixel_scale / 3600
    return {
        "WCSAXES": 2,
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRPIX1": (size + 1) / 2,
        "CRPIX2": (size + 1) / 2,
        "CRVAL1": ra,
        "CRVAL2": dec,
        "CD1_1": -step,
        "CD1_2": 0.0,
        "CD2_1": 0.0,
        "CD2_2": -step,
        "RADESYS": "ICRS",
    }


def part_cards(cards: dict[str, Any], *, x: int, y: int, height: int) -> dict[str, Any]:
    """Return the cards of a window from (x, y) whose rows are turned bottom up, as FITS has them.

    Parameters
    ----------
    height : int
        Rows of the window.
    """
    return {
        **cards,
        "CRPIX1": cards["CRPIX1"] - x,
        "CRPIX2": height + 1 - (cards["CRPIX2"] - y),
        "CD1_2": 0.0 - cards["CD1_2"],
        "CD2_2": 0.0 - cards["CD2_2"],
    }


def to_sky(
    cards: dict[str, Any], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return right ascension and declination in degrees of 0-based pixels."""
    ra, dec = celestial_wcs(cards).wcs_pix2world(x, y, 0)
    return np.asarray(ra, np.float64), np.asarray(dec, np.float64)


def to_pixels(
    cards: dict[str, Any], ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 0-based pixels of coordinates in degrees; NaN on the other half of the sky."""
    x, y = celestial_wcs(cards).wcs_world2pix(ra, dec, 0)
    middle_ra, middle_dec = np.deg2rad(cards["CRVAL1"]), np.deg2rad(cards["CRVAL2"])
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    ahead = np.sin(d) * np.sin(middle_dec) + np.cos(d) * np.cos(middle_dec) * np.cos(a - middle_ra)
    return np.where(ahead > 0, x, np.nan), np.where(ahead > 0, y, np.nan)
