"""What decoding yields: an image, or one part of a file that is none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DecodedImage:
    """One image of a file, as pixels.

    Attributes
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8 with 1 or 3 channels, top row first; may be read-only.
    format : {"JPEG", "PNG", "TIFF", "WEBP", "GIF", "FITS"}
        What the file is, whatever its name says.
    part : str or None
        Which image of the file (``"hdu2"``, ``"hdu1.plane7"``, ``"page3"``; counted as in the
        format, HDUs from 0 and planes and pages from 1); None when it holds only one.
    recipe : dict or None
        How stored values became 8 bits (depth, stretch); None when they are 8 bits in the file.
    wcs : dict or None
        Celestial WCS of `pixels` as FITS header cards, see `parhelion.catalog.celestial_wcs`.
    thumbnail : bytes or None
        See `parhelion.catalog.thumbnail`; only where the decoder had it at hand.
    """

    pixels: NDArray[np.uint8]
    format: str
    part: str | None = None
    recipe: dict[str, Any] | None = None
    wcs: dict[str, Any] | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class RejectedPart:
    """One part of a file that cannot be used as an image, and why."""

    part: str
    reason: str
