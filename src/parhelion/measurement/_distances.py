"""Distances between two sets of features: kernel (KID) and Fréchet, with 95 % intervals.

All arithmetic is in float64. Both sets must have the same count: the Fréchet distance is
biased by it, and figures at different counts cannot be compared.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, eigvalsh
from torch import Tensor

from parhelion.errors import InputError
from parhelion.measurement._bootstrap import NORMAL_95, percentile_interval, resample_counts
from parhelion.measurement._settings import MINIMUM

#: Relative error of the Fréchet distance that is accepted for speed.
_ACCURACY = 1e-6
#: Error of LAPACK's eigenvalues as a share of the largest; less was seen in most cases.
_EIGENVALUE_ERROR = 4 * 2.0**-52


@dataclass(frozen=True)
class Distance:
    """A distance, or another figure of merit, and its 95 % interval."""

    value: float
    """The estimate."""
    interval: tuple[float, float]
    """Lower and upper end of the 95 % interval."""


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
    x, y = checked(first, second)
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
    first: NDArray[np.floating], second: NDArray[np.floating], *, interval: bool = True
) -> Distance:
    """Return the squared Fréchet distance between Gaussians fitted to two sets of features.

    As of Heusel et al. 2017 (FID), section 2, on the features given:
    ``|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))``. No root of a matrix is taken: the
    last trace is the sum of the singular values of ``X1 X2^T`` (centered features, each divided
    by the root of its degrees of freedom), exact also where there are fewer images than
    features.

    Parameters
    ----------
    first, second : ndarray
        ``(N, D)`` features, equal counts of at least 16.
    interval : bool
        Whether to compute the interval: the estimate plus and minus 1.96 standard errors by
        the infinitesimal jackknife (Efron 1982, chapter 6), which is the bootstrap's limit to
        first order and has no seed. A resample repeats images, so that its own distance would
        be too large. The interval says how far the figure would move with other images, not
        how large its bias at this count is. NaN where it was not asked for.
    """
    x, y = checked(first, second)
    means = x.mean(0), y.mean(0)
    offset = means[0] - means[1]
    a, b = x - means[0], y - means[1]
    degrees = len(x) - 1  # a^T a / degrees is the covariance
    apart = float(offset @ offset) + float(np.vdot(a, a) + np.vdot(b, b)) / degrees
    root, lost = _root_by_squares(a, b)
    estimate = apart - 2 * root / degrees
    if 2 * lost / degrees > _ACCURACY * estimate:
        estimate = apart - 2 * _root(a, b) / degrees
    estimate = max(0.0, estimate)  # rounding, where the sets are equal
    if not interval:
        return Distance(estimate, (math.nan, math.nan))
    error = _frechet_error(a, b, offset)
    return Distance(
        estimate, (max(0.0, estimate - NORMAL_95 * error), estimate + NORMAL_95 * error)
    )


def checked(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both sets as float64 if they have one shape ``(N, D)`` and enough images."""
    if first.ndim != 2 or first.shape != second.shape or len(first) < MINIMUM:
        raise InputError(
            f"distances need two sets of features of equal shape (N, D) with N >= {MINIMUM}, "
            f"not {first.shape} and {second.shape}"
        )
    return np.asarray(first, np.float64), np.asarray(second, np.float64)


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic polynomial kernel (Bińkowski et al. 2018, eq. 3): ``(N, M)``."""
    kernel: NDArray[np.float64] = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _mean_pair(kernel: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean over pairs of different images, for each row of `weights`."""
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    mean: NDArray[np.float64] = np.einsum("bi,bi->b", weights @ kernel, weights) / pairs
    return mean


def _root(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """``tr((A^T A B^T B)^(1/2))``: the sum of the singular values of ``A B^T``."""
    one, other = _core(torch.from_numpy(a)), _core(torch.from_numpy(b))
    return float(torch.linalg.svdvals(one @ other.T).sum())


def _root_by_squares(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return the same from squared singular values, and about how much that loses.

    They are the eigenvalues of a symmetric matrix, found several times faster; but those that
    are nearly zero lose half of their digits. The loss is what independent errors of
    `_EIGENVALUE_ERROR` add up to; infinite where the way does not work at all.
    """
    if max(len(a), len(b)) > a.shape[1]:
        one, other = a.T @ a, b.T @ b
        try:
            # The eigenvalues of C1 C2 by way of a Cholesky factor (LAPACK's dsygv).
            squares = eigvalsh(one, other, type=3, driver="gv", check_finite=False)
        except LinAlgError:  # a feature depends on the others: there is no such factor
            return 0.0, math.inf
        scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    else:
        product = a @ b.T  # (N, N)
        squares = torch.linalg.eigvalsh(torch.from_numpy(product @ product.T)).numpy()
        # In ascending order; columns sum to zero, so that the first is zero.
        squares, scale = squares[1:], float(squares[-1])
    noise = _EIGENVALUE_ERROR * scale
    roots = np.sqrt(np.maximum(squares, 0))
    # d sqrt(x) = dx / (2 sqrt(x)), at most the root of dx; none where one set has no spread.
    lost = noise / np.maximum(2 * roots, math.sqrt(noise) or 1.0)
    return float(roots.sum()), float(np.linalg.norm(lost))


def _frechet_error(
    a: NDArray[np.float64], b: NDArray[np.float64], offset: NDArray[np.float64]
) -> float:
    """Standard error of the Fréchet distance, from each image's influence on it.

    An image ``x`` moves the distance by ``2 x.(m1 - m2) + x^T (1 - T) x``, where ``T`` is the
    optimal map between the Gaussians (the derivative of the Bures distance). With ``A B^T =
    U S V^T`` the last term is that of the diagonal of ``U S U^T``, for the other set of
    ``V S V^T``: no root of a matrix is taken here either. `a` and `b` are centered.
    """
    sides = []
    for values in (a, b):
        tensor = torch.from_numpy(values)
        tall = len(values) > values.shape[1]
        sides.append(torch.linalg.qr(tensor) if tall else (None, tensor))
    (q_a, core_a), (q_b, core_b) = sides
    product = core_a @ core_b.T
    squares, u = torch.linalg.eigh(product @ product.T)  # two digits of an error are enough
    s = squares.clamp_min(0).sqrt()
    vs = product.T @ u  # columns of V, times S
    inverse = torch.where(s > 1e-7 * s.max(), 1 / s, 0)
    variance = 0.0
    for values, q, vectors, scale, sign in ((a, q_a, u, s, 1), (b, q_b, vs, inverse, -1)):
        rows = vectors if q is None else q @ vectors
        influence = 2 * sign * (values @ offset) + (values**2).sum(1) - (rows**2 @ scale).numpy()
        variance += float(influence.var(ddof=1)) / len(values)
    return math.sqrt(variance)


def _core(a: Tensor) -> Tensor:
    """Return a matrix with the same ``A^T A`` and at most D rows: singular values stay."""
    return a if a.shape[0] <= a.shape[1] else torch.linalg.qr(a, mode="r").R
