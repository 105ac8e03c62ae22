"""Reading parts of an image that may be too large for memory."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog._decode import decode
from parhelion.errors import DecodeError


class Windows:
    """An image of which windows are read: tile by tile from TIFF, else decoded once, whole.

    Parameters
    ----------
    path : Path
        Image file; a tiled 8-bit TIFF of 1 or 3 channels is not read further than asked.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels.

    Raises
    ------
    DecodeError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._file: Any = None
        self._page: Any = None
        if path.suffix.lower() in (".tif", ".tiff") and self._open_tiles(path):
            return
        self._pixels = decode(path)[0].pixels
        height, width, channels = self._pixels.shape
        self.shape = (int(height), int(width), int(channels))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.uint8]:
        """Return the part of a window that is inside the image, ``(h, w, C)`` uint8."""
        y1, x1 = min(y0 + height, self.shape[0]), min(x0 + width, self.shape[1])
        y0, x0 = max(y0, 0), max(x0, 0)
        if self._page is None:
            part: NDArray[np.uint8] = self._pixels[y0:y1, x0:x1]
            return part
        side_y, side_x = self._page.tilelength, self._page.tilewidth
        window = np.empty((y1 - y0, x1 - x0, self.shape[2]), np.uint8)
        for row in range(y0 // side_y, (y1 - 1) // side_y + 1):
            for column in range(x0 // side_x, (x1 - 1) // side_x + 1):
                top, left = row * side_y, column * side_x
                tile = self._tile(row, column)
                a, b = max(top, y0), min(top + side_y, y1)
                c, d = max(left, x0), min(left + side_x, x1)
                window[a - y0 : b - y0, c - x0 : d - x0] = tile[
                    a - top : b - top, c - left : d - left
                ]
        return window

    def _open_tiles(self, path: Path) -> bool:
        import tifffile

        try:
            self._file = tifffile.TiffFile(path)
            page = self._file.pages[0]
        except (tifffile.TiffFileError, OSError, IndexError) as error:
            raise DecodeError(f"{path} cannot be read as TIFF: {error}") from error
        usable = (
            page.is_tiled
            and page.dtype == np.uint8
            and page.samplesperpixel in (1, 3)
            and page.planarconfig == 1
        )
        if not usable:
            self._file.close()
            self._file = None
            return False
        self._page = page
        self.shape = (int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel))
        return True

    def _tile(self, row: int, column: int) -> NDArray[np.uint8]:
        page = self._page
        index = row * -(-page.imagewidth // page.tilewidth) + column
        handle = self._file.filehandle
        handle.seek(page.dataoffsets[index])
        data, _, _ = page.decode(handle.read(page.databytecounts[index]), index)
        tile: NDArray[np.uint8] = data[0]
        return tile


def open_windows(path: Path | str) -> Windows:
    """Open an image to read parts of it; use it in a ``with`` statement. See `Windows`."""
    return Windows(Path(path))
