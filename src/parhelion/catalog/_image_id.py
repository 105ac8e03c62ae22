"""The identity of an image: a hash of its decoded pixels."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def image_id(pixels: NDArray[np.uint8]) -> str:
    """Return the hash of decoded pixels: 32 hexadecimal digits of BLAKE2b.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8; the shape takes part in the hash.
    """
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
