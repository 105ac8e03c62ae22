"""Point-spread functions, Moffat or Gaussian, one to each channel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

#: Exponent of the Moffat profile (Moffat 1969, 1969A&A.....3..455M): wings as seeing has them.
BETA = 3.5
_MOFFAT_REACH, _GAUSSIAN_REACH = 4.0, 2.0  # in FWHM; the taper ends there


@dataclass(frozen=True)
class Psf:
    """Kernels that spread light.

    Attributes
    ----------
    kernels : ndarray
        ``(2 * reach + 1, 2 * reach + 1, C)`` float32, each channel with sum 1.
    reach : int
        Pixels to each side.
    sigma : float
        RMS width of the Gaussian of the same mean FWHM, in pixels.
    """

    kernels: NDArray[np.float32]
    reach: int
    sigma: float


def make_psf(fwhm: tuple[float, ...], shape: str, channels: int) -> Psf | None:
    """Return the kernels of a full width at half maximum in pixels, or None where none is given.

    Parameters
    ----------
    fwhm : tuple of float
        One for all channels or one to each; empty for no spreading.
    shape : {"moffat", "gaussian"}
        Profile.
    """
    if not fwhm:
        return None
    widths = fwhm * channels if len(fwhm) == 1 else fwhm[:channels]
    radii = _MOFFAT_REACH if shape == "moffat" else _GAUSSIAN_REACH
    reach = int(np.ceil(radii * max(widths)))
    offset = np.arange(-reach, reach + 1.0)
    r = np.hypot(offset[:, None], offset[None, :])
    kernels = np.stack([profile(r, width, shape) for width in widths], axis=-1)
    # To zero at the kernel's end, so that a bright core leaves no square.
    kernels *= (np.clip((reach + 0.5 - r) / (0.25 * reach + 1), 0, 1))[..., None]
    kernels /= kernels.sum(axis=(0, 1))
    return Psf(kernels.astype(np.float32), reach, float(np.mean(widths)) / 2.3548)


def profile(r: NDArray[np.float64], fwhm: float, shape: str) -> NDArray[np.float64]:
    """Return the profile at distances `r` in pixels, 1 in the middle."""
    if shape == "moffat":
        alpha = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
        result: NDArray[np.float64] = (1 + (r / alpha) ** 2) ** -BETA
        return result
    return np.asarray(np.exp(-4 * np.log(2) * (r / fwhm) ** 2))


def spread(light: NDArray[np.float32], psf: Psf) -> NDArray[np.float32]:
    """Convolve ``(h, w, C)`` light; the result is larger by the reach to each side."""
    return np.asarray(fftconvolve(light, psf.kernels, mode="full", axes=(0, 1)), np.float32)
