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
# Amber and blue as in the reports.
OBSERVED: Color = (242, 182, 97)
MADE: Color = (99, 179, 255)
UNSURE: Color = (190, 196, 210)

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


def latin(text: str) -> str:
    """Return text with what Pillow's font does not have as escapes, on one line."""
    return text.encode("ascii", "backslashreplace").decode().replace("\n", "\\n")


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


def fit(pixels: NDArray[np.uint8], side: int) -> Image.Image:
    """Return ``(H, W, 1 or 3)`` pixels as a picture whose longer side is `side`.

    What is enlarged stays in its pixels: no detail is invented.
    """
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    kind = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize(size, kind, reducing_gap=2.0 if scale < 1 else None)


def between(share: float, colors: Sequence[Color]) -> Color:
    """Return the color at `share`, 0 to 1, of the way along colors."""
    place = min(max(share, 0.0), 1.0) * (len(colors) - 1)
    first = min(int(place), len(colors) - 2)
    a, b = np.array(colors[first]), np.array(colors[first + 1])
    red, green, blue = np.rint(a + (b - a) * (place - first)).astype(int).tolist()
    return red, green, blue


def plot(
    width: int,
    height: int,
    band: tuple[Sequence[float], Sequence[float]],
    lines: Sequence[tuple[Sequence[float], Color]],
    reach: float,
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
    reach : float
        What is drawn goes from minus this to this, and is cut off beyond.
    """
    fine = 4  # drawn larger and reduced, since Pillow does not smooth lines
    image = Image.new("RGB", (width * fine, height * fine), PANEL)
    draw = ImageDraw.Draw(image)

    def points(values: Sequence[float]) -> list[tuple[float, float]]:
        x = np.linspace(0, width * fine - 1, len(values))
        y = (1 - np.clip(np.asarray(values) / reach, -1, 1)) / 2 * (height * fine - 1)
        return list(zip(x.tolist(), y.tolist(), strict=True))

    for share in (0.25, 0.5, 0.75):
        draw.line([(share * width * fine, 0), (share * width * fine, height * fine)], (42, 46, 58))
    draw.polygon(points(band[0]) + points(band[1])[::-1], fill=(84, 68, 44))
    for values, color in lines:
        draw.line(points(values), color, width=2 * fine, joint="curve")
    return image.resize((width, height), Image.Resampling.LANCZOS)
