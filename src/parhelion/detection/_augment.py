"""Random changes to a training image, each a function of one generator: same state, same bytes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from parhelion.detection._chain import SUBSAMPLINGS
from parhelion.detection._settings import DetectorSettings
from parhelion.training import jitter_color, reencode, to_uint8

Pixels = NDArray[np.uint8]


def augment(pixels: Pixels, settings: DetectorSettings, rng: np.random.Generator) -> Pixels:
    """Return a training image after random changes and a re-encoding at random quality.

    Parameters
    ----------
    pixels : ndarray
        ``(S, S, 3)`` uint8.
    settings : DetectorSettings
        Which changes, and how strong.
    rng : numpy.random.Generator
        The image's own stream.

    Returns
    -------
    changed : ndarray
        ``(S, S, 3)`` uint8.
    """
    # Every choice is drawn whether or not it is used: turning one change off leaves the
    # others as they were, so that ablations differ in one thing only.
    turns, *mirrors = (int(rng.integers(ways)) for ways in (4, 2, 2))
    chosen = rng.random(4) < settings.augment_probability
    angle, scale = rng.uniform(-1, 1, 2)
    jitter = 1 + settings.color_jitter * rng.uniform(-1, 1, 3)
    sigma = settings.blur * rng.random()
    noise = settings.noise * rng.random()
    noise_seed = int(rng.integers(2**63))
    before, last = (_codec(settings, rng) for _ in range(2))
    twice = rng.random() < settings.recompress
    shift = tuple(int(step) for step in rng.integers(8, size=2))

    if twice:
        # An earlier JPEG leaves its own lattice, seldom aligned with the last one's.
        moved = np.roll(pixels, shift, (0, 1))
        pixels = np.roll(reencode(moved, *before)[0], (-shift[0], -shift[1]), (0, 1))
    if mirrors[0] and settings.horizontal_flip:
        pixels = pixels[:, ::-1]
    if mirrors[1] and settings.vertical_flip:
        pixels = pixels[::-1]
    if settings.quarter_turns:
        pixels = np.rot90(pixels, turns)
    if chosen[0] and (settings.rotation or settings.zoom):
        pixels = turn(pixels, settings.rotation * angle, (1 + settings.zoom) ** scale)
    if chosen[1] and settings.color_jitter:
        pixels = jitter_color(pixels, *jitter)
    if chosen[2] and settings.blur:
        blurred = Image.fromarray(np.ascontiguousarray(pixels)).filter(
            ImageFilter.GaussianBlur(sigma)
        )
        pixels = np.asarray(blurred, dtype=np.uint8)
    if chosen[3] and settings.noise:
        draws = np.random.default_rng(noise_seed).standard_normal(pixels.shape, np.float32)
        pixels = to_uint8(pixels + np.float32(noise) * draws)
    return reencode(np.ascontiguousarray(pixels), *last)[0]


def turn(pixels: Pixels, degrees: float, scale: float) -> Pixels:
    """Rotate and enlarge about the centre, bicubic; corners are filled by reflection.

    Parameters
    ----------
    pixels : ndarray
        ``(S, S, 3)`` uint8.
    degrees : float
        Angle, counter-clockwise.
    scale : float
        Above 1 enlarges.
    """
    size = len(pixels)
    # Half an image of reflection on each side covers any angle down to a scale of 0.71.
    pad = size // 2
    padded = np.pad(pixels, [(pad, pad), (pad, pad), (0, 0)], mode="reflect")
    center = (size - 1) / 2
    cosine, sine = np.cos(np.deg2rad(degrees)) / scale, np.sin(np.deg2rad(degrees)) / scale
    # Pillow maps the centre of output pixel (x, y) to input coordinates.
    shift = center + 0.5
    matrix = (
        cosine,
        -sine,
        shift + pad - cosine * shift + sine * shift,
        sine,
        cosine,
        shift + pad - sine * shift - cosine * shift,
    )
    image = Image.fromarray(padded).transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    return np.asarray(image, dtype=np.uint8)


def _codec(settings: DetectorSettings, rng: np.random.Generator) -> tuple[int, int]:
    """Draw a JPEG quality and a chroma subsampling."""
    quality = int(rng.integers(settings.quality[0], settings.quality[1] + 1))
    return quality, SUBSAMPLINGS[int(rng.integers(len(SUBSAMPLINGS)))]
