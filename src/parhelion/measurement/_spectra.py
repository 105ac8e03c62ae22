"""Radially averaged power spectra of images, and how far two sets of them are apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from parhelion.catalog import luma
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import normal_interval, resample_counts

#: Power of rounding to 8 bits, (1/255)^2 / 12, of an image in [0, 1]. It is in every real
#: spectrum; added once more, it keeps the logarithm of an empty image finite.
ROUNDING_POWER = (1 / 255) ** 2 / 12

_BATCH = 256


@dataclass(frozen=True)
class SpectrumComparison:
    """Mean log spectra of two sets, their spread, and their mean difference."""

    frequency: NDArray[np.float64]
    """``(K,)``, cycles per pixel."""
    first_mean: NDArray[np.float64]
    """``(K,)``, mean over the first set of log10 power."""
    first_spread: NDArray[np.float64]
    """``(K,)``, standard deviation over the first set of log10 power, in dex."""
    second_mean: NDArray[np.float64]
    """``(K,)``, as `first_mean`, of the second set."""
    second_spread: NDArray[np.float64]
    """``(K,)``, as `first_spread`, of the second set."""
    difference: float
    """Mean over frequencies of the absolute difference of the means, in dex."""
    interval: tuple[float, float]
    """`difference` plus and minus 1.96 bootstrap standard errors, not below 0."""


def radial_spectrum(
    images: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power of each image in rings of equal spatial frequency.

    Parameters
    ----------
    images : ndarray
        ``(N, H, W, C)`` uint8, C = 1 or 3, at least 4 pixels high and wide. Color becomes
        luma.

    Returns
    -------
    frequency : ndarray
        ``(K,)`` float64, cycles per pixel from ``1 / S`` to 0.5 in steps of ``1 / S``, where
        ``S`` is the shorter side and ``K = S // 2``.
    power : ndarray
        ``(N, K)`` float64. The image in [0, 1], less its mean, under a Hann window; scaled so
        that white noise of variance ``s`` has the power ``s`` at all frequencies.

    Raises
    ------
    InputError
        If the images are smaller than 4 pixels.
    """
    height, width = images.shape[1:3]
    short = min(height, width)
    if short < 4:
        raise InputError(f"images of {height} x {width} pixels are too small for a spectrum")
    window = np.outer(_hann(height), _hann(width))
    radius = np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None, :])
    # Half of the plane is enough for a real image; its inner columns stand for two.
    twice = np.full(width // 2 + 1, 2.0)
    twice[0] = 1
    if width % 2 == 0:
        twice[-1] = 1
    ring = np.rint(radius * short).astype(np.int64)  # (H, W // 2 + 1)
    count = short // 2
    in_ring = ring[..., None] == np.arange(1, count + 1)  # (H, W // 2 + 1, K)
    weights = (in_ring * twice[:, None]).reshape(-1, count)
    weights /= weights.sum(0) * (window**2).sum()
    power = np.empty((len(images), count))
    for start in range(0, len(images), _BATCH):
        values = luma(images[start : start + _BATCH]).astype(np.float64) / 255
        values -= values.mean((1, 2), keepdims=True)
        plane = np.abs(fft.rfft2(values * window)) ** 2
        power[start : start + _BATCH] = plane.reshape(len(values), -1) @ weights
    return np.arange(1, count + 1) / short, power


def compare_spectra(
    first: NDArray[np.uint8], second: NDArray[np.uint8], *, seed: int = 0, bootstrap: int = 1000
) -> SpectrumComparison:
    """Compare the spectra of two sets of images ``(N, H, W, C)`` uint8 of one size.

    Means are taken over log10 of power, lest the brightest images rule them.

    Raises
    ------
    InputError
        If the images of the two sets differ in size.
    """
    if first.shape[1:3] != second.shape[1:3]:
        raise InputError(
            f"spectra of {first.shape[1:3]} and {second.shape[1:3]} pixels cannot be compared; "
            "resize the images to one size"
        )
    frequency, power = radial_spectrum(first)
    a = np.log10(power + ROUNDING_POWER)
    b = np.log10(radial_spectrum(second)[1] + ROUNDING_POWER)
    generator = np.random.default_rng([seed, 3])
    mean_a = resample_counts(len(a), bootstrap, generator) @ a / len(a)
    mean_b = resample_counts(len(b), bootstrap, generator) @ b / len(b)
    difference = float(np.abs(a.mean(0) - b.mean(0)).mean())
    # A resample's own difference is too large: noise does not average out of an absolute value.
    low, high = normal_interval(difference, np.abs(mean_a - mean_b).mean(1))
    return SpectrumComparison(
        frequency=frequency,
        first_mean=a.mean(0),
        first_spread=a.std(0),
        second_mean=b.mean(0),
        second_spread=b.std(0),
        difference=difference,
        interval=(max(low, 0.0), high),
    )


def _hann(size: int) -> NDArray[np.float64]:
    """Hann window that does not waste its ends: ``sin^2(pi (i + 1/2) / size)``."""
    window: NDArray[np.float64] = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return window
