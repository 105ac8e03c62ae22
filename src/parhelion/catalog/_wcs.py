"""Celestial coordinates of decoded pixels, as FITS header cards in plain JSON."""

import math
from collections.abc import Mapping
from typing import Any

from astropy.io import fits
from astropy.wcs import WCS

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
        wcs = WCS(header)
        if not wcs.has_celestial:
            return None
        cards = dict(wcs.celestial.to_header(relax=True))
    except Exception:
        # astropy.wcs raises a dozen kinds of error for what a header may hold; an image
        # whose coordinates cannot be used is still an image.
        return None
    flipped = _flip(cards, height)
    # to_header leaves the matrix out where it is the identity.
    flipped.setdefault("PC2_2", -1.0)
    if not all(math.isfinite(v) for v in flipped.values() if isinstance(v, float)):
        return None
    return flipped


def celestial_wcs(cards: Mapping[str, Any]) -> Any:
    """Return the `astropy.wcs.WCS` of cards that decoding or a catalog's recipe holds."""
    with quiet():
        return WCS(fits.Header(list(cards.items())))


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
    return flipped
