"""Thumbnails of the images that a view's galaxies come from, many to a sheet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from parhelion._progress import progress
from parhelion.catalog import decode, resize
from parhelion.errors import InputError
from parhelion.provenance import write_image

_MOST = 4096  # thumbnails; beyond, reading the images would take longer than it is worth
_SIDE = 64
_ACROSS = 16


def write_sprites(
    folder: Path, table: pa.Table, catalog: Path | None, *, recipe: Mapping[str, Any], made: bool
) -> tuple[dict[str, int] | None, dict[str, int]]:
    """Write ``stamps-N.jpg``, sheets of 16 x 16 thumbnails of 64 pixels, marked.

    Parameters
    ----------
    folder : Path
        Where the sheets go.
    table : pyarrow.Table
        Truth table, of which `path` is used.
    catalog : Path or None
        Folder of the catalog; where it is gone, or its images are more than 4,096, there are
        no thumbnails.
    recipe, made
        Mark of the sheets; see `encode_image`.

    Returns
    -------
    sheets : dict or None
        ``side`` of a thumbnail and how many are ``across``; None if there are none.
    numbers : dict
        Number of a thumbnail by the path of its image.
    """
    paths = [path for path in table["path"].unique().to_pylist() if path]
    if catalog is None or not catalog.is_dir() or not 0 < len(paths) <= _MOST:
        return None, {}
    numbers: dict[str, int] = {}
    sheet = np.zeros((_ACROSS * _SIDE, _ACROSS * _SIDE, 3), np.uint8)
    each = _ACROSS**2
    for path in progress(paths, what="thumbnails"):
        try:
            pixels = decode(catalog / path)[0].pixels
        except (InputError, OSError):
            continue  # moved away since; its card has no picture
        number = len(numbers)
        row, column = divmod(number % each, _ACROSS)
        place = np.s_[row * _SIDE : (row + 1) * _SIDE, column * _SIDE : (column + 1) * _SIDE]
        sheet[place] = resize(pixels, _SIDE)
        numbers[path] = number
        if number % each == each - 1:
            _write(folder, number // each, sheet, recipe, made=made)
            sheet[:] = 0
    if len(numbers) % each:
        _write(folder, len(numbers) // each, sheet, recipe, made=made)
    return ({"side": _SIDE, "across": _ACROSS} if numbers else None), numbers


def _write(
    folder: Path, number: int, sheet: np.ndarray[Any, Any], recipe: Mapping[str, Any], *, made: bool
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"stamps-{number}.jpg"
    write_image(path, sheet, recipe=recipe, made=made, quality=85)
