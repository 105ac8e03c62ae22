"""Bootstrap: how many times each image is drawn, and the interval that follows.

Resampling by counts instead of by copies lets a figure be computed as a weighted one: images
drawn twice never meet themselves, which would bias every pairwise distance.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
#: Half-width of a normal 95 % interval, in standard errors.
NORMAL_95 = 1.959963984540054


def resample_counts(
    count: int, replicates: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return how often each of `count` images is drawn: ``(replicates, count)`` float64.

    Every row sums to `count`.
    """
    probability = np.full(count, 1 / count)
    return generator.multinomial(count, probability, size=replicates).astype(np.float64)


def resample_groups(
    groups: NDArray[np.int64],
    strata: NDArray[np.int64],
    replicates: int,
    generator: np.random.Generator,
) -> Iterator[NDArray[np.float64]]:
    """Yield `replicates` vectors ``(N,)`` of counts, drawing whole groups within strata.

    Parameters
    ----------
    groups : ndarray
        ``(N,)`` int64 from 0 without gaps: images that belong together are drawn together.
    strata : ndarray
        ``(G,)`` int64, the stratum of each group: as many groups are drawn from each stratum
        as it has.
    replicates : int
        Number of resamples.
    generator : numpy.random.Generator
        Source of randomness.
    """
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    for _ in range(replicates):
        drawn = np.empty(len(strata))
        for group in members:
            drawn[group] = resample_counts(len(group), 1, generator)[0]
        yield drawn[groups]


def percentile_interval(values: ArrayLike) -> tuple[float, float]:
    """Return the central 95 % of bootstrap values."""
    low, high = np.quantile(np.asarray(values, np.float64), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def normal_interval(estimate: float, values: ArrayLike) -> tuple[float, float]:
    """Return `estimate` plus and minus 1.96 bootstrap standard errors.

    For figures whose bootstrap values are biased against the estimate itself.
    """
    error = float(np.std(np.asarray(values, np.float64), ddof=1))
    return estimate - NORMAL_95 * error, estimate + NORMAL_95 * error
