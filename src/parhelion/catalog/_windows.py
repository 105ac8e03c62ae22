"""Reading parts of an image that may be too large for memory."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog._decode import decode, reason
from parhelion.errors import DecodeError

# What a tile holds as it is shown, by TIFF's numbers: gray that rises with light, or red, green and
# blue; not turned, and compressed by what needs no further package. `decode` knows the rest.
_PLAIN = {(1, 1), (2, 3)}  # photometric interpretation, samples of a pixel
_UPRIGHT, _REDUCED = 1, 1  # orientation; bit of NewSubfileType
_COMPRESSIONS = {1, 8, 32946}  # none, and deflate by its two numbers


class Windows:
    """An image of which windows are read: tile by tile from TIFF, else decoded once, whole.

    Parameters
    ----------
    path : Path
        Image file; a tiled 8-bit TIFF of 1 or 3 channels is not read further than asked, unless
        what it stores is not what it shows.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels.

    Raises
    ------
    DecodeError
        If it cannot be read; of tiles, when they are asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
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
        self._close()

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
            orientation = page.tags.valueof(274, _UPRIGHT)
        except (tifffile.TiffFileError, OSError, IndexError) as error:
            self._close()
            raise DecodeError(f"{path} cannot be read as TIFF: {error}") from error
        usable = (
            page.is_tiled
            and page.dtype == np.uint8
            and page.bitspersample == 8
            and page.planarconfig == 1
            and page.imagedepth == 1
            and (page.photometric, page.samplesperpixel) in _PLAIN
            and page.compression in _COMPRESSIONS
            and orientation == _UPRIGHT
            and not int(page.subfiletype) & _REDUCED
        )
        if not usable:
            self._close()
            return False
        self._page = page
        self.shape = (int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel))
        return True

    def _tile(self, row: int, column: int) -> NDArray[np.uint8]:
        page = self._page
        index = row * -(-page.imagewidth // page.tilewidth) + column
        handle = self._file.filehandle
        try:
            handle.seek(page.dataoffsets[index])
            data, _, _ = page.decode(handle.read(page.databytecounts[index]), index)
            tile: NDArray[np.uint8] = data[0]
        except Exception as error:
            # Parsers of other people's bytes raise whatever comes up when these are damaged.
            raise DecodeError(
                f"{self._path} cannot be read as an image: its tile {index} is damaged "
                f"({reason(error)})"
            ) from error
        return tile

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def open_windows(path: Path | str) -> Windows:
    """Open an image to read parts of it; use it in a ``with`` statement. See `Windows`."""
    return Windows(Path(path))
