"""Files of made images: written with their mark, and kept where an earlier call wrote them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._files import write_bytes
from parhelion.catalog import decode, decode_bytes
from parhelion.errors import DecodeError
from parhelion.provenance import FORMATS, carries, encode_image

Pixels = NDArray[np.uint8]


def kept(file: Path, recipe: Mapping[str, Any]) -> Pixels | None:
    """Return the pixels of a file that an earlier call made by this very recipe, if it did."""
    if not carries(file, recipe):
        return None
    try:
        return decode(file)[0].pixels
    except DecodeError:
        return None  # damaged since: it is drawn again


def written(file: Path, pixels: Pixels, recipe: Mapping[str, Any]) -> Pixels:
    """Write an image in the format of its suffix; return its pixels as they are read again."""
    suffix = file.suffix[1:]
    data = encode_image(pixels, FORMATS[suffix], recipe=recipe, made=True)
    write_bytes(file, data)
    if suffix == "png":
        return pixels
    # What is lost in encoding belongs to the image's identity.
    return decode_bytes(data, file.name)[0].pixels
