"""Celestial coordinates of decoded pixels, as FITS header cards in plain JSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import fit_wcs_from_points
from numpy.typing import NDArray

from parhelion.catalog._quiet import quiet


def celestial_cards(header: fits.Header, height: int) -> dict[str, Any] | None:
    """Return the celestial WCS of an image whose rows are turned upside down.

    FITS counts rows from the bottom, pixels here from the top; the cards are those of the
    turned image, so that pixel ``(x, y)`` of the decoded array, from 0, is FITS pixel
    ``(x + 1, y + 1)`` of them.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Header of the image.
    height : int
        Rows of the image.

    Returns
    -------
    cards : dict or None
        Keyword to value; None if the header has no celestial coordinates that can be used.
    """
    try:
        wcs = WCS(_without_tables(header)).celestial
        if not wcs.has_celestial:
            return None
        if any("." in key for key in wcs.to_header()):
            wcs = _nearest(wcs, height)
        cards = _flip(wcs.to_header(relax=True), height)
        # What to_header leaves out because it is a default is not always one.
        ok = np.allclose(_places(celestial_wcs(cards)), _places(wcs, height), rtol=0, atol=1e-8)
    except Exception:
        # astropy.wcs raises a dozen kinds of error for what a header may hold; an image
        # whose coordinates cannot be used is still an image.
        return None
    return cards if ok else None


def celestial_wcs(cards: Mapping[str, Any]) -> Any:
    """Return the `astropy.wcs.WCS` of cards that decoding or a catalog's recipe holds."""
    with quiet():
        return WCS(fits.Header(list(cards.items())))


def _without_tables(header: fits.Header) -> fits.Header:
    """Return the header without distortions by lookup table, which are fractions of a pixel.

    The tables are in other HDUs, and no matter of a few cards.
    """
    kept = header.copy()
    for key in header:
        if key.startswith(("D2IM", "AXISCORR")) or (
            key.startswith("CPDIS") and str(header[key]).upper() == "LOOKUP"
        ):
            kept.remove(key, remove_all=True, ignore_missing=True)
    return kept


def _nearest(wcs: WCS, height: int) -> WCS:
    """Return the tangential WCS with SIP terms that is nearest to one with another distortion.

    Plate solutions come as such. The fit is to 400 points.
    """
    width = wcs.pixel_shape[0] if wcs.pixel_shape else height
    x, y = np.meshgrid(np.linspace(0, width - 1, 20), np.linspace(0, height - 1, 20))
    points = (x.ravel(), y.ravel())
    return fit_wcs_from_points(points, wcs.pixel_to_world(*points), sip_degree=3)


def _places(wcs: WCS, height: int | None = None) -> NDArray[np.float64]:
    """Return the coordinates of three pixels, as unit vectors; turned where a height is given."""
    x, y = np.array([0.0, 7.0, 0.0]), np.array([0.0, 0.0, 7.0])
    places = wcs.pixel_to_world(x, y if height is None else height - 1 - y)
    vectors: NDArray[np.float64] = places.cartesian.xyz.value
    return vectors


def _flip(cards: Mapping[str, Any], height: int) -> dict[str, Any]:
    """Mirror the second pixel axis: y becomes ``height + 1 - y``."""
    flipped = {}
    for key, value in cards.items():
        name, _, power = key.rpartition("_")
        if key == "CRPIX2":
            value = height + 1 - value
        elif key in ("PC1_2", "PC2_2", "CD1_2", "CD2_2"):
            value = -value
        elif name[:2] in ("A_", "B_") or name[:3] in ("AP_", "BP_"):
            # SIP (Shupe et al. 2005): odd powers of v change sign, and so does the shift in v.
            odd = power.isdigit() and int(power) % 2
            value = -value if bool(odd) != name.startswith("B") else value
        flipped[key] = value
    # It is left out where it is 1, unless the matrix is called CD.
    if "CD1_1" not in cards and "CD1_2" not in cards:
        flipped.setdefault("PC2_2", -1.0)
    return flipped
