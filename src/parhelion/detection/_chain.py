"""The one path that every image takes: centre square, one size, JPEG in memory, decoded again.

Observed images are often JPEG and made ones PNG, of other sizes. After this path both have
been through the same resampling and the same codec; what the file was is gone.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import resize

#: Chroma subsampling of JPEG as Pillow counts it: 4:4:4 and 4:2:0.
SUBSAMPLINGS = (0, 2)
_TEST_SUBSAMPLING = 2  # 4:2:0, what most JPEGs have


def reencode(
    pixels: NDArray[np.uint8], quality: int, subsampling: int = _TEST_SUBSAMPLING
) -> tuple[NDArray[np.uint8], bytes]:
    """Encode ``(H, W, 3)`` uint8 as JPEG in memory; return the decoded pixels and the file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(buffer) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8), buffer.getvalue()


def judged(pixels: NDArray[np.uint8], size: int, quality: int) -> NDArray[np.uint8]:
    """Return an image as the detector judges it.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8, C = 1 or 3, of any size.
    size : int
        Side of the result, in pixels.
    quality : int
        JPEG quality of the re-encoding.

    Returns
    -------
    seen : ndarray
        ``(size, size, 3)`` uint8.
    """
    return reencode(resize(pixels, size), quality)[0]
