"""Drawing for explanations, with Pillow alone: colors, panels, text and a plot."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]

BACKGROUND: Color = (15, 17, 23)
PANEL: Color = (24, 27, 36)
TEXT: Color = (232, 234, 240)
DIM: Color = (150, 156, 170)
OBSERVED: Color = (94, 184, 255)
MADE: Color = (255, 138, 92)
UNSURE: Color = (240, 205, 110)

# A dark-to-light ramp of rising lightness, so that it reads in gray too.
_RAMP = np.array(
    [(6, 6, 18), (52, 20, 92), (128, 36, 112), (204, 70, 86), (246, 138, 60), (252, 236, 170)],
    np.float32,
)


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font at `size` pixels."""
    return ImageFont.load_default(size)


def colorize(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Map ``(H, W)`` values in [0, 1] (clipped) to ``(H, W, 3)`` uint8 colors."""
    place = np.clip(values, 0, 1) * (len(_RAMP) - 1)
    below = np.minimum(place.astype(int), len(_RAMP) - 2)
    share = (place - below)[..., None]
    mixed = _RAMP[below] * (1 - share) + _RAMP[below + 1] * share
    colors: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return colors


def stretch(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.floating]:
    """Map the percentiles `low` and `high` of values to 0 and 1, clipped."""
    bottom, top = np.percentile(values, (low, high))
    scaled: NDArray[np.floating] = np.clip((values - bottom) / max(top - bottom, 1e-9), 0, 1)
    return scaled


def fit_text(text: str, size: int, width: int) -> str:
    """Shorten text from its left until it is at most `width` pixels wide."""
    face = font(size)
    if face.getlength(text) <= width:
        return text
    while text and face.getlength("..." + text) > width:
        text = text[1:]
    return "..." + text


def wrap(text: str, size: int, width: int) -> list[str]:
    """Break text between words into lines of at most `width` pixels."""
    face, lines = font(size), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(fit_text(word, size, width))
    return lines


def paste(sheet: Image.Image, pixels: NDArray[np.uint8], left: int, top: int, side: int) -> None:
    """Put ``(H, W, 3)`` pixels onto a sheet as a square of `side`, without inventing detail."""
    picture = Image.fromarray(pixels)
    kind = Image.Resampling.NEAREST if picture.width <= side else Image.Resampling.LANCZOS
    sheet.paste(picture.resize((side, side), kind), (left, top))


def plot(
    width: int,
    height: int,
    band: tuple[Sequence[float], Sequence[float]],
    lines: Sequence[tuple[Sequence[float], Color]],
) -> Image.Image:
    """Draw lines over a band, all against the same equally spaced positions.

    Parameters
    ----------
    width, height : int
        Of the plot, in pixels.
    band : pair of sequences
        Lower and upper edge of the shaded band.
    lines : sequence of (values, color)
        Drawn in their order.
    """
    fine = 4  # drawn larger and reduced, since Pillow does not smooth lines
    everything = np.concatenate([np.asarray(values) for values in (*band, *(v for v, _ in lines))])
    bottom, top = float(everything.min()), float(everything.max())
    margin = 0.06 * max(top - bottom, 1e-6)
    bottom, top = bottom - margin, top + margin
    image = Image.new("RGB", (width * fine, height * fine), PANEL)
    draw = ImageDraw.Draw(image)

    def points(values: Sequence[float]) -> list[tuple[float, float]]:
        x = np.linspace(0, width * fine - 1, len(values))
        y = (top - np.asarray(values)) / (top - bottom) * (height * fine - 1)
        return list(zip(x.tolist(), y.tolist(), strict=True))

    for share in (0.25, 0.5, 0.75):
        draw.line([(share * width * fine, 0), (share * width * fine, height * fine)], (42, 46, 58))
    draw.polygon(points(band[0]) + points(band[1])[::-1], fill=(38, 66, 92))
    for values, color in lines:
        draw.line(points(values), color, width=2 * fine, joint="curve")
    return image.resize((width, height), Image.Resampling.LANCZOS)
