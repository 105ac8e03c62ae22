"""A view as FITS: planes of 8 bits, rows bottom up, written as its strips arrive."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from parhelion._files import atomic_path
from parhelion.provenance import fits_cards

_RECORD = 2880  # bytes that a FITS file is a multiple of


def write_planes(
    path: Path,
    strips: Iterable[NDArray[np.uint8]],
    *,
    height: int,
    width: int,
    channels: int,
    wcs: Mapping[str, Any],
    recipe: Mapping[str, Any],
    made: bool,
) -> None:
    """Write a picture that arrives from top to bottom as FITS, atomically.

    Color is a cube of three planes, the reddest first. Rows are bottom up, as FITS shows them.

    Parameters
    ----------
    strips : iterable of ndarray
        ``(h, width, channels)`` uint8, their heights adding up to `height`.
    wcs : mapping
        Cards of the celestial WCS of the file's own rows; see `part_cards`.
    recipe, made
        See `parhelion.provenance.fits_cards`.
    """
    header = fits.Header()
    header["SIMPLE"] = True
    header["BITPIX"] = 8
    header["NAXIS"] = 2 if channels == 1 else 3
    header["NAXIS1"], header["NAXIS2"] = width, height
    if channels > 1:
        header["NAXIS3"] = channels
    header["BUNIT"] = ("display", "0 to 255")
    for key, value in wcs.items():
        header[key] = value
    if channels > 1:
        header["CTYPE3"] = ("RGB", "planes are red, green and blue")
        header["CRPIX3"], header["CRVAL3"], header["CD3_3"] = 1.0, 1.0, 1.0
    # The celestial axes are two of the cube's three.
    header["WCSAXES"] = header["NAXIS"]
    for keyword, value, comment in fits_cards(recipe, made=made):
        header.append((keyword, value, comment))
    start = header.tostring().encode("ascii")
    plane = height * width
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + -(-channels * plane // _RECORD) * _RECORD)
        below = height
        for strip in strips:
            below -= len(strip)
            for c in range(channels):
                file.seek(len(start) + c * plane + below * width)
                file.write(np.ascontiguousarray(strip[::-1, :, c]).data)
        if below:
            raise ValueError(f"strips have {height - below} rows, not {height}")
