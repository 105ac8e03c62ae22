"""The ways that images take before they are judged: the same for both classes.

Observed images are often JPEG and made ones PNG, of other sizes. After one of these ways both
have been through the same resampling and the same codec.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import resize
from parhelion.training import FULL, HALVED, reencode

#: The chroma subsamplings that images come with.
SUBSAMPLINGS = (FULL, HALVED)


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


#: The fixed chains on which detectors are tested: scale, and JPEG quality of what follows.
CHAINS: dict[str, tuple[float, int]] = {
    "plain": (1.0, 90),
    "jpeg-75": (1.0, 75),
    "resize-70": (0.7, 90),
    "resize-70-jpeg-75": (0.7, 75),
}


def through(pixels: NDArray[np.uint8], chain: str) -> NDArray[np.uint8]:
    """Return an image after one of `CHAINS`.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8, C = 1 or 3.
    chain : str
        Key of `CHAINS`. An image is resized with a bicubic filter, then encoded with chroma
        at half resolution.

    Returns
    -------
    after : ndarray
        ``(H', W', 3)`` uint8.
    """
    scale, quality = CHAINS[chain]
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    if scale != 1:
        sides = [max(1, round(side * scale)) for side in picture.size]
        picture = picture.resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
    return reencode(np.asarray(picture, dtype=np.uint8), quality)[0]
