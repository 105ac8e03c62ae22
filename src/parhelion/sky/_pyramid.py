"""A view as pyramidal TIFF: tiles, and every level at half the size below the first page."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from parhelion._files import atomic_path
from parhelion._strips import bands
from parhelion._version import __version__
from parhelion.provenance import xmp_packet
from parhelion.sky._reduce import halve
from parhelion.sky._scratch import scratch_array

_TILE = 256
# TIFF counts bytes in 32 bits; leave room for the levels, what compression may add, and tags.
_CLASSIC = 2**31


def write_pyramid(
    path: Path,
    strips: Iterable[NDArray[np.uint8]],
    *,
    height: int,
    width: int,
    channels: int,
    recipe: Mapping[str, Any],
    made: bool,
) -> None:
    """Write a picture that arrives from top to bottom as tiled TIFF with SubIFDs, atomically.

    The levels wait on disk beside the file, not in memory. The file does not depend on how the
    rows are divided into strips.

    Parameters
    ----------
    strips : iterable of ndarray
        ``(h, width, channels)`` uint8, their heights adding up to `height`.
    recipe, made
        See `parhelion.provenance.encode_image`.
    """
    shapes = [(height, width)]
    while max(shapes[-1]) > _TILE:
        shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
    packet = xmp_packet(recipe, made=made)
    options: dict[str, Any] = {
        "dtype": np.uint8,
        "tile": (_TILE, _TILE),
        "photometric": "minisblack" if channels == 1 else "rgb",
        "compression": "zlib",
        "compressionargs": {"level": 1},
        "metadata": None,
    }
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".levels-") as folder,
        atomic_path(path) as temporary,
        tifffile.TiffWriter(temporary, bigtiff=height * width * channels > _CLASSIC) as out,
    ):
        parts = bands(strips, _TILE, total=height)
        for number, (rows, columns) in enumerate(shapes):
            last = number + 1 == len(shapes)
            smaller = None
            if not last:
                smaller = scratch_array(Path(folder) / str(number), (*shapes[number + 1], channels))
            first = number == 0
            out.write(
                _tiles(parts, smaller, channels),
                shape=(rows, columns) if channels == 1 else (rows, columns, channels),
                subifds=len(shapes) - 1 if first else None,
                subfiletype=0 if first else 1,
                software=f"Parhelion {__version__}" if first else None,
                extratags=[(700, "B", len(packet), packet, True)] if first else [],
                **options,
            )
            # tifffile asks for as many tiles as there are, and not whether there are more.
            if next(parts, None) is not None:
                raise ValueError(f"strips have more than {height} rows")
            if smaller is not None:
                parts = bands([smaller], _TILE)


def _tiles(
    parts: Iterator[NDArray[np.uint8]], smaller: NDArray[np.uint8] | None, channels: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield the tiles of a level, and fill the next."""
    top = 0
    for band in parts:
        if smaller is not None:
            half = halve(np.ascontiguousarray(band), top)
            smaller[top : top + len(half)] = half
            top += len(half)
        for x in range(0, band.shape[1], _TILE):
            part = band[:, x : x + _TILE]
            tile = np.pad(part, [(0, _TILE - part.shape[0]), (0, _TILE - part.shape[1]), (0, 0)])
            yield tile[..., 0] if channels == 1 else tile
