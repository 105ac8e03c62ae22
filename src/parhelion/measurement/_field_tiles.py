"""Searching a wide view tile by tile, in one process or several, with the same result."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._progress import bar
from parhelion.catalog import open_windows
from parhelion.errors import InputError
from parhelion.measurement._field_zoom import Windows, ZoomedView
from parhelion.sky import open_view, view_image

Box = tuple[int, int, int, int]

# Below this, starting processes takes longer than they save.
_WORTH_PROCESSES = 64


class Finder(Protocol):
    """What finds sources in a window of a picture; it is sent to other processes, so it pickles."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what is known of a detection; the first two are x and y."""

    @property
    def tile(self) -> int:
        """Side of the tiles to search."""

    @property
    def margin(self) -> int:
        """What is to be read around a tile."""

    @property
    def slack(self) -> float:
        """How far beyond its tile a detection may have its center."""

    def find(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], float]:
        """Return the detections in a window, ``(N, columns)``, and the noise of its sky."""

    def merge(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the detections of all tiles, each once."""


@dataclass(frozen=True)
class _Search:
    """A worker's part of the work: a picture, and what searches it."""

    picture: ZoomedView
    finder: Finder

    def tile(self, corner: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
        """Return what is found in the tile from `corner`, in pixels of the zoomed picture."""
        y0, x0 = corner
        tile, margin = self.finder.tile, self.finder.margin
        side = tile + 2 * margin
        pixels = self.picture.read(y0 - margin, x0 - margin, side, side)
        found, rms = self.finder.find(pixels)
        found = found.copy()
        found[:, 0] += max(x0 - margin, 0)
        found[:, 1] += max(y0 - margin, 0)
        height, width, _ = self.picture.shape
        slack = self.finder.slack
        mine = _core(found[:, 0], x0, tile, width, slack)
        mine &= _core(found[:, 1], y0, tile, height, slack)
        return found[mine], rms


_worker: _Search | None = None


def open_pixels(view: Path, catalog: Path | None = None) -> AbstractContextManager[Windows]:
    """Open a wide view to read windows of it: its TIFF or PNG, else its parts rendered again.

    For those `catalog` says where its galaxies are, if not where they were. A TIFF or PNG that
    nothing describes is read as it is.
    """
    if not (view / "sky.json").is_file():
        image = view_image(view)
        if image.suffix in (".png", ".tiff"):
            return open_windows(image)
    return open_view(view, catalog)


def search(
    view: Path,
    windows: Windows,
    finder: Finder,
    *,
    zoom: float,
    box: Box,
    workers: int | None,
    catalog: Path | None = None,
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Return the detections in a zoomed part of a view, and the median noise of its sky.

    Sources are found in overlapping tiles; one counts in the tile whose core has its center.
    Where there are many tiles, processes search them; the result is the same for any number.

    Parameters
    ----------
    view : Path
        Folder of the view, which other processes open for themselves.
    windows : Windows
        The same view, open.
    finder : Finder
        What finds sources in a tile.
    zoom : float
        See `ZoomedView`.
    box : tuple of int
        Part of the view: y0, x0, y1, x1.
    workers : int, optional
        Processes; by default one to a CPU where it pays.
    catalog : Path, optional
        See `open_pixels`.

    Returns
    -------
    found : dict
        The finder's columns, in the pixels and the order of the zoomed picture's tiles.
    rms : float
        In luma of the zoomed picture.
    """
    picture = ZoomedView(windows, zoom, box)
    height, width, _ = picture.shape
    step = finder.tile
    corners = [(y, x) for y in range(0, height, step) for x in range(0, width, step)]
    if workers is None:
        workers = cores() if len(corners) >= _WORTH_PROCESSES else 1
    parts: list[NDArray[np.float64]] = []
    noises: list[float] = []
    results = (
        map(_Search(picture, finder).tile, corners)
        if workers == 1
        else _in_processes(view, catalog, finder, zoom, box, corners, workers)
    )
    with bar(total=len(corners), what="finding sources", unit="tiles") as shown:
        for found, rms in results:
            parts.append(found)
            noises.append(rms)
            shown.update()
    table = finder.merge(np.concatenate(parts))
    columns = {name: table[:, index] for index, name in enumerate(finder.columns)}
    return columns, float(np.median(noises))


def _in_processes(
    view: Path,
    catalog: Path | None,
    finder: Finder,
    zoom: float,
    box: Box,
    corners: list[tuple[int, int]],
    workers: int,
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield what each tile has, in order, from `workers` processes that open the view anew."""
    # Not by fork: this process may have threads (of torch, say), whose locks would be copied.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(corners)),
        mp_context=context,
        initializer=_start_worker,
        initargs=(view, catalog, finder, zoom, box),
    ) as pool:
        try:
            yield from pool.map(_search_tile, corners, chunksize=4)
        except BrokenProcessPool as error:
            raise InputError(
                f"the processes that search {view} ended early (memory, or a script that calls "
                'outside of `if __name__ == "__main__":`); give --workers 1'
            ) from error


def _start_worker(view: Path, catalog: Path | None, finder: Finder, zoom: float, box: Box) -> None:
    global _worker
    # The view stays open as long as the process lives.
    _worker = _Search(ZoomedView(open_pixels(view, catalog).__enter__(), zoom, box), finder)


def _search_tile(corner: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
    if _worker is None:
        raise RuntimeError("no view was opened in this process")
    return _worker.tile(corner)


def _core(
    place: NDArray[np.float64], start: int, tile: int, length: int, slack: float
) -> NDArray[np.bool_]:
    """Return which centers belong to the tile from `start`; the outermost take what is beyond."""
    first = -np.inf if start == 0 else start - 0.5 - slack
    last = np.inf if start + tile >= length else start + tile - 0.5 + slack
    return (place >= first) & (place < last)
