"""A view from top to bottom, a row of tiles at a time, and its preview on the way."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion.sky._render import Scene

T = TypeVar("T")

#: Longest side of a preview, in pixels.
PREVIEW = 2048


def in_order(
    work: Callable[..., T], jobs: Iterable[tuple[Any, ...]], *, workers: int, shown: Any
) -> Iterator[T]:
    """Yield the results of `work` in the order of the jobs, `workers` of them at a time.

    No more are ahead than keep the workers busy, so that memory does not grow.
    """
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for job in jobs:
                pending.append(pool.submit(work, *job))
                if len(pending) <= workers:
                    continue
                yield pending.popleft().result()
                shown.update()
            while pending:
                yield pending.popleft().result()
                shown.update()
        finally:
            for future in pending:
                future.cancel()


def strips(
    scene: Scene, *, x: int, y: int, width: int, height: int, tile: int, workers: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield the window from (x, y) of a scene, ``(h, width, C)`` uint8 at a time."""
    jobs = [
        (top, left, min(tile, y + height - top), min(tile, x + width - left))
        for top in range(y, y + height, tile)
        for left in range(x, x + width, tile)
    ]
    across = -(-width // tile)
    row: list[NDArray[np.uint8]] = []
    with bar(total=len(jobs), what="painting", unit="tiles") as shown:
        for part in in_order(scene.tile, jobs, workers=workers, shown=shown):
            row.append(part)
            if len(row) == across:
                yield np.concatenate(row, axis=1)
                row = []


class Preview:
    """The view reduced by whole-pixel averages as its strips go by."""

    def __init__(self, size: int, channels: int) -> None:
        self._size = size
        self._factor = -(-size // PREVIEW)
        side = -(-size // self._factor)
        self._sums = np.zeros((side, side, channels), np.uint64)

    def watch(self, strips: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """Yield the strips, and add them up."""
        side, _, channels = self._sums.shape
        missing = side * self._factor - self._size
        top = 0
        for strip in strips:
            padded = np.pad(strip, [(0, 0), (0, missing), (0, 0)]) if missing else strip
            cells = padded.reshape(len(strip), side, self._factor, channels)
            columns = cells[:, :, 0].astype(np.uint32)
            for step in range(1, self._factor):
                columns += cells[:, :, step]
            for row in range(len(strip)):
                self._sums[(top + row) // self._factor] += columns[row]
            top += len(strip)
            yield strip

    def pixels(self) -> NDArray[np.uint8]:
        """Return the averages, ``(side, side, C)`` uint8."""
        lengths = np.full(len(self._sums), self._factor, np.uint64)
        lengths[-1] = self._size - (len(lengths) - 1) * self._factor
        means = self._sums / np.outer(lengths, lengths)[..., None]
        return np.rint(means).astype(np.uint8)
