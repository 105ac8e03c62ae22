"""TIFF pages to uint8 pixels: any depth, with tifffile, and Pillow where it knows more."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from parhelion.catalog._decoded import DecodedImage, RejectedPart
from parhelion.catalog._pictures import (
    check_size,
    eight_bits,
    linear_recipe,
    orient,
    over_black,
    to_pixels,
)
from parhelion.catalog._settings import DecodeSettings
from parhelion.catalog._stretch import stretch
from parhelion.errors import DecodeError

_MINISWHITE, _RGB = 0, 2
_REDUCED = 1  # bit of NewSubfileType: a smaller copy of another page
_COLOR = 4  # samples that are one picture's: red, green, blue and alpha; more are planes
# Pages that are all stored hardly have more pixels in a byte of the file: deflate packs 1032 to 1.
_DENSEST = 1032


def read_tiff(file: BinaryIO, settings: DecodeSettings) -> Iterator[DecodedImage | RejectedPart]:
    """Yield the pages of a TIFF file; smaller copies of a page are left out.

    8 bits are taken as they are, 16-bit integers by their high byte, floats from 0 to 1
    linearly; other floats and integers are counts and get the asinh stretch.
    """
    with tifffile.TiffFile(file) as tiff:
        pages = [page for page in _directories(tiff) if not int(page.subfiletype) & _REDUCED]
        # Pages may claim the same bytes, or none: what they claim together has a limit, too.
        left = settings.pixel_limit + _DENSEST * tiff.filehandle.size
        for number, page in enumerate(pages, 1):
            part = f"page{number}" if len(pages) > 1 else None
            try:
                width, height, planes = page.imagewidth, page.imagelength, _planes(page)
                check_size(width, height, settings.pixel_limit, planes)
                left -= width * height * planes
                if left < 0:
                    raise DecodeError("the pages up to this one claim more than the file can hold")
                pixels, recipe = _read_page(file, page, settings)
            except (DecodeError, ValueError, OSError, RuntimeError) as error:
                if part is None:
                    raise
                yield RejectedPart(part, str(error))
            else:
                yield DecodedImage(pixels, "TIFF", part, recipe)


def _directories(tiff: tifffile.TiffFile) -> Iterator[Any]:
    """Yield the pages of a file; tifffile would follow a chain that goes round for ever."""
    seen = set()
    for page in tiff.pages:
        if page.offset in seen:
            raise DecodeError("the directories of the TIFF file go round")
        seen.add(page.offset)
        yield page


def _planes(page: Any) -> int:
    samples = int(page.samplesperpixel)
    return int(page.imagedepth) * (samples if samples > _COLOR else 1)


def _read_page(
    file: BinaryIO, page: Any, settings: DecodeSettings
) -> tuple[NDArray[np.uint8], dict[str, Any] | None]:
    if page.bitspersample <= 8:
        return _read_with_pillow(file, page), None
    if page.bitspersample not in (16, 32, 64):
        raise DecodeError(
            f"TIFF values of {page.bitspersample} bits; 1 to 8, 16, 32 or 64 can be read"
        )
    try:
        values = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        # A compression that tifffile has no decoder for; Pillow reads 16 bits as 8.
        return _read_with_pillow(file, page), linear_recipe("TIFF")
    if page.photometric == _MINISWHITE and values.dtype.kind == "u":
        values = np.iinfo(values.dtype).max - values
    values = _samples_last(values, page)
    orientation = int(page.tags.valueof(274, 1))
    pixels, recipe = _to_eight_bits(values, settings)
    return orient(pixels, orientation), recipe


def _samples_last(values: NDArray[Any], page: Any) -> NDArray[Any]:
    """Return ``(H, W, samples)``, samples being 1 to 4."""
    axes = page.axes
    if axes == "SYX":
        values = values.transpose(1, 2, 0)
    elif axes == "YX":
        values = values[..., None]
    elif axes != "YXS":
        raise DecodeError(f"a TIFF page with axes {axes}; only planes of pixels can be read")
    samples = values.shape[-1]
    if page.photometric == _RGB and samples >= 3:
        return values[..., :4]
    # Gray with alpha; several samples that are neither are planes, of which the first is taken.
    return values[..., : 2 if samples == 2 and page.extrasamples else 1]


def _to_eight_bits(
    values: NDArray[Any], settings: DecodeSettings
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    base = {"operation": "decode", "format": "TIFF"}
    kind = values.dtype
    if kind == np.uint16:
        pixels = eight_bits(values)
        recipe = linear_recipe("TIFF")
        return (over_black(pixels) if values.shape[-1] in (2, 4) else pixels), recipe
    if values.shape[-1] in (2, 4):
        values = values[..., :-1]
        base["alpha"] = "left out"
    if kind.kind == "f" and _is_unit(values):
        pixels = np.rint(255 * values).astype(np.uint8)
        return pixels, {**base, "depth": kind.name, "function": "linear, 0 to 1"}
    if kind.kind not in "iuf":
        raise DecodeError(f"TIFF values of a kind that is not supported ({kind})")
    bands = [values[..., index] for index in range(values.shape[-1])]
    pixels, parameters = stretch(bands, settings)
    return pixels, {**base, "depth": kind.name, "stretch": parameters}


def _is_unit(values: NDArray[Any]) -> bool:
    """Whether all values lie from 0 to 1 and some pixel is well above 0, as in a picture."""
    low, high = values.min(), values.max()  # NaN makes both NaN
    return bool(low >= 0 and 0.5 < high <= 1)


def _read_with_pillow(file: BinaryIO, page: Any) -> NDArray[np.uint8]:
    file.seek(0)
    image = TiffImagePlugin.TiffImageFile(file)
    image.seek(page.index)
    image.load()  # turns it, too, as the file says
    if image.mode in ("F", "I"):
        raise DecodeError(f"a TIFF compression ({page.compression}) that cannot be read here")
    return to_pixels(image)
