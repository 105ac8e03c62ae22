"""Pixels of a catalog: resizing, and loading many at one size."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parhelion._cores import cores
from parhelion._progress import progress
from parhelion.catalog._decode import decode
from parhelion.catalog._table import Catalog


def resize(pixels: NDArray[np.uint8], size: int, channels: int = 3) -> NDArray[np.uint8]:
    """Return the image as ``(size, size, channels)`` uint8: centre square, Lanczos filter.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8 with 1 or 3 channels.
    size : int
        Side of the result, in pixels.
    channels : {1, 3}
        Grey is repeated into color; color becomes ITU-R 601 luma.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    image = Image.fromarray(square[..., 0] if square.shape[-1] == 1 else square)
    image = image.convert("L" if channels == 1 else "RGB")
    if side != size:
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.uint8).reshape(size, size, channels)


def load_pixels(
    catalog: Catalog, size: int, *, channels: int = 3, workers: int | None = None
) -> NDArray[np.uint8]:
    """Decode every image of a catalog at one size.

    Parameters
    ----------
    catalog : Catalog
        What to read, in the order of its rows.
    size : int
        Side of the results, in pixels; see `resize`.
    channels : {1, 3}
        Grey or color.
    workers : int, optional
        Threads; the result does not depend on it.

    Returns
    -------
    images : ndarray
        ``(N, size, size, channels)`` uint8.
    """
    files = catalog.files()
    images = np.empty((len(files), size, size, channels), np.uint8)

    def load(job: tuple[int, Any]) -> None:
        index, path = job
        images[index] = resize(decode(path)[0].pixels, size, channels)

    with ThreadPoolExecutor(workers or cores()) as pool:
        for _ in progress(pool.map(load, enumerate(files)), total=len(files), what="reading"):
            pass
    return images
