"""The paper's own wide view, for comparison: a chaotic grid of whole images, resized."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import decode, luma, resize
from parhelion.sky._placement import Placement
from parhelion.sky._render import Layer, Rendered
from parhelion.sky._store import StampInfo

_STREAM = 6  # of the key
_SMALLEST = 0.5  # of a cell


def grid_order(count: int, images: int, seed: int) -> NDArray[np.int64]:
    """Return which image each cell gets: all take turns, in random order."""
    philox = np.random.Philox(key=np.array([seed, _STREAM + 1], np.uint64))
    return np.random.Generator(philox).permutation(count) % images


class Grid:
    """Images on a grid, each in a cell of its own, of random size and place in it.

    Parameters
    ----------
    root : Path
        Folder of the catalog.
    paths : list of str
        Image of each cell, from the top left.
    size, seed
        See `WidefieldSettings`.
    channels : int
        1 or 3.
    """

    def __init__(
        self, root: Path, paths: list[str], *, size: int, seed: int, channels: int
    ) -> None:
        self._root, self._paths, self._channels = root, paths, channels
        count = len(paths)
        philox = np.random.Philox(key=np.array([seed, _STREAM], np.uint64))
        draws = np.random.Generator(philox).random((count, 3))
        across = int(np.ceil(count**0.5))
        cell = size / across
        self._side = np.maximum(cell * (_SMALLEST + (1 - _SMALLEST) * draws[:, 0]), 1).astype(int)
        room = np.maximum(cell - self._side, 0)
        self._left = (np.arange(count) % across * cell + room * draws[:, 1]).astype(int)
        self._top = (np.arange(count) // across * cell + room * draws[:, 2]).astype(int)

    def placement(self, stamps: list[StampInfo], order: NDArray[np.int64]) -> Placement:
        """Return where the galaxies of the images are, for the truth catalog."""
        infos = [stamps[index] for index in order]
        shapes = np.array([info.image_shape for info in infos])
        # The middle square of an image is what is shown; see `parhelion.catalog.resize`.
        square = shapes.min(axis=1)
        cut = (shapes - square[:, None]) // 2
        zoom = self._side / square
        y = np.array([info.top + info.y for info in infos]) - cut[:, 0]
        x = np.array([info.left + info.x for info in infos]) - cut[:, 1]
        count = len(infos)
        return Placement(
            x=self._left + (x + 0.5) * zoom - 0.5,
            y=self._top + (y + 0.5) * zoom - 0.5,
            stamp=order,
            angle=np.zeros(count),
            flipped=np.zeros(count, bool),
            zoom=zoom,
            a=zoom * np.array([info.a for info in infos]),
            flux=zoom**2 * np.array([info.flux for info in infos]),
            most_zoom=np.full(count, np.inf),
            most_gain=np.full(count, np.inf),
        )

    def layer(self, placement: Placement) -> Layer:
        """Return the images as objects of a scene that pastes."""

        def draw(index: int) -> Rendered:
            side = int(self._side[index])
            pixels = decode(self._root / self._paths[index])[0].pixels
            light = resize(pixels, side, self._channels).astype(np.float32)
            top, left = int(self._top[index]), int(self._left[index])
            flux, peak = float(placement.flux[index]), float(luma(light).max())
            return Rendered(light, top, left, flux, peak, 1.0)

        return Layer(placement.x, placement.y, self._side * 2**0.5 + 1, draw)
