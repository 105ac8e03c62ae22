"""The figure of copies: each made image beside the real ones that are most similar to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

_GAP, _LINE, _HEAD = 6, 18, 22
_PAPER, _INK, _ALARM = (24, 24, 24), (222, 222, 222), (255, 122, 89)


@dataclass(frozen=True)
class Line:
    """One row of the figure.

    Attributes
    ----------
    made : ndarray
        ``(S, S, 3)`` uint8.
    real : sequence of ndarray
        The most similar real images, best first, as they were compared.
    scores : sequence of float
        Their SSIM.
    flagged : bool
        Whether the made image counts as a copy.
    """

    made: Pixels
    real: Sequence[Pixels]
    scores: Sequence[float]
    flagged: bool


def draw_figure(lines: Sequence[Line], columns: int, size: int) -> Pixels:
    """Draw one row per made image: itself, then its nearest real ones with their SSIM.

    Parameters
    ----------
    lines : sequence of Line
        At least one.
    columns : int
        Real images in a row.
    size : int
        Side of the images, in pixels.

    Returns
    -------
    figure : ndarray
        ``(H, W, 3)`` uint8; flagged images are framed.
    """
    cell, tall = size + _GAP, size + _LINE + _GAP
    width = _GAP + cell * (columns + 1) + _GAP
    sheet = Image.new("RGB", (width, _HEAD + tall * len(lines) + _GAP), _PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    pen.text((_GAP, 5), "made", _INK, font)
    pen.text((2 * _GAP + cell, 5), "nearest real images, SSIM", _INK, font)
    for row, line in enumerate(lines):
        top = _HEAD + row * tall
        color = _ALARM if line.flagged else _INK
        if line.flagged:
            pen.rectangle((_GAP - 3, top - 3, _GAP + size + 2, top + size + 2), outline=_ALARM)
        for column, image in enumerate([line.made, *line.real]):
            left = _GAP + column * cell + (_GAP if column else 0)
            sheet.paste(Image.fromarray(image), (left, top))
            if column:
                pen.text((left, top + size + 2), f"{line.scores[column - 1]:.3f}", color, font)
            elif line.flagged:
                pen.text((left, top + size + 2), "copy?", color, font)
    return np.asarray(sheet)
