"""A wide view as one who zooms sees it: enlarged or reduced, read window by window."""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Bicubic interpolation reaches two pixels; what is read beyond a window keeps its edges the same.
_REACH = 4
# Rows and columns of a view that are read at a time to be reduced.
_BLOCK = 1024


class Windows(Protocol):
    """Anything of which windows are read; see `parhelion.catalog.Windows`."""

    shape: tuple[int, int, int]

    def read(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.uint8]:
        """Return the part of a window that is inside, ``(h, w, C)`` uint8."""


class ZoomedView:
    """A part of a view, zoomed by a factor.

    Parameters
    ----------
    windows : Windows
        The view.
    zoom : float
        A whole number, or one over a whole number.
    box : tuple of int
        The part: y0, x0, y1, x1 in pixels of the view, half open.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels of the zoomed part. Reduced, a last row or column of fewer
        pixels than the factor is left out.
    """

    def __init__(self, windows: Windows, zoom: float, box: tuple[int, int, int, int]) -> None:
        self._windows = windows
        self.zoom = zoom
        self.box = box
        y0, x0, y1, x1 = box
        height, width = int((y1 - y0) * zoom + 1e-6), int((x1 - x0) * zoom + 1e-6)
        self.shape = (height, width, windows.shape[2])

    def read(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.uint8]:
        """Return the part of a window that is inside the picture, ``(h, w, C)`` uint8.

        The pixels do not depend on how the picture is divided into windows: reduced they are
        means of whole pixels, enlarged they are interpolated (bicubic) with what is around.
        """
        y1, x1 = min(y0 + height, self.shape[0]), min(x0 + width, self.shape[1])
        y0, x0 = max(y0, 0), max(x0, 0)
        if y1 <= y0 or x1 <= x0:
            return np.zeros((max(y1 - y0, 0), max(x1 - x0, 0), self.shape[2]), np.uint8)
        top, left = self.box[:2]
        if self.zoom == 1:
            return self._windows.read(top + y0, left + x0, y1 - y0, x1 - x0)
        if self.zoom < 1:
            return self._reduced(y0, x0, y1, x1)
        step = round(self.zoom)
        # Whole pixels of the view around the window, as far as there are any.
        a = max(top + y0 // step - _REACH, 0)
        b = min(top + math.ceil(y1 / step) + _REACH, self._windows.shape[0])
        c = max(left + x0 // step - _REACH, 0)
        d = min(left + math.ceil(x1 / step) + _REACH, self._windows.shape[1])
        part = self._windows.read(a, c, b - a, d - c)
        image = Image.fromarray(part[..., 0] if part.shape[-1] == 1 else part)
        size = ((d - c) * step, (b - a) * step)
        large = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
        y, x = y0 - (a - top) * step, x0 - (c - left) * step
        window: NDArray[np.uint8] = large[y : y + y1 - y0, x : x + x1 - x0]
        return window[..., None] if window.ndim == 2 else window

    def _reduced(self, y0: int, x0: int, y1: int, x1: int) -> NDArray[np.uint8]:
        """Return a part of the reduced picture, from blocks of the view that fit into memory."""
        step = round(1 / self.zoom)
        side = max(_BLOCK // step, 1)
        reduced = np.empty((y1 - y0, x1 - x0, self.shape[2]), np.uint8)
        for y in range(y0, y1, side):
            for x in range(x0, x1, side):
                height, width = min(side, y1 - y), min(side, x1 - x)
                block = self._windows.read(
                    self.box[0] + y * step, self.box[1] + x * step, height * step, width * step
                )
                cells = block.reshape(height, step, width, step, -1)
                means = cells.sum((1, 3), dtype=np.uint32) / np.float32(step**2)
                reduced[y - y0 : y - y0 + height, x - x0 : x - x0 + width] = np.rint(means)
        return reduced


def zoomed_box(shape: tuple[int, int, int], zoom: float, side: int) -> tuple[int, int, int, int]:
    """Return the part of a view to show at a zoom: all of it, or as much of its middle as fits.

    Parameters
    ----------
    shape : tuple of int
        Of the view.
    zoom : float
        Factor.
    side : int
        Largest side of the zoomed picture, where it is enlarged.
    """
    height, width = shape[:2]
    if zoom <= 1:
        return 0, 0, height, width
    high, wide = (min(length, max(1, int(side / zoom))) for length in (height, width))
    y0, x0 = (height - high) // 2, (width - wide) // 2
    return y0, x0, y0 + high, x0 + wide
