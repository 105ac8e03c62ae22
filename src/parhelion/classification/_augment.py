"""Random changes to a training image, each a function of one generator: same state, same bytes.

They are what should not matter to the class: how the telescope was turned and pointed, how
bright and sharp the picture is, its noise and its codec.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from parhelion.classification._settings import ClassifierSettings
from parhelion.training import jitter_color, reencode, to_uint8

Pixels = NDArray[np.uint8]


def augment(pixels: Pixels, settings: ClassifierSettings, rng: np.random.Generator) -> Pixels:
    """Return a training image after random changes.

    Parameters
    ----------
    pixels : ndarray
        ``(S, S, 3)`` uint8.
    settings : ClassifierSettings
        Which changes, and how strong.
    rng : numpy.random.Generator
        The image's own stream.

    Returns
    -------
    changed : ndarray
        ``(S, S, 3)`` uint8.
    """
    # Every choice is drawn whether or not it is used: turning one change off leaves the
    # others as they were, so that runs with and without it differ in one thing only.
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    chosen = rng.random(5) < settings.augment_probability
    angle, scale, right, down = rng.uniform(-1, 1, 4)
    jitter = 1 + settings.color_jitter * rng.uniform(-1, 1, 3)
    sigma, noise = settings.blur * rng.random(), settings.noise * rng.random()
    noise_seed = int(rng.integers(2**63))
    quality = int(rng.integers(settings.quality[0], settings.quality[1] + 1))

    if settings.flips:
        pixels = np.rot90(pixels[:, ::-1] if mirror else pixels, turns)
    if chosen[0] and (settings.rotation or settings.zoom or settings.shift):
        step = settings.shift * len(pixels)
        pixels = move(
            pixels,
            settings.rotation * angle,
            (1 + settings.zoom) ** scale,
            (step * right, step * down),
        )
    if chosen[1] and settings.color_jitter:
        pixels = jitter_color(pixels, *jitter)
    if chosen[2] and settings.blur:
        image = Image.fromarray(np.ascontiguousarray(pixels))
        pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.uint8)
    if chosen[3] and settings.noise:
        draws = np.random.default_rng(noise_seed).standard_normal(pixels.shape, np.float32)
        pixels = to_uint8(pixels + np.float32(noise) * draws)
    if chosen[4]:
        pixels = reencode(pixels, quality)[0]
    return np.ascontiguousarray(pixels)


def move(pixels: Pixels, degrees: float, scale: float, shift: tuple[float, float]) -> Pixels:
    """Rotate and enlarge about the center, then shift; bicubic, borders filled by reflection.

    Parameters
    ----------
    pixels : ndarray
        ``(S, S, 3)`` uint8.
    degrees : float
        Angle, counter-clockwise.
    scale : float
        Above 1 enlarges.
    shift : tuple of float
        Pixels to the right and down.
    """
    size = len(pixels)
    # A corner of the result asks for the input point that is farthest from the center.
    reach = (size / np.sqrt(2) + np.hypot(*shift)) / scale
    pad = int(np.ceil(reach - size / 2)) + 2
    padded = np.pad(pixels, [(pad, pad), (pad, pad), (0, 0)], mode="reflect")
    cosine, sine = np.cos(np.deg2rad(degrees)) / scale, np.sin(np.deg2rad(degrees)) / scale
    # Pillow asks which input point lands on an output pixel; both count from corners.
    x, y = size / 2 + shift[0], size / 2 + shift[1]
    center = pad + size / 2
    matrix = (
        cosine,
        -sine,
        center - cosine * x + sine * y,
        sine,
        cosine,
        center - sine * x - cosine * y,
    )
    image = Image.fromarray(padded).transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    return np.asarray(image, np.uint8)
