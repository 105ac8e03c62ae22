"""An image made smaller as a telescope would: blurred, binned, with the noise of light, stored."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from parhelion.augmentation._settings import UpscalerSettings
from parhelion.training import FULL, HALVED, reencode, to_uint8

Pixels = NDArray[np.uint8]

#: Standard deviation of a Gaussian over its full width at half maximum.
_SIGMA = 1 / np.sqrt(8 * np.log(2))


@dataclass(frozen=True)
class Observation:
    """What a smaller telescope does to an image.

    Attributes
    ----------
    psf : float
        Full width at half maximum of the point-spread function, in pixels of the large image.
    electrons : float
        Electrons of a white pixel of the small image.
    read_noise : float
        Standard deviation of the read noise, in gray levels.
    quality : int or None
        JPEG quality in which it is stored; None where it is stored exactly.
    is_halved : bool
        Whether that JPEG has its colors at half the resolution.
    """

    psf: float
    electrons: float
    read_noise: float
    quality: int | None
    is_halved: bool

    @classmethod
    def drawn(cls, settings: UpscalerSettings, rng: np.random.Generator) -> Self:
        """Draw one between the bounds of the settings."""
        # Every choice is drawn whether or not it is used, so that settings do not shift the stream.
        psf = rng.uniform(*settings.psf)
        electrons = np.exp(rng.uniform(*np.log(settings.electrons)))
        read = settings.read_noise * rng.random()
        is_jpeg = rng.random() < settings.recompress
        quality = int(rng.integers(settings.quality[0], settings.quality[1] + 1))
        is_halved = bool(rng.random() < 0.5)
        return cls(psf, float(electrons), read, quality if is_jpeg else None, is_halved)


def observed_smaller(
    pixels: Pixels, scale: int, observation: Observation, rng: np.random.Generator
) -> Pixels:
    """Return an image as a smaller telescope with larger pixels would have delivered it.

    A Gaussian point-spread function, binning (the mean, so that surface brightness is kept),
    Poisson noise of so many electrons, Gaussian read noise, rounding to 8 bits and maybe JPEG.
    Gray levels are taken as proportional to light, which a stretched image is not.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, 3)`` uint8, sides multiples of `scale`.
    scale : int
        How many times smaller.
    observation : Observation
        Blur, noise and storage.
    rng : numpy.random.Generator
        Of the noise.

    Returns
    -------
    small : ndarray
        ``(H / scale, W / scale, 3)`` uint8.
    """
    sigma = observation.psf * _SIGMA
    blurred = gaussian_filter(pixels.astype(np.float32), (sigma, sigma, 0))
    light, electrons = _binned(blurred, scale).astype(float), observation.electrons
    counts = rng.poisson(light * (electrons / 255)) * (255 / electrons)
    noise = rng.normal(0, observation.read_noise, counts.shape)
    small = to_uint8((counts + noise).astype(np.float32))
    if observation.quality is None:
        return small
    return reencode(small, observation.quality, HALVED if observation.is_halved else FULL)[0]


def _binned(values: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    height, width, channels = values.shape
    cells = values.reshape(height // scale, scale, width // scale, scale, channels)
    binned: NDArray[np.float32] = cells.mean((1, 3))
    return binned
