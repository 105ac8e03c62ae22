"""Pictures of a zoomed view with its found, missed and spurious sources outlined.

After Fig. 4 of "Generative Adversarial Networks for Astronomical Images Generation", which shows a
detector's boxes on a made universe at several zooms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

#: Outlines by kind: a circle, a diamond and a square, so that color is not needed to tell them.
COLORS = {"found": (99, 179, 255), "missed": (255, 196, 0), "spurious": (255, 84, 112)}
_PAPER, _INK = (16, 21, 31), (223, 230, 240)
_FOOT = 34  # pixels of the legend below
_LEAST, _MOST = 5.0, 120.0  # half sides of outlines, in pixels
#: RMS extents from a galaxy's center to where it has faded.
EXTENTS = 3.0


@dataclass(frozen=True)
class Marks:
    """Places to outline, in pixels of the picture: x, y and half side, ``(N, 3)`` float64."""

    found: NDArray[np.float64]
    missed: NDArray[np.float64]
    spurious: NDArray[np.float64]


def draw_overlay(pixels: NDArray[np.uint8], marks: Marks, title: str) -> NDArray[np.uint8]:
    """Return a picture with outlines, and a legend with their counts below.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8, as zoomed.
    marks : Marks
        What to outline; what lies outside is left out.
    title : str
        Said in the legend, such as ``zoom 2``.

    Returns
    -------
    picture : ndarray
        ``(H + 34, W, 3)`` uint8.
    """
    height, width = pixels.shape[:2]
    color = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    picture = Image.new("RGB", (width, height + _FOOT), _PAPER)
    picture.paste(Image.fromarray(np.ascontiguousarray(color)), (0, 0))
    draw = ImageDraw.Draw(picture)
    counts = {}
    # Found ones first: the others are fewer, and are to be seen.
    for name in COLORS:
        places = getattr(marks, name)
        inside = (places[:, :2] > -0.5).all(1) & (places[:, :2] < [width - 0.5, height - 0.5]).all(
            1
        )
        counts[name] = int(inside.sum())
        for x, y, half in places[inside]:
            _outline(draw, name, x, y, float(np.clip(half, _LEAST, _MOST)))
    # Outlines at the lower edge do not reach into the legend.
    draw.rectangle((0, height, width, height + _FOOT), fill=_PAPER)
    _legend(draw, counts, title, width, height)
    return np.asarray(picture)


def mark_size(a: NDArray[np.float64], zoom: float) -> NDArray[np.float64]:
    """Return half sides of outlines around sources of semi-axes `a`, in pixels of the view."""
    return EXTENTS * np.nan_to_num(a) * zoom + 2


def _outline(draw: ImageDraw.ImageDraw, name: str, x: float, y: float, half: float) -> None:
    box = (x - half, y - half, x + half, y + half)
    if name == "found":
        draw.ellipse(box, outline=COLORS[name], width=2)
    elif name == "missed":
        corners = [(x, y - half), (x + half, y), (x, y + half), (x - half, y), (x, y - half)]
        draw.line(corners, fill=COLORS[name], width=2, joint="curve")
    else:
        draw.rectangle(box, outline=COLORS[name], width=2)


def _legend(
    draw: ImageDraw.ImageDraw, counts: dict[str, int], title: str, width: int, top: int
) -> None:
    font = ImageFont.load_default(15 if width >= 480 else 10)
    middle = top + _FOOT / 2
    x = 10.0
    for name, count in counts.items():
        _outline(draw, name, x + 7, middle, 7)
        text = f"{name} {count}"
        draw.text((x + 21, middle), text, font=font, fill=COLORS[name], anchor="lm")
        x += 21 + draw.textlength(text, font=font) + 18
    if x + draw.textlength(title, font=font) + 10 < width:
        draw.text((width - 10, middle), title, font=font, fill=_INK, anchor="rm")
