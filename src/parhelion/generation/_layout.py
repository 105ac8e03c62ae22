"""Drawing a contact sheet: pictures in rows, text under them, headings above."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

#: Suffixes of single pictures that provenance can mark.
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")

_MARGIN, _GAP = 16, 8
_TITLE, _CAPTION, _NOTE = 20, 14, 12  # sizes of the text, in pixels
_LEADING = 4
_PAPER, _INK, _PALE = (17, 18, 22), (236, 236, 240), (160, 162, 172)


class Layout:
    """Where everything goes on a sheet.

    Parameters
    ----------
    size : (int, int)
        Height and width of the pictures, in pixels, as they are shown.
    captions : sequence of (str, str)
        Two lines of text under each picture. The first is always whole, the second is cut to
        the width there is.
    columns : int
        Pictures in a row.
    title : str
        Line at the top.
    headings : sequence of str
        Text above each column, or nothing.
    """

    def __init__(
        self,
        size: tuple[int, int],
        captions: Sequence[tuple[str, str]],
        columns: int,
        title: str,
        headings: Sequence[str] = (),
    ) -> None:
        self._captions, self._title, self._headings = captions, title, headings
        self._columns = columns
        self._picture = size
        self._fonts = {
            pixels: ImageFont.load_default(pixels) for pixels in (_TITLE, _CAPTION, _NOTE)
        }
        words = [first for first, _ in captions] + list(headings)
        widest = max(self._fonts[_CAPTION].getlength(word) for word in words)
        notes = any(second for _, second in captions)
        self._cell = max(size[1], int(widest) + 1)
        self._row = size[0] + _LEADING + _CAPTION + notes * (_LEADING + _NOTE) + 2 * _GAP
        self._top = _MARGIN + _TITLE + 2 * _LEADING + _GAP
        if headings:
            self._top += _CAPTION + _LEADING + _GAP
        rows = -(-len(captions) // columns)
        across = columns * (self._cell + _GAP) - _GAP
        self.width = 2 * _MARGIN + max(across, int(self._fonts[_TITLE].getlength(title)) + 1)
        self.height = self._top + rows * self._row - _GAP + _MARGIN

    def draw(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the sheet, ``(height, width, 3)`` uint8.

        Parameters
        ----------
        images : ndarray
            ``(N, H, W, C)`` uint8 with 1 or 3 channels; a whole factor smaller than they are
            shown.
        """
        sheet = Image.new("RGB", (self.width, self.height), _PAPER)
        pen = ImageDraw.Draw(sheet)
        self._text(pen, (_MARGIN, _MARGIN), self._title, _TITLE, _INK, self.width - 2 * _MARGIN)
        for column, heading in enumerate(self._headings):
            place = (self._left(column), self._top - _CAPTION - _LEADING - _GAP)
            self._text(pen, place, heading, _CAPTION, _INK, self._cell)
        for index, (pixels, (first, second)) in enumerate(zip(images, self._captions, strict=True)):
            row, column = divmod(index, self._columns)
            left, top = self._left(column), self._top + row * self._row
            picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
            shown = picture.resize(self._picture[::-1], Image.Resampling.NEAREST)
            sheet.paste(shown, (left, top))
            top += self._picture[0] + _LEADING
            self._text(pen, (left, top), first, _CAPTION, _INK, self._cell)
            top += _CAPTION + _LEADING
            self._text(pen, (left, top), second, _NOTE, _PALE, self._cell)
        return np.asarray(sheet)

    def _left(self, column: int) -> int:
        return _MARGIN + column * (self._cell + _GAP)

    def _text(
        self,
        pen: ImageDraw.ImageDraw,
        place: tuple[int, int],
        text: str,
        size: int,
        color: tuple[int, int, int],
        width: int,
    ) -> None:
        font = self._fonts[size]
        if font.getlength(text) > width:
            while text and font.getlength(text + "…") > width:
                text = text[:-1]
            text = text.rstrip() + "…"
        pen.text(place, text, fill=color, font=font)
