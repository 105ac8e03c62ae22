"""FITS images to uint8 pixels: HDUs, cubes, tile compression, missing values, orientation."""

import io
import math
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from parhelion.catalog._decoded import DecodedImage, RejectedPart
from parhelion.catalog._fits_stream import Hdu, open_hdus
from parhelion.catalog._pictures import check_size
from parhelion.catalog._settings import DecodeSettings
from parhelion.catalog._stretch import stretch
from parhelion.catalog._wcs import celestial_cards
from parhelion.errors import DecodeError

# Extensions that go with an image and show no sky: errors, weights, flags, exposure.
_COMPANIONS = {"BPM", "CON", "CTX", "DQ", "ERR", "ERROR", "EXP", "IVAR", "INVVAR", "MASK"}
_COMPANIONS |= {"QUALITY", "RMS", "SIGMA", "UNCERT", "VAR", "VARIANCE", "WEIGHT", "WHT"}
# What a damaged header or compressed stream raises.
_DAMAGE = (ValueError, OSError, EOFError, TypeError, KeyError, OverflowError, zlib.error)
_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def read_fits(file: BinaryIO, settings: DecodeSettings) -> Iterator[DecodedImage | RejectedPart]:
    """Yield the images of a FITS file.

    An image HDU is one image; a cube of three planes is one in color (red first); of a cube
    of another depth, every plane is one. The first FITS row is the bottom row of the picture.
    Tables are no images; error, weight and flag extensions are rejected as parts.

    Raises
    ------
    DecodeError
        If there is no image in the file.
    """
    count = index = 0
    mark: dict[str, Any] = {}
    hdus = open_hdus(file, settings.pixel_limit)
    while True:
        try:
            hdu = next(hdus, None)
        except (DecodeError, *_DAMAGE) as error:
            if not count:
                raise
            # What came before the damage has been read.
            yield RejectedPart(f"after hdu{index}", str(error))
            return
        if hdu is None:
            break
        index = hdu.index
        if not index:
            mark = mark_of(hdu.header)
        if len(hdu.shape) < 2:
            continue
        count += 1
        part = f"hdu{index}"
        try:
            yield from _images_of(hdu, part, mark, settings)
        except (DecodeError, *_DAMAGE) as error:
            yield RejectedPart(part, str(error))
    if not count:
        raise DecodeError("a FITS file without an image (tables or headers only)")


def read_bands(
    file: BinaryIO, settings: DecodeSettings
) -> tuple[NDArray[Any], fits.Header, dict[str, Any]]:
    """Return the values ``(H, W)``, top row first, of a file with one 2-D image.

    With them its header, and what its mark says; see `mark_of`.

    Raises
    ------
    DecodeError
        If it holds no image, several, or a cube.
    """
    found: list[tuple[NDArray[Any], fits.Header, dict[str, Any]]] = []
    mark: dict[str, Any] = {}
    for hdu in open_hdus(file, settings.pixel_limit):
        if not hdu.index:
            mark = mark_of(hdu.header)
        if len(hdu.shape) < 2 or _name(hdu) in _COMPANIONS:
            continue
        planes = _read_planes(hdu, settings.pixel_limit)
        if len(planes) > 1 or found:
            raise DecodeError("it holds several images; a band is one 2-D image")
        found.append((planes[0][::-1], hdu.header, mark_of(hdu.header) or mark))
    if not found:
        raise DecodeError("a FITS file without an image (tables or headers only)")
    return found[0]


def _name(hdu: Hdu) -> str:
    return str(hdu.header.get("EXTNAME", "")).strip().upper()


def _images_of(
    hdu: Hdu, part: str, mark: dict[str, Any], settings: DecodeSettings
) -> Iterator[DecodedImage | RejectedPart]:
    if _name(hdu) in _COMPANIONS:
        raise DecodeError(f"extension {_name(hdu)} goes with an image, it is none")
    planes = _read_planes(hdu, settings.pixel_limit)[:, ::-1]
    # What the primary header says holds for the extensions.
    base = {"operation": "decode", "format": "FITS", **(mark_of(hdu.header) or mark)}
    base["depth"] = int(hdu.header.get("ZBITPIX", hdu.header["BITPIX"]))
    cards = celestial_cards(hdu.header, planes.shape[1])
    if len(planes) == 3:
        yield _image(list(planes), part, base, cards, settings)
        return
    for number, plane in enumerate(planes, 1):
        name = part if len(planes) == 1 else f"{part}.plane{number}"
        try:
            yield _image([plane], name, base, cards, settings)
        except DecodeError as error:
            yield RejectedPart(name, str(error))


def _image(
    bands: list[NDArray[Any]],
    part: str,
    base: dict[str, Any],
    cards: dict[str, Any] | None,
    settings: DecodeSettings,
) -> DecodedImage:
    if bands[0].dtype == np.uint8:
        pixels, parameters = np.stack(bands, axis=-1), None
    else:
        pixels, parameters = stretch(bands, settings)
    how = {"function": "as stored"} if parameters is None else {"stretch": parameters}
    return DecodedImage(pixels, "FITS", part, {**base, **how}, cards)


def _read_planes(hdu: Hdu, limit: int) -> NDArray[Any]:
    """Return ``(planes, H, W)``: uint8 as stored, else physical values in float, NaN for none."""
    *leading, height, width = hdu.shape
    if width == 3 and len(leading) == 1 and leading[0] > 3 and height > 3:
        # Color as the fastest axis, as other formats have it.
        check_size(height, leading[0], limit, 3)
        return np.moveaxis(_values(hdu, limit), -1, 0)
    depth = math.prod(leading)
    check_size(width, height, limit, depth)
    if min(width, height) == 1 and max(width, height) > 1:
        raise DecodeError(f"{width} x {height} pixels are a line, not an image")
    return _values(hdu, limit).reshape(depth, height, width)


def _values(hdu: Hdu, limit: int) -> NDArray[Any]:
    if hdu.compressed:
        return _decompress(hdu, limit)
    header = hdu.header
    bits = int(header["BITPIX"])
    if bits not in _TYPES:
        raise DecodeError(f"a FITS header with BITPIX = {bits}")
    raw = np.frombuffer(hdu.read(), _TYPES[bits]).reshape(hdu.shape)
    scale, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    blank = header.get("BLANK")
    if bits == 8 and scale == 1 and zero == 0 and blank is None:
        return raw
    # 24 bits of float32 hold what 8 and 16 bits can say, not what 32 can.
    values: NDArray[Any] = raw.astype(np.float32 if bits in (8, 16, -32) else np.float64)
    if scale != 1:
        values = values * scale
    if zero != 0:
        values = values + zero
    if blank is not None and bits > 0:
        values[raw == int(blank)] = np.nan
    return values


def _decompress(hdu: Hdu, limit: int) -> NDArray[Any]:
    """Let astropy decompress the tiles, from a file in memory with this HDU alone."""
    header = hdu.header
    tiles = [int(header.get(f"ZTILE{n}", 1)) for n in range(1, len(hdu.shape) + 1)]
    # A tile as large as the header likes would be allocated whole.
    check_size(max(tiles), math.prod(tiles) // max(1, max(tiles)), limit)
    if hdu.size > 8 * limit:
        raise DecodeError(f"compressed data of {hdu.size} bytes are more than --pixel-limit allows")
    primary = fits.PrimaryHDU().header.tostring().encode("ascii")
    data = hdu.read()
    data += bytes(-len(data) % 2880)
    with fits.open(io.BytesIO(primary + hdu.raw_header + data), memmap=False) as hdus:
        values = hdus[1].data
    if values is None or values.shape != hdu.shape:
        raise DecodeError("compressed data that do not have the shape that the header gives")
    if values.dtype == np.uint8:
        return np.asarray(values)
    return np.asarray(values, np.float32 if values.dtype.itemsize <= 2 else np.float64)


def mark_of(header: fits.Header) -> dict[str, Any]:
    """Return what the cards of `parhelion.provenance.fits_cards` say, if a model made it."""
    from parhelion.provenance import read_cards

    mark = read_cards(header)
    return {} if mark is None or not mark.made else {"made": True, "made_by": mark.recipe}


def single(
    parts: Iterator[DecodedImage | RejectedPart],
) -> Iterator[DecodedImage | RejectedPart]:
    """Yield the same, with `part` None for a file that holds nothing but one image."""
    first = next(parts, None)
    if first is None:
        return
    second = next(parts, None)
    if second is None:
        if isinstance(first, RejectedPart):
            raise DecodeError(first.reason)
        yield replace(first, part=None)
        return
    yield first
    yield second
    yield from parts
