"""Lettering in pictures: captions, labels of maps and watermarks, found without reading them.

Letters are marks of one height that stand beside one another on a line. No network is needed to
see that, and none is asked what the letters say.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

#: Contrast of a letter with what is around it, in gray levels.
_CONTRAST = 36
#: Side of the window that says what is around a mark, in pixels.
_AROUND = 21
#: Height of letters, in pixels, and greatest width, in heights.
_HEIGHTS, _WIDEST = (5, 40), 2.5
#: Share of its box that a letter fills: less than a star, which is round.
_FILLED = (0.15, 0.9)
#: How far letters of a line may lie apart, and differ in height and foot, in heights.
_GAP, _HEIGHT, _FOOT = 1.2, 0.3, 0.2
#: Letters that make a line.
_LINE = 4


@dataclass(frozen=True)
class Mark:
    """A connected patch that could be a letter, by its box."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def lettering(luma: Floats) -> list[tuple[int, int, int, int]]:
    """Return the lines of lettering in a picture: top, left, height and width of each.

    Parameters
    ----------
    luma : ndarray
        ``(H, W)`` float32, 0 to 255.
    """
    around = ndimage.uniform_filter(luma, _AROUND, mode="nearest")
    found = []
    # Light letters on dark ground, and dark ones on light ground.
    for inside in (luma > around + _CONTRAST, luma < around - _CONTRAST):
        marks = sorted(_marks(inside), key=lambda mark: mark.left)
        for line in _lines(marks):
            top, left = min(m.top for m in line), min(m.left for m in line)
            bottom, right = max(m.bottom for m in line), max(m.right for m in line)
            found.append((top, left, bottom - top, right - left))
    return found


def _marks(inside: NDArray[np.bool_]) -> list[Mark]:
    labels, _ = ndimage.label(inside, np.ones((3, 3)))
    found = []
    for number, part in enumerate(ndimage.find_objects(labels), 1):
        rows, columns = part
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not _HEIGHTS[0] <= height <= _HEIGHTS[1] or width > _WIDEST * height:
            continue
        filled = float((labels[part] == number).mean())
        # An I is a bar and fills its box.
        slim = width <= height / 2
        if filled >= _FILLED[0] and (filled <= _FILLED[1] or slim):
            found.append(Mark(rows.start, columns.start, rows.stop, columns.stop))
    return found


def _lines(marks: list[Mark]) -> list[list[Mark]]:
    """Join marks, sorted from left to right, to lines; each mark is in one."""
    lines: list[list[Mark]] = []
    for mark in marks:
        best = None
        for line in lines:
            last = line[-1]
            height = max(mark.height, last.height)
            beside = 0 <= mark.left - last.right + 0.2 * height <= (_GAP + 0.2) * height
            level = abs(mark.bottom - last.bottom) <= max(1, _FOOT * height)
            alike = abs(mark.height - last.height) <= max(1, _HEIGHT * height)
            if beside and level and alike and (best is None or last.right > best[-1].right):
                best = line
        if best is None:
            lines.append([mark])
        else:
            best.append(mark)
    return [line for line in lines if len(line) >= _LINE]
