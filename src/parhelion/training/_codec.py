"""JPEG in memory: what being stored does to a training image."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Chroma subsampling of JPEG as Pillow counts it: 4:4:4, and 4:2:0, what most JPEGs have.
FULL, HALVED = 0, 2


def reencode(
    pixels: NDArray[np.uint8], quality: int, subsampling: int = HALVED
) -> tuple[NDArray[np.uint8], bytes]:
    """Encode ``(H, W, 3)`` uint8 as JPEG in memory; return the decoded pixels and the file."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(buffer) as stored:
        return np.array(stored.convert("RGB"), dtype=np.uint8), buffer.getvalue()
