"""What the detector sees of an image: one small picture of it, or patches at its own resolution.

A generator leaves its traces in the finest detail, which making a picture smaller takes away. So
patches are cut out as they are, where the image has most structure: blank sky tells nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import LUMA
from parhelion.detection._chain import judged
from parhelion.detection._settings import DetectorSettings

Pixels = NDArray[np.uint8]

#: Patches are looked for at most this many to a side of the image, evenly spaced.
_PLACES = 16
#: The side of a patch is a multiple of this where the image is too small for a whole one, so that
#: images of many sizes share a few; and its least, below which an image is continued.
STEP, _LEAST = 8, 16


@dataclass(frozen=True)
class View:
    """The parts of one image that a detector judges."""

    patches: Pixels
    """``(K, S, S, 3)`` uint8; S may differ from image to image."""
    boxes: NDArray[np.int32]
    """``(K, 4)``: top, left, height and width of each part in the image, in pixels."""


def view(pixels: Pixels, settings: DetectorSettings) -> View:
    """Return what a detector with these settings sees of a ``(H, W, C)`` uint8 image, C = 1 or 3.

    With ``view="whole"``, the centre square at one size, re-encoded as JPEG (AstroSpy). With
    ``view="patches"``, up to `patches` squares of side `image_size`, as they are, those of the
    greatest standard deviation first, none overlapping another by more than half; of an image
    that is smaller, squares as large as it has, see `patch_side`.
    """
    if settings.view == "whole":
        height, width = pixels.shape[:2]
        side = min(height, width)
        box = [(height - side) // 2, (width - side) // 2, side, side]
        seen = judged(pixels, settings.image_size, settings.test_quality)
        return View(seen[None], np.array([box], np.int32))
    color = as_color(pixels)
    size = patch_side(min(color.shape[:2]), settings.image_size)
    corners = fullest(color, size, settings.patches)
    padded = at_least(color, size)
    patches = np.stack([padded[y : y + size, x : x + size] for y, x in corners])
    height, width = min(size, color.shape[0]), min(size, color.shape[1])
    boxes = np.array([(y, x, height, width) for y, x in corners], np.int32)
    return View(patches, boxes)


def patch_side(shorter: int, most: int) -> int:
    """Return the side of the patches of an image whose shorter side is given, in pixels.

    That is `most` where the image has so many, else the next lower multiple of 8: continuing the
    image, or enlarging it, would leave traces of its own. It is 16 at least.
    """
    return most if shorter >= most else max(_LEAST, shorter // STEP * STEP)


def as_color(pixels: Pixels) -> Pixels:
    """Return ``(H, W, 3)``; gray is repeated."""
    return np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels


def at_least(pixels: Pixels, size: int) -> Pixels:
    """Continue an image by reflection until each side has `size` pixels."""
    missing = [max(0, size - side) for side in pixels.shape[:2]]
    if not any(missing):
        return pixels
    around = [(short // 2, short - short // 2) for short in missing]
    # A side of one pixel has nothing to reflect but itself.
    if min(pixels.shape[:2]) == 1:
        return np.pad(pixels, [*around, (0, 0)], mode="symmetric")
    return np.pad(pixels, [*around, (0, 0)], mode="reflect")


def fullest(pixels: Pixels, size: int, count: int) -> list[tuple[int, int]]:
    """Return top and left of up to `count` squares with the most structure, fullest first.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, 3)`` uint8.
    size : int
        Side of the squares, in pixels; along a side that is shorter they begin at 0.
    count : int
        Most squares.
    """
    tops, lefts = (_places(side, size) for side in pixels.shape[:2])
    corners = [(int(y), int(x)) for y in tops for x in lefts]
    spread = np.array([_variance(pixels[y : y + size, x : x + size]) for y, x in corners])
    chosen: list[tuple[int, int]] = []
    for place in np.argsort(-spread, kind="stable"):
        y, x = corners[place]
        apart = all(max(abs(y - b), abs(x - a)) >= size / 2 for b, a in chosen)
        if apart:
            chosen.append((y, x))
        if len(chosen) == count:
            break
    return chosen


def _variance(square: Pixels) -> float:
    """Return the variance of the luma of ``(h, w, 3)`` pixels."""
    return float((square @ np.array(LUMA, np.float32)).var(dtype=np.float64))


def _places(side: int, size: int) -> NDArray[np.int64]:
    """Return where squares may begin along a side: from end to end, half a square apart."""
    room = max(side - size, 0)
    steps = min(_PLACES, 1 + -(-2 * room // size))
    places: NDArray[np.int64] = np.unique(np.linspace(0, room, steps).round().astype(np.int64))
    return places
