"""Pictures inside a page: contact sheets, growth strips and pairs, as data URIs."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, decode, resize
from parhelion.provenance import encode_image
from parhelion.training import grid

Pixels = NDArray[np.uint8]


def data_uri(pixels: Pixels, *, made: bool, what: str, lossy: bool = False) -> str:
    """Return pixels ``(H, W, C)`` uint8 as a data URI that keeps its mark."""
    format = "JPEG" if lossy else "PNG"
    data = encode_image(pixels, format, recipe={"operation": what}, made=made, quality=90)
    return f"data:image/{format.lower()};base64,{base64.b64encode(data).decode()}"


def file_uri(path: Path) -> str:
    """Return a PNG or JPEG file as a data URI, byte for byte: its mark stays with it."""
    kind = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif"}[path.suffix.lower()]
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def contact_sheet(catalog: Catalog, *, count: int, columns: int, size: int = 64) -> Pixels:
    """Return up to `count` images of a catalog, evenly spaced through its rows, as a grid."""
    files = catalog.files()
    chosen = np.unique(np.linspace(0, len(files) - 1, min(count, len(files))).round().astype(int))
    images = [resize(decode(files[index])[0].pixels, size) for index in chosen]
    return grid(np.stack(images), columns)


def growth(
    samples: Sequence[Path], *, columns: int = 12, most: int = 7
) -> tuple[Pixels, list[int]]:
    """Show the same seeds as training went on, a row for each time.

    Parameters
    ----------
    samples : sequence of Path
        Sample grids that training wrote, named by images seen.
    columns : int
        Seeds to show.
    most : int
        Rows to show; later grids differ less, so they are spaced by ratio.

    Returns
    -------
    sheet : ndarray
        ``(H, W, 3)`` uint8.
    images_seen : list of int
        What each row stands for.
    """
    times = np.array([int(re.sub(r"\D", "", path.stem)) for path in samples])
    wanted = np.geomspace(times[0], times[-1], min(most, len(times)))
    chosen = np.unique([np.abs(times - time).argmin() for time in wanted])
    rows = []
    for index in chosen:
        sheet = decode(samples[index])[0].pixels
        # The grid is 8 x 8 with gaps of 2; its cells say the size.
        cell = (sheet.shape[0] + 2) // 8
        cells = [
            sheet[r * cell : r * cell + cell - 2, c * cell : c * cell + cell - 2]
            for r in range(8)
            for c in range(8)
        ]
        rows += [resize(image, 64) for image in cells[:columns]]
    return grid(np.stack(rows), columns), [int(times[index]) for index in chosen]


def enlarge(pixels: Pixels, factor: int) -> Pixels:
    """Enlarge smoothly by a whole factor, so that small galaxies can be seen on a page."""
    image = Image.fromarray(pixels)
    size = (image.width * factor, image.height * factor)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))
