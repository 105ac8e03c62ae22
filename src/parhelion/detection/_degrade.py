"""What happens to images on their way to an archive: the chain of a patch detector's training.

Observed and made images go through the same: cut, resized with one of several filters, their
tones changed, blurred, made noisy, encoded as JPEG or WebP. What tells the classes apart after
that is what the detector is to learn.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from parhelion.detection._chain import SUBSAMPLINGS
from parhelion.detection._settings import DetectorSettings
from parhelion.training import FULL, HALVED, jitter_color, reencode, to_uint8

Pixels = NDArray[np.uint8]

#: Filters of resizing, as programs have them.
FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
#: Qualities of the JPEGs in which observed images come, as a rule.
_PUBLISHED = (70, 95)
#: Share of those whose chroma has half the resolution.
_HALVED = 0.85
#: Share of images stored without loss that become JPEGs first, that share where the image beside
#: is without loss too, and the share of all that become JPEGs once more.
_USUALLY, _SELDOM, _AGAIN = 0.9, 0.3, 0.25
#: Lowest quality of a mild history.
_MILD = 85
#: How often each change is made beside the others: gamma, colors, blur, noise.
_SHARES = np.array([1.0, 1.0, 0.5, 0.5])
#: Share of encodings that are WebP, and of those whose blocks lie on an earlier JPEG's.
_WEBP, _ALIGNED = 0.125, 0.5
_BLOCK = 8  # side of JPEG's blocks


def published(pixels: Pixels, rng: np.random.Generator, phase: tuple[int, int] = (0, 0)) -> Pixels:
    """Encode an image that is stored without loss as observed ones mostly are.

    Else the first JPEG, which nearly all observed images have behind them and made ones do
    not, would be what is learned.
    """
    quality = int(rng.integers(_PUBLISHED[0], _PUBLISHED[1] + 1))
    subsampling = HALVED if rng.random() < _HALVED else FULL
    return _at(pixels, phase, lambda part: reencode(part, quality, subsampling)[0])


def degrade(
    pixels: Pixels,
    size: int,
    settings: DetectorSettings,
    rng: np.random.Generator,
    *,
    lossless: bool = False,
    alike: bool = False,
    smaller: bool = False,
) -> Pixels:
    """Return a square of an image after a random history.

    Part of the histories are mild, resizing and an encoding at high quality alone: faint traces
    must be learned where they can be seen. Where a JPEG's blocks begin in the square is random for
    small and large images alike, else what is learned is which images are small.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, 3)`` uint8, any size.
    size : int
        Side of the square, in pixels.
    settings : DetectorSettings
        `resize`, `resized`, `gamma`, `color_jitter`, `gray`, `blur`, `noise`, `quality`,
        `recompress`, `augment_probability`, `mild` and the flips are used.
    rng : numpy.random.Generator
        The image's own stream.
    lossless : bool
        Whether the image has never been a JPEG; mostly it becomes one first, as `published` says.
    alike : bool
        Whether that is so of the image of the other class beside it, too: then both stay without
        loss more often, and what a codec would hide can be learned.
    smaller : bool
        Whether an image may be resized until it has fewer pixels than the square; else scales
        are drawn from those that leave enough.

    Returns
    -------
    square : ndarray
        ``(size, size, 3)`` uint8; of an image with fewer pixels, what there is.
    """
    # Every choice is drawn whether or not it is used: see `augment`.
    turns, across, down = (int(n) for n in rng.integers((4, 2, 2)))
    is_mild = rng.random() < settings.mild
    is_resized = rng.random() < settings.resized
    chosen = (rng.random(4) < settings.augment_probability * _SHARES) & (not is_mild)
    low, high = np.log(settings.resize)
    if not smaller:
        low = min(max(low, np.log(size / min(pixels.shape[:2]))), high)
    scale = float(np.exp(rng.uniform(low, high))) if is_resized else 1.0
    kind = FILTERS[int(rng.integers(len(FILTERS)))]
    jitter = 1 + settings.color_jitter * rng.uniform(-1, 1, 3)
    gamma = float(np.exp(settings.gamma * rng.uniform(-1, 1)))
    is_gray = rng.random() < settings.gray and not is_mild
    sigma, noise = settings.blur * rng.random(), settings.noise * rng.random()
    is_encoded, is_webp, is_aligned = rng.random(3) < (settings.recompress, _WEBP, _ALIGNED)
    is_published, is_again = rng.random(2) < (_SELDOM if alike else _USUALLY, _AGAIN)
    low, high = settings.quality
    quality = int(rng.integers(max(low, min(_MILD, high)) if is_mild else low, high + 1))
    subsampling = SUBSAMPLINGS[int(rng.integers(len(SUBSAMPLINGS)))]
    first, second, offset = (tuple(pair) for pair in rng.integers(_BLOCK, size=(3, 2)).tolist())
    noise_seed = int(rng.integers(2**63))

    pixels, corner = _window(pixels, math.ceil((size + _BLOCK) / scale), rng)
    if not lossless:
        first = tuple(place % _BLOCK for place in corner)
    elif is_published:
        pixels = published(pixels, rng, first)
    if is_again:
        pixels = published(pixels, rng, first if is_aligned else second)
    if scale != 1:
        least = 2 if smaller else min(size, *pixels.shape[:2])
        sides = [max(least, round(side * scale)) for side in pixels.shape[:2]]
        resized = Image.fromarray(np.ascontiguousarray(pixels)).resize((sides[1], sides[0]), kind)
        pixels = np.asarray(resized, dtype=np.uint8)
    if chosen[0] and settings.gamma:
        levels = np.linspace(0, 1, 256, dtype=np.float32)
        pixels = to_uint8(np.float32(255) * levels ** np.float32(gamma))[pixels]
    if chosen[1] and settings.color_jitter:
        pixels = jitter_color(pixels, *jitter)
    if is_gray:
        luma = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"), np.uint8)
        pixels = np.repeat(luma[..., None], 3, -1)
    if chosen[2] and settings.blur:
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(sigma)), dtype=np.uint8)
    if chosen[3] and settings.noise:
        draws = np.random.default_rng(noise_seed).standard_normal(pixels.shape, np.float32)
        pixels = to_uint8(pixels + np.float32(noise) * draws)
    if is_encoded:
        # Saved again as it is, an image's new blocks lie on its old ones.
        phase = first if is_aligned and scale == 1 else second
        if is_webp:
            pixels = _at(pixels, phase, lambda part: _webp(part, quality))
        else:
            pixels = _at(pixels, phase, lambda part: reencode(part, quality, subsampling)[0])
    top, left = (
        min(step, max(0, side - size)) for step, side in zip(offset, pixels.shape[:2], strict=True)
    )
    square = pixels[top : top + size, left : left + size]
    if settings.quarter_turns:
        square = np.rot90(square, turns)
    if settings.horizontal_flip and across:
        square = square[:, ::-1]
    if settings.vertical_flip and down:
        square = square[::-1]
    return np.ascontiguousarray(square)


def _window(pixels: Pixels, side: int, rng: np.random.Generator) -> tuple[Pixels, tuple[int, int]]:
    """Return a random window of a side, or what there is, and its corner: the fullest of four."""
    best, corner, spread = pixels, (0, 0), -1.0
    for _ in range(4):
        top, left = (int(rng.integers(max(1, n - side + 1))) for n in pixels.shape[:2])
        window = pixels[top : top + side, left : left + side]
        here = float(window[::2, ::2].std())
        if here > spread:
            best, corner, spread = window, (top, left), here
    return best, corner


def _at(pixels: Pixels, phase: tuple[int, ...], encode: Callable[[Pixels], Pixels]) -> Pixels:
    """Encode an image as if it began so many rows and columns inside a codec's first block."""
    before = [min(step, side - 1) for step, side in zip(phase, pixels.shape[:2], strict=True)]
    wide = np.pad(pixels, [(before[0], 0), (before[1], 0), (0, 0)], "reflect")
    return encode(np.ascontiguousarray(wide))[before[0] :, before[1] :]


def _webp(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=2)
    with Image.open(buffer) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8)
