"""Thumbnails by which images are compared: small, gray, the same for all eight orientations."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Side of a thumbnail, in pixels.
SIDE = 32
#: Bytes per root of a gray level plus one; 255 becomes 255.
ROOT = 17.0
_LARGE = 1024
_ONE, _SQUARE, _LESS = np.float32(1), np.float32(ROOT**2), np.float32(ROOT - 0.5)


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return ``(H, W, C)`` pixels as `SIDE` x `SIDE` bytes, each for the mean of its area.

    A byte is the square root of the gray level, which makes the noise of counts even and
    resolves dark sky several times as finely as 8 bits of gray do.
    """
    height, width, channels = pixels.shape
    mode = "RGB" if channels == 3 else "L"
    data = np.ascontiguousarray(pixels)
    return thumbnail_of(Image.frombuffer(mode, (width, height), data, "raw", mode, 0, 1))


def thumbnail_of(image: Image.Image) -> bytes:
    """Return the thumbnail of a Pillow image in mode L or RGB; see `thumbnail`."""
    width, height = image.size
    if max(width, height) > _LARGE:
        # Gray levels as floats take more memory than the image.
        image = image.reduce((max(1, width // 512), max(1, height // 512)))
    small = image.convert("F").resize((SIDE, SIDE), Image.Resampling.BOX)
    levels = np.frombuffer(bytearray(small.tobytes()), np.float32)
    # ROOT (sqrt(level + 1) - 1), rounded.
    levels += _ONE
    levels *= _SQUARE
    np.sqrt(levels, levels)
    levels -= _LESS
    thumbnail: bytes = levels.astype(np.uint8).tobytes()
    return thumbnail
