"""JPEG, PNG, WebP and GIF (and 8-bit TIFF pages) to uint8 pixels, with Pillow."""

import io
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin

from parhelion.catalog._decoded import DecodedImage
from parhelion.catalog._thumbnail import thumbnail_of
from parhelion.errors import DecodeError

_ORIENTATION = 0x0112  # EXIF and TIFF tag
# JPEG markers: frames that are coded in a common way, with bits and components that need no
# look at other segments; JFIF, tables, restart interval and comment.
_FRAMES = (0xC0, 0xC1, 0xC2)
_MODES = {(8, 1): "L", (8, 3): "RGB"}
_WITHOUT_MEANING = (0xE0, 0xDB, 0xC4, 0xDD, 0xFE)
_PNG_DEPTH = 24  # offset of the bit depth in a PNG file


def check_size(width: int, height: int, limit: int, planes: int = 1) -> None:
    """Raise `DecodeError` if an image claims no pixel, or more than `limit`."""
    if min(width, height, planes) < 1:
        raise DecodeError(f"an image of {width} x {height} pixels")
    if width * height * planes > limit:
        depth = f" x {planes}" if planes > 1 else ""
        raise DecodeError(
            f"{width} x {height}{depth} pixels are more than --pixel-limit (={limit})"
        )


def read_picture(file: BinaryIO, format: str, limit: int, thumbnails: bool = False) -> DecodedImage:
    """Decode a picture's first frame.

    Parameters
    ----------
    file : binary file
        At its beginning.
    format : {"JPEG", "PNG", "WEBP", "GIF"}
        What the first bytes say.
    limit : int
        Most pixels that the header may claim.
    thumbnails : bool
        Whether to give the thumbnail, too, where it costs less here than later.

    Returns
    -------
    image : DecodedImage
        Turned as EXIF says, alpha laid over black; its recipe says how 16 bits became 8.
    """
    # The plug-ins are called directly: `Image.open` would try formats that are not wanted.
    image: Image.Image
    if format == "JPEG":
        image = _plain_jpeg(file, limit) or JpegImagePlugin.JpegImageFile(file)
    elif format == "PNG":
        image = PngImagePlugin.PngImageFile(file)
    elif format == "GIF":
        from PIL import GifImagePlugin  # rare, and not light

        image = GifImagePlugin.GifImageFile(file)
    else:
        from PIL import WebPImagePlugin

        # Its decoder takes memory for the canvas at once.
        check_size(*_webp_size(file.read(30)), limit)
        file.seek(0)
        image = WebPImagePlugin.WebPImageFile(file)
    with image:
        check_size(*image.size, limit)
        recipe = _depth_recipe(file) if format == "PNG" else None
        image.load()
        pixels = to_pixels(image)
        # No turn changes what thumbnails are compared by.
        plain = image.mode == "RGB" and "transparency" not in image.info
        small = thumbnail_of(image) if thumbnails and plain else None
        if "exif" in image.info:
            pixels = orient(pixels, image.getexif().get(_ORIENTATION, 1))
    return DecodedImage(pixels, format, None, recipe, None, small)


def to_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return a loaded Pillow image as ``(H, W, 1)`` or ``(H, W, 3)`` uint8."""
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        # As np.asarray has it, in half the time; many images are small.
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, 3)
    if mode == "L" and "transparency" not in image.info:
        return np.asarray(image)[..., None]
    if mode.startswith("I;16"):
        return eight_bits(np.asarray(image))[..., None]
    if mode == "1":
        return np.asarray(image.convert("L"))[..., None]
    if mode in ("LA", "La") or (mode == "L" and "transparency" in image.info):
        return over_black(np.asarray(image.convert("LA")))
    if mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        return over_black(np.asarray(image.convert("RGBA")))
    if mode in ("P", "CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        return np.asarray(image.convert("RGB"))
    raise DecodeError(f"pixels of a kind that is not supported ({mode})")


def over_black(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay ``(H, W, C + 1)`` uint8, whose last channel is alpha, over black."""
    color, alpha = pixels[..., :-1].astype(np.uint16), pixels[..., -1:]
    return ((color * alpha + 127) // 255).astype(np.uint8)


def eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the high byte of 16-bit values: every gray level stands for 256 of them."""
    return (values.astype(np.uint16, copy=False) >> 8).astype(np.uint8)


def orient(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn ``(H, W, C)`` pixels as stored into how they are seen (EXIF orientation 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def linear_recipe(format: str) -> dict[str, Any]:
    """Return the recipe of pixels that are the high byte of 16 bits."""
    return {"operation": "decode", "format": format, "depth": 16, "function": "high byte"}


def _plain_jpeg(file: BinaryIO, limit: int) -> Image.Image | None:
    """Decode a JPEG file in memory that has nothing but an image; None if there is more.

    Most files of most collections are such. Parsing their metadata, and reading piecemeal, would
    take half as long again as decoding a small one.
    """
    if not isinstance(file, io.BytesIO):
        return None
    data = file.getvalue()
    at = 2
    while data[at : at + 1] == b"\xff" and at + 10 <= len(data):
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            mode = _MODES.get((data[at + 4], data[at + 9]))
            if mode is None or not width or not height:
                return None
            check_size(width, height, limit)
            return Image.frombytes(mode, (width, height), data, "jpeg", mode, "")
        if marker not in _WITHOUT_MEANING:
            return None
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _depth_recipe(file: BinaryIO) -> dict[str, Any] | None:
    position = file.tell()
    file.seek(_PNG_DEPTH)
    depth = file.read(1)
    file.seek(position)
    return linear_recipe("PNG") if depth == b"\x10" else None


def _webp_size(head: bytes) -> tuple[int, int]:
    """Return the canvas that a WebP file claims (RFC 9649, sections 2.5 to 2.7)."""
    kind = head[12:16]
    if len(head) < 30:
        raise DecodeError("a truncated WebP file")
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(head[24:27], "little"),
            1 + int.from_bytes(head[27:30], "little"),
        )
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF
