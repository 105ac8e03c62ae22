"""An image made smaller as a telescope would: blurred, binned, with the noise of light, stored."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from parhelion.augmentation._settings import UpscalerSettings
from parhelion.training import FULL, HALVED, reencode, to_uint8

Pixels = NDArray[np.uint8]

#: Standard deviation of a Gaussian over its full width at half maximum.
_SIGMA = 1 / np.sqrt(8 * np.log(2))


def observed_smaller(
    pixels: Pixels,
    settings: UpscalerSettings,
    rng: np.random.Generator,
    *,
    scale: int | None = None,
) -> Pixels:
    """Return an image as a smaller telescope with larger pixels would have delivered it.

    A Gaussian point-spread function, binning (the mean, so that surface brightness is kept),
    Poisson noise of so many electrons, Gaussian read noise, rounding to 8 bits and mostly JPEG.
    Gray levels are taken as proportional to light, which a stretched image is not.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, 3)`` uint8, sides multiples of `scale`.
    settings : UpscalerSettings
        `scale`, `psf`, `electrons`, `read_noise`, `quality` and `recompress` are used.
    rng : numpy.random.Generator
        The image's own stream.
    scale : int, optional
        How many times smaller, where not as the settings say.

    Returns
    -------
    small : ndarray
        ``(H / scale, W / scale, 3)`` uint8.
    """
    # Every choice is drawn whether or not it is used, so that settings do not shift the stream.
    width = rng.uniform(*settings.psf)
    electrons = np.exp(rng.uniform(*np.log(settings.electrons)))
    read = settings.read_noise * rng.random()
    is_stored = rng.random() < settings.recompress
    quality = int(rng.integers(settings.quality[0], settings.quality[1] + 1))
    is_halved = bool(rng.random() < 0.5)

    light = gaussian_filter(pixels.astype(np.float32), (width * _SIGMA, width * _SIGMA, 0))
    binned = _binned(light, scale or settings.scale)
    counts = rng.poisson(binned * (electrons / 255)) * (255 / electrons)
    small = to_uint8((counts + rng.normal(0, read, counts.shape)).astype(np.float32))
    if not is_stored:
        return small
    return reencode(small, quality, HALVED if is_halved else FULL)[0]


def _binned(values: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    height, width, channels = values.shape
    cells = values.reshape(height // scale, scale, width // scale, scale, channels)
    binned: NDArray[np.float32] = cells.mean((1, 3))
    return binned
