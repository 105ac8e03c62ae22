"""Distances between two sets of features: kernel (KID) and Fréchet, with 95 % intervals.

All arithmetic is in float64. Both sets must have the same count: the Fréchet distance is
biased by it, and figures at different counts cannot be compared.
"""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._progress import progress
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import (
    normal_interval,
    percentile_interval,
    resample_counts,
)
from parhelion.measurement._settings import MINIMUM
from parhelion.measurement._threads import one_thread

#: Replicates behind a Fréchet interval at most: each needs a singular value decomposition,
#: and a standard error, unlike a percentile, is known well enough from these.
FRECHET_REPLICATES = 100
#: Matrices up to this side are decomposed faster by one thread than by several.
_SMALL = 512


@dataclass(frozen=True)
class Distance:
    """A distance and its 95 % interval."""

    value: float
    """The estimate."""
    interval: tuple[float, float]
    """Lower and upper end of the 95 % bootstrap interval."""


def kernel_distance(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> Distance:
    """Return the kernel distance (KID) of Bińkowski et al. 2018, section 4.

    The unbiased estimate of the squared maximum mean discrepancy with the cubic kernel
    ``k(x, y) = (x.y / D + 1)^3``. It may be negative where the sets do not differ.

    Parameters
    ----------
    first, second : ndarray
        ``(N, D)`` features, equal counts of at least 16.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples of the images; pairs of an image with itself are left out. Where
        the two sets do not differ, the interval is wider than 95 %.
    """
    x, y = _checked(first, second)
    within_x, within_y, between = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    np.fill_diagonal(within_x, 0)
    np.fill_diagonal(within_y, 0)
    generator = np.random.default_rng([seed, 1])
    count = len(x)
    weights_x = np.vstack([np.ones(count), resample_counts(count, bootstrap, generator)])
    weights_y = np.vstack([np.ones(count), resample_counts(count, bootstrap, generator)])
    # Row 0 is the estimate itself, the others are its resamples.
    values = (
        _mean_pair(within_x, weights_x)
        + _mean_pair(within_y, weights_y)
        - 2 * np.einsum("bi,bi->b", weights_x @ between, weights_y) / count**2
    )
    return Distance(float(values[0]), percentile_interval(values[1:]))


def frechet_distance(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> Distance:
    """Return the squared Fréchet distance between Gaussians fitted to two sets of features.

    As of Heusel et al. 2017 (FID), section 2, on the features given:
    ``|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))``. The last trace is the sum of the
    singular values of ``X1 X2^T`` (centered features, each divided by the root of its degrees
    of freedom): exact also where there are fewer images than features.

    Parameters
    ----------
    first, second : ndarray
        ``(N, D)`` features, equal counts of at least 16.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples, of which at most 100 are used. The interval is the estimate plus
        and minus 1.96 bootstrap standard errors: resamples repeat images, so that their own
        distances are all too large. It says how far the figure would move with other images,
        not how large its bias at this count is.
    """
    x, y = _checked(first, second)
    ones = np.ones(len(x))
    estimate = _frechet(x, y, ones, ones)
    replicates = min(bootstrap, FRECHET_REPLICATES)
    generator = np.random.default_rng([seed, 2])
    weights_x = resample_counts(len(x), replicates, generator)
    weights_y = resample_counts(len(y), replicates, generator)
    draws = zip(weights_x, weights_y, strict=True)
    bar = progress(draws, total=replicates, what="Fréchet interval", unit="resamples")
    with one_thread() if min(x.shape) <= _SMALL else nullcontext():
        values = [_frechet(x, y, a, b) for a, b in bar]
    return Distance(estimate, normal_interval(estimate, values))


def _checked(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if first.ndim != 2 or first.shape != second.shape or len(first) < MINIMUM:
        raise InputError(
            f"distances need two sets of features of equal shape (N, D) with N >= {MINIMUM}, "
            f"not {first.shape} and {second.shape}"
        )
    return first.astype(np.float64), second.astype(np.float64)


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic polynomial kernel (Bińkowski et al. 2018, eq. 3): ``(N, M)``."""
    kernel: NDArray[np.float64] = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _mean_pair(kernel: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean over pairs of different images, for each row of `weights`."""
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    mean: NDArray[np.float64] = np.einsum("bi,bi->b", weights @ kernel, weights) / pairs
    return mean


def _frechet(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weights_x: NDArray[np.float64],
    weights_y: NDArray[np.float64],
) -> float:
    mean_x, mean_y = np.average(x, 0, weights_x), np.average(y, 0, weights_y)
    a, b = _scaled(x - mean_x, weights_x), _scaled(y - mean_y, weights_y)
    trace_of_root = float(torch.linalg.svdvals(_core(a) @ _core(b).T).sum())
    offset = mean_x - mean_y
    traces = float((a**2).sum() + (b**2).sum())
    return float(offset @ offset) + traces - 2 * trace_of_root


def _scaled(centered: NDArray[np.float64], weights: NDArray[np.float64]) -> Tensor:
    """Features whose product ``A^T A`` is the covariance; images never drawn are left out."""
    drawn = weights > 0
    scale = np.sqrt(weights[drawn, None] / (weights.sum() - 1))
    return torch.from_numpy(centered[drawn] * scale)


def _core(a: Tensor) -> Tensor:
    """Return a matrix with the same ``A^T A`` and at most D rows: singular values stay."""
    return a if a.shape[0] <= a.shape[1] else torch.linalg.qr(a, mode="r").R
