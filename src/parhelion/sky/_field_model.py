"""What a real field is like: its sky's level and noise, and the sizes and fluxes of its sources."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.special import ndtri

from parhelion.catalog import find_sources, luma
from parhelion.errors import InputError

#: Isophote of sources, in background RMS; SExtractor's usual value.
THRESHOLD = 1.5
#: Reach of the noise's correlation, in pixels to each side.
REACH = 3
_GROWTH = 3  # pixels around sources that are not sky
_FLAT = 0.99  # share of the sky at one level, from which no noise is left to measure
_PLATEAU = slice(6, 13)  # lags at which only slow changes of level correlate, no texture


@dataclass(frozen=True)
class FieldModel:
    """A real field in numbers.

    Attributes
    ----------
    level : ndarray
        ``(C,)`` float64: mean of the source-free sky, in display units.
    kernels : ndarray
        ``(2, C, 2 * REACH + 1)`` float64: filters along y and x, of unit norm, that give white
        noise the sky's correlation.
    mixing : ndarray
        ``(C, C)`` float64, lower triangular: gives independent noise the channels' correlation.
    normal, value : tuple of ndarray
        For each channel knots of the monotone map from a standard normal deviate to a sky
        pixel, so that levels are as frequent as in the field, skew included.
    rms : float
        Noise of the sky's luma.
    a, b, flux : ndarray
        ``(N,)`` float64: semi-axes in pixels and luma flux of the field's sources.
    density : float
        Those sources to a pixel.
    """

    level: NDArray[np.float64]
    kernels: NDArray[np.float64]
    mixing: NDArray[np.float64]
    normal: tuple[NDArray[np.float64], ...]
    value: tuple[NDArray[np.float64], ...]
    rms: float
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    flux: NDArray[np.float64]
    density: float


def measure_model(pixels: NDArray[np.uint8], *, min_area: int, where: str) -> FieldModel:
    """Measure a real field.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8, C 1 or 3.
    min_area : int
        Smallest source that counts, in pixels above `THRESHOLD`.
    where : str
        Name of the field, for errors.

    Raises
    ------
    InputError
        If it has fewer than ten such sources, hardly any sky between them, or a sky that is
        clipped.
    """
    sources = find_sources(luma(pixels), threshold=THRESHOLD)
    table = sources.table[sources.table["npix"] >= min_area]
    if len(table) < 10:
        raise InputError(
            f"{where} has {len(table)} sources of {min_area} pixels or more, too few to follow; "
            "lower --min-area or choose another field with --like"
        )
    sky = ~binary_dilation(sources.labels > 0, iterations=_GROWTH)
    if sky.sum() < max(4096, 0.01 * sky.size):
        raise InputError(f"{where} has hardly any sky between its sources; choose another field")
    _check_noise(pixels[sky], where)
    free = pixels[sky].astype(np.float64)  # (S, C)
    level = free.mean(axis=0)
    kernels = np.array(
        [
            [_kernel(_correlation(pixels[..., c], sky, axis)) for c in range(pixels.shape[2])]
            for axis in (0, 1)
        ]
    )
    knots = [_sky_levels(free[:, c]) for c in range(pixels.shape[2])]
    return FieldModel(
        level=level,
        kernels=kernels,
        mixing=_mixing(free, kernels),
        normal=tuple(normal for normal, _ in knots),
        value=tuple(value for _, value in knots),
        rms=float(np.std(luma(pixels)[sky])),
        a=table["a"].astype(np.float64),
        b=table["b"].astype(np.float64),
        flux=table["flux"].astype(np.float64),
        density=len(table) / sky.size,
    )


def _check_noise(free: NDArray[np.uint8], where: str) -> None:
    """Refuse a sky, ``(S, C)``, that has one level nearly everywhere, as where it is cut off."""
    for channel in free.T:
        counts = np.bincount(channel)
        level, share = int(counts.argmax()), counts.max() / len(channel)
        if share >= _FLAT:
            raise InputError(
                f"the sky of {where} is clipped: {100 * share:.1f} % of it is at level {level}, "
                "which leaves no noise to follow; give a field stretched with a brighter sky"
            )


def _correlation(
    channel: NDArray[np.uint8], sky: NDArray[np.bool_], axis: int
) -> NDArray[np.float64]:
    """Return the autocorrelation of the sky at lags 0 to REACH along one axis."""
    value = np.moveaxis(np.where(sky, channel - channel[sky].mean(), 0.0), axis, 0)
    mask = np.moveaxis(sky, axis, 0).astype(np.float64)
    lags = range(_PLATEAU.stop)
    length = len(value)
    sums = [(value[: length - lag] * value[lag:]).sum() for lag in lags]
    pairs = [(mask[: length - lag] * mask[lag:]).sum() for lag in lags]
    covariance = np.array(sums) / np.maximum(pairs, 1.0)
    texture = covariance - covariance[_PLATEAU].mean()
    correlation: NDArray[np.float64] = texture[: REACH + 1] / max(texture[0], 1e-9)
    return correlation


def _kernel(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric filter of unit norm that gives white noise this autocorrelation."""
    both = np.concatenate([correlation, np.zeros(64 - 2 * len(correlation) + 1)])
    both = np.concatenate([both, correlation[:0:-1]])
    power = np.maximum(np.fft.rfft(both).real, 0.0)
    # The square root of the spectrum is the filter's own (it is even: phases are zero).
    taps = np.fft.irfft(np.sqrt(power), len(both))
    kernel = np.concatenate([taps[-REACH:], taps[: REACH + 1]])
    result: NDArray[np.float64] = kernel / np.linalg.norm(kernel)
    return result


def _mixing(free: NDArray[np.float64], kernels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor of the noise's covariance before filtering, with unit variances."""
    wanted = np.atleast_2d(np.corrcoef(np.clip(free, *_tails(free)).T))
    # Filters that differ between channels lower the correlation that mixing gives.
    kept = np.einsum("ct,dt->cd", kernels[0], kernels[0]) * np.einsum(
        "ct,dt->cd", kernels[1], kernels[1]
    )
    before = np.clip(wanted / kept, -0.99, 0.99)
    np.fill_diagonal(before, 1.0)
    values, vectors = np.linalg.eigh(before)
    positive = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(positive))
    factor: NDArray[np.float64] = np.linalg.cholesky(positive / np.outer(scale, scale))
    return factor


def _tails(free: NDArray[np.float64]) -> NDArray[np.float64]:
    limits: NDArray[np.float64] = np.percentile(free, [0.5, 99.5], axis=0)
    return limits


def _sky_levels(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return knots of the map from a normal deviate to a level of one channel's sky.

    The level v stands for v - 0.5 to v + 0.5, so that rounding gives each level the share of
    pixels that it has in the field. The brightest half percent is what is left of
    sources, and is cut.
    """
    counts = np.bincount(values.astype(np.int64), minlength=256)
    below = np.cumsum(counts) / len(values)
    inside = np.flatnonzero((counts > 0) & (below < 0.995))
    first = 0.5 * below[inside[0]]
    normal = ndtri(np.concatenate([[first], below[inside]]))
    value = np.concatenate([[inside[0] - 0.5], inside + 0.5])
    # Continue the last slope, so that the bright end is not flat.
    slope = (value[-1] - value[-2]) / (normal[-1] - normal[-2])
    normal = np.append(normal, 6.0)
    value = np.append(value, value[-1] + slope * (6.0 - normal[-2]))
    return normal, value
