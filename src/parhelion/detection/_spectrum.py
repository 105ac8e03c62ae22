"""The Fourier spectrum as the detector sees it, and its radial profile."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion.training import to_model

#: ITU-R 601 luma.
_LUMA = (0.299, 0.587, 0.114)
#: Keeps the logarithm finite; an order below the noise that rounding to 8 bits leaves in
#: the windowed, orthonormal transform (about 1e-3).
_FLOOR = 1e-4


def gray(images: Tensor) -> Tensor:
    """Return the luma of ``(N, 3, H, W)`` (or one-channel) images as ``(N, 1, H, W)`` float32."""
    images = images.float()
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(_LUMA, device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def color_planes(images: Tensor) -> Tensor:
    """Return luma and both color differences of ``(N, C, H, W)`` images, as JPEG has them.

    ITU-R 601: ``(N, 3, H, W)`` float32, Y, Cb and Cr; the latter are 0 where there is no color.
    """
    luma = gray(images)
    if images.shape[1] == 1:
        return torch.cat([luma, torch.zeros_like(luma), torch.zeros_like(luma)], 1)
    red, blue = images[:, :1].float(), images[:, 2:].float()
    return torch.cat([luma, (blue - luma) / 1.772, (red - luma) / 1.402], 1)


def log_spectrum(images: Tensor, *, color: bool = False) -> Tensor:
    """Return the log-magnitude of the centred 2-D Fourier transform, standardized per plane.

    The mean is taken off and a Hann window laid on first, so that neither the sky level nor
    the picture's edges draw a cross over everything else (AstroSpy, section on the spectrum
    path; the window is an addition).

    Parameters
    ----------
    images : Tensor
        ``(N, C, H, W)`` float in [-1, 1], C = 1 or 3.
    color : bool
        Transform luma and both color differences; else luma alone.

    Returns
    -------
    spectrum : Tensor
        ``(N, 1, H, W)``, or ``(N, 3, H, W)`` with `color`: float32 with mean 0 and standard
        deviation 1 over each plane, zero frequency at ``[H // 2, W // 2]``; all 0 for a blank
        plane.
    """
    # bfloat16 has neither a Fourier transform nor the digits for one.
    with torch.autocast(images.device.type, enabled=False):
        planes = color_planes(images) if color else gray(images)
        height, width = planes.shape[-2:]
        window = torch.outer(
            torch.hann_window(height, device=planes.device),
            torch.hann_window(width, device=planes.device),
        )
        windowed = (planes - planes.mean((-2, -1), keepdim=True)) * window
        transform = torch.fft.fftshift(torch.fft.fft2(windowed, norm="ortho"), dim=(-2, -1))
        # A square under the root keeps the gradient finite where the magnitude is 0.
        power = transform.real.square() + transform.imag.square()
        magnitude = (power + _FLOOR**2).log().mul(0.5)
        centered = magnitude - magnitude.mean((-2, -1), keepdim=True)
        spread = centered.square().mean((-2, -1), keepdim=True)
        spectrum: Tensor = centered * (spread + 1e-6).rsqrt()
        return spectrum


def frequencies(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Return how far each place of a spectrum is from zero frequency: ``(1, 3, H, W)`` float32.

    Across, down and in all, from -1 at zero frequency to 1 at half a wave to a pixel (0.41 above
    it in the corners).
    """
    down = (torch.arange(height, device=device) - height // 2).abs() / (height / 2)
    across = (torch.arange(width, device=device) - width // 2).abs() / (width / 2)
    across, down = across.expand(height, width), down[:, None].expand(height, width)
    return torch.stack([across, down, torch.hypot(across, down)])[None] * 2 - 1


def radial_profile(spectrum: Tensor) -> Tensor:
    """Return the mean of spectra over rings of equal frequency.

    Parameters
    ----------
    spectrum : Tensor
        ``(N, 1, H, W)``, zero frequency in the centre; see `log_spectrum`.

    Returns
    -------
    profile : Tensor
        ``(N, min(H, W) // 2)`` float32; entry k holds the frequencies that round to k cycles
        per image.
    """
    height, width = spectrum.shape[-2:]
    ring, counts = (torch.from_numpy(table).to(spectrum.device) for table in _rings(height, width))
    flat = spectrum.float().flatten(1)
    sums = torch.zeros(len(flat), len(counts), device=flat.device).index_add_(1, ring, flat)
    return (sums / counts)[:, :-1]


@lru_cache(maxsize=8)
def _rings(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which ring each frequency is in, and how many each has; the last is all outside."""
    rows, columns = np.arange(height) - height // 2, np.arange(width) - width // 2
    rings = min(height, width) // 2
    ring = np.hypot(rows[:, None], columns).round().astype(np.int64).ravel().clip(max=rings)
    return ring, np.bincount(ring)


def spectrum_profile(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean radial profile ``(min(H, W) // 2,)`` of ``(K, H, W, C)`` uint8 spectra."""
    profiles = radial_profile(log_spectrum(to_model(patches))).mean(0)
    profile: NDArray[np.float32] = profiles.numpy()
    return profile


def resampled(profile: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return a profile at `length` places from its first entry to its last, interpolated.

    So that patches of different sizes, whose profiles are of different length, are compared.
    """
    if length == len(profile):
        return profile
    places = np.linspace(0, len(profile) - 1, length)
    return np.interp(places, np.arange(len(profile)), profile).astype(np.float32)
