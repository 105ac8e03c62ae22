"""The identity of an image: a hash of its decoded pixels."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def image_id(pixels: NDArray[np.uint8]) -> str:
    """Return the hash of decoded pixels: 32 hexadecimal digits of BLAKE2b.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8; the shape takes part in the hash.
    """
    return image_id_of_strips(pixels.shape, [pixels])


def image_id_of_strips(shape: tuple[int, ...], strips: Iterable[NDArray[np.uint8]]) -> str:
    """Return the `image_id` of an image of a shape that arrives from top to bottom."""
    digest = hashlib.blake2b(repr(tuple(shape)).encode(), digest_size=16)
    for strip in strips:
        digest.update(np.ascontiguousarray(strip).data)
    return digest.hexdigest()
