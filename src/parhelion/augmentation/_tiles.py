"""Enlarging by tiles that overlap and pass into one another: no seams, memory bounded."""

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from parhelion.augmentation._upscaler import Upscaler
from parhelion.training import map_ahead

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

#: Share of an overlap at either end in which only one of the two tiles counts: what a network
#: makes of the edge of a tile is not shown.
_EDGE = 0.25
#: Pixels by which an image is continued: what a network puts around it, black mostly, reaches
#: inwards as far as the network looks, and counts for less with every layer.
_AROUND = 16
#: Networks that divide an image by such steps look less far: they are content with one step. The
#: border of Hubble cut-outs enlarged by `telescope-2` is 0.73 gray levels from what their
#: surroundings would have made of it, 0.73 with 16 pixels too, and 4.98 with none.
_CONTENT = 8


def enlarged(
    upscaler: Upscaler,
    read: Callable[[int, int, int, int], Pixels],
    shape: tuple[int, int, int],
    *,
    tile: int,
    overlap: int,
    batch: int,
    workers: int = 1,
) -> Iterator[Floats]:
    """Yield an enlarged image from top to bottom.

    The image is first continued by reflection on each side, by 16 pixels or a step of the network's
    that has 8 at least: what a network puts around an image, black mostly, is not seen. Tiles begin
    at multiples of that step, so that windows of attention and strided layers lie in each as they
    lie in the whole image. Over the middle half of an overlap, one tile's weight falls linearly as
    the other's rises. At most two rows of tiles are in memory, and those that are being enlarged.

    Parameters
    ----------
    upscaler : Upscaler
        The network.
    read : callable
        Takes top, left, height and width; returns that window, ``(h, w, C)`` uint8, C = 1 or 3.
    shape : tuple of int
        Height, width and channels of the whole image.
    tile, overlap : int
        Side of the tiles and what neighbors share, in pixels of the small image; both are
        raised to a multiple of the network's step, and the tile to twice the overlap.
    batch : int
        Tiles in a step.
    workers : int
        Steps at once, each in a thread.

    Yields
    ------
    strip : ndarray
        ``(h, scale W, C)`` float32 in gray levels; their heights add up to ``scale H``.
    """
    scale, (height, width, channels) = upscaler.scale, shape
    step = upscaler.step
    margin = step if step >= _CONTENT else _raised(_AROUND, step)
    overlap = _raised(overlap, step)
    tile = max(_raised(tile, step), 2 * overlap)
    around = _Continued(read, height, width, margin)
    rows, columns = (spans(side + 2 * margin, tile, overlap) for side in (height, width))
    parts = list(_batches(columns, batch))

    def windows() -> Iterator[Pixels]:
        for top, bottom in rows:
            for part in parts:
                spread = columns[part]
                yield np.stack([around.read(top, i, bottom - top, j - i) for i, j in spread])

    below: Floats | None = None
    with closing(
        map_ahead(upscaler.enlarge, windows(), workers=workers, depth=workers + 1)
    ) as steps:
        for number, (top, bottom) in enumerate(rows):
            row = np.zeros(((bottom - top) * scale, columns[-1][1] * scale, channels), np.float32)
            for part in parts:
                for column, pixels in enumerate(next(steps), part.start):
                    left, right = columns[column]
                    across = _weights(columns, column, overlap, scale)[:, None]
                    row[:, left * scale : right * scale] += pixels * across
            row *= _weights(rows, number, overlap, scale)[:, None, None]
            if below is not None:
                row[: len(below)] += below
            # Above the next tile's first row nothing more is added.
            end = rows[number + 1][0] if number + 1 < len(rows) else bottom
            below = row[(end - top) * scale :].copy()
            first, last = max(top, margin), min(end, height + margin)
            if last > first:
                inner = row[(first - top) * scale : (last - top) * scale]
                yield inner[:, margin * scale : (margin + width) * scale]


class _Continued:
    """An image continued by reflection, by so many pixels on each side."""

    def __init__(
        self, read: Callable[[int, int, int, int], Pixels], height: int, width: int, margin: int
    ) -> None:
        self._read, self._sides, self._margin = read, (height, width), margin

    def read(self, top: int, left: int, height: int, width: int) -> Pixels:
        """Return a window, in pixels from the continued image's corner."""
        rows = _reflected(top - self._margin, height, self._sides[0])
        columns = _reflected(left - self._margin, width, self._sides[1])
        (y0, y1), (x0, x1) = ((places.min(), places.max() + 1) for places in (rows, columns))
        part = self._read(int(y0), int(x0), int(y1 - y0), int(x1 - x0))
        return part[np.ix_(rows - y0, columns - x0)]


def _reflected(begin: int, count: int, side: int) -> NDArray[np.int64]:
    """Return where pixels are found along a side that is continued by reflection, however far."""
    places = np.arange(begin, begin + count) % (2 * side)
    return np.minimum(places, 2 * side - 1 - places)


def spans(side: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Return begin and end of the tiles along a side; the last one is as long as what is left."""
    step = tile - overlap
    begins = range(0, max(side - overlap, 1), step)
    return [(begin, min(begin + tile, side)) for begin in begins]


def _batches(columns: list[tuple[int, int]], batch: int) -> Iterator[slice]:
    """Yield runs of at most `batch` tiles of one width: only the last tile may be narrower."""
    full = columns[0][1] - columns[0][0]
    same = sum(right - left == full for left, right in columns)
    for begin in range(0, same, batch):
        yield slice(begin, min(begin + batch, same))
    if same < len(columns):
        yield slice(same, len(columns))


def _weights(spans: list[tuple[int, int]], number: int, overlap: int, scale: int) -> Floats:
    """Return the weight of each enlarged row (or column) of a tile; all tiles' add up to 1."""
    begin, end = spans[number]
    weights = np.ones((end - begin) * scale, np.float32)
    if overlap:
        shared = overlap * scale
        places = (np.arange(shared, dtype=np.float32) + 0.5) / shared
        rise = np.clip((places - _EDGE) / (1 - 2 * _EDGE), 0, 1)
        if number > 0:
            weights[:shared] *= rise
        if number + 1 < len(spans):
            weights[len(weights) - shared :] *= 1 - rise
    return weights


def _raised(value: int, step: int) -> int:
    return -(-value // step) * step
