"""Pixels of some rows of a catalog, the centre of each image at one size."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._progress import progress
from parhelion.catalog import Catalog, decode, resize


def framed_pixels(
    catalog: Catalog,
    size: int,
    *,
    crop: float = 1.0,
    rows: NDArray[np.int64] | None = None,
    workers: int | None = None,
) -> NDArray[np.uint8]:
    """Decode images and keep the centre of each: ``(N, size, size, 3)`` uint8.

    Parameters
    ----------
    catalog : Catalog
        What to read.
    size : int
        Side of the results, in pixels.
    crop : float
        Side of the centre square that is kept, as a share of the image's shorter side.
    rows : ndarray, optional
        Positions in the catalog; all when not given.
    workers : int, optional
        Threads; the result does not depend on it.
    """
    files = catalog.files()
    chosen = files if rows is None else [files[row] for row in rows]
    images = np.empty((len(chosen), size, size, 3), np.uint8)

    def load(index: int) -> None:
        images[index] = resize(centre(decode(chosen[index])[0].pixels, crop), size)

    with ThreadPoolExecutor(workers or cores()) as pool:
        for _ in progress(pool.map(load, range(len(chosen))), total=len(chosen), what="reading"):
            pass
    return images


def centre(pixels: NDArray[np.uint8], crop: float) -> NDArray[np.uint8]:
    """Return the centre square of ``(H, W, C)`` pixels whose side is `crop` of the shorter one."""
    height, width = pixels.shape[:2]
    side = max(1, round(min(height, width) * crop))
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]
