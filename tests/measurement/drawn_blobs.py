"""Images that the tests of SSIM draw: blobs on noise, and the hardest for float32."""

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from parhelion.measurement._ssim_images import to_gray


def blobs(
    seed: int, count: int, height: int = 20, width: int = 20, channels: int = 3
) -> NDArray[np.uint8]:
    """Blobs on noise: neither all alike nor all different."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centers = rng.uniform(0.3, 0.7, (count, 2)) * (height, width)
    square = (y - centers[:, 0, None, None]) ** 2 + (x - centers[:, 1, None, None]) ** 2
    light = 200 * np.exp(-square / rng.uniform(8, 40, (count, 1, 1)))
    noise = rng.normal(15, 6, (count, height, width, channels))
    return np.clip(light[..., None] + noise, 0, 255).astype(np.uint8)


def extremes() -> NDArray[np.uint8]:
    """Large means with small or no variance: ``(6, 16, 16, 1)``."""
    images = np.zeros((6, 16, 16, 1), np.uint8)
    images[1] = 255
    images[2, 8:] = 255
    images[3] = 250 + np.arange(16, dtype=np.uint8)[:, None, None] % 2
    images[4, 4:12, 4:12] = 253
    images[5, 3, 3] = 255
    return images


def by_scikit_image(
    queries: NDArray[np.uint8], references: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """SSIM of all pairs, ``(N, M)``."""
    a, b = to_gray(queries), to_gray(references)
    return np.array([[structural_similarity(x, y, data_range=255) for y in b] for x in a])
