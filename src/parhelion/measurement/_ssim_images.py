"""Images as SSIM compares them: gray, and laid in eight ways."""

import numpy as np
from numpy.typing import NDArray

#: (N, H, W) uint8
Gray = NDArray[np.uint8]

#: The eight ways to lay a square on itself, in the order of `Neighbors.turns`.
TURNS = (
    "as it is",
    "turned by 90°",
    "turned by 180°",
    "turned by 270°",
    "mirrored",
    "mirrored, turned by 90°",
    "mirrored, turned by 180°",
    "mirrored, turned by 270°",
)


def to_gray(images: NDArray[np.uint8]) -> Gray:
    """Return ITU-R 601 luma ``(N, H, W)`` uint8, rounded as Pillow does, of ``(N, H, W, C)``."""
    if images.ndim == 3:
        return images
    if images.shape[-1] == 1:
        return images[..., 0]
    gray = np.empty(images.shape[:3], np.uint8)
    for image, out in zip(images, gray, strict=True):  # one at a time: 32 bits are four times 8
        red, green, blue = np.moveaxis(image.astype(np.uint32), -1, 0)
        out[:] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return gray


def turned(images: Gray, turn: int) -> Gray:
    """Return square images ``(N, S, S)`` laid as `TURNS` says; counterclockwise."""
    mirrored = images[..., ::-1] if turn >= 4 else images
    result: Gray = np.rot90(mirrored, turn % 4, axes=(1, 2))
    return result
