"""Wasserstein distance between two samples of a number, with a bootstrap interval."""

import numpy as np
from numpy.typing import NDArray

from parhelion.errors import InputError
from parhelion.measurement._bootstrap import normal_interval, resample_counts
from parhelion.measurement._distances import Distance

#: Resamples held at once times pooled values: 64 MB.
_CHUNK = 1 << 23


def wasserstein_distance(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> Distance:
    """Return the Wasserstein-1 distance: the area between the two cumulative distributions.

    Parameters
    ----------
    first, second : ndarray
        ``(N,)`` and ``(M,)``, finite, at least 2 of each.
    seed : int
        Seed of the bootstrap.
    bootstrap : int
        Number of resamples. The interval is the estimate plus and minus 1.96 bootstrap
        standard errors, not below 0: a resample's own distance is too large, as that of any
        two samples is. How large it is where nothing differs, a floor tells.

    Returns
    -------
    distance : Distance
        In the unit of the values.
    """
    if first.ndim != 1 or second.ndim != 1 or min(len(first), len(second)) < 2:
        raise InputError(
            "a Wasserstein distance needs two lists of at least 2 values, "
            f"not {first.shape} and {second.shape}"
        )
    pooled = np.concatenate([first, second]).astype(np.float64)
    order = np.argsort(pooled, kind="stable")
    gaps = np.diff(pooled[order])

    def areas(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances of rows of signed weights ``(B, N + M)``, those of a set summing to +-1."""
        cumulative = np.cumsum(weights[:, order], 1)[:, :-1]
        return np.asarray(np.abs(cumulative) @ gaps)

    shares = np.concatenate([np.full(len(x), 1 / len(x)) for x in (first, second)])
    shares[len(first) :] *= -1
    estimate = float(areas(shares[None])[0])
    generator = np.random.default_rng([seed, 6])
    values = []
    step = max(1, _CHUNK // len(pooled))
    for start in range(0, bootstrap, step):
        rows = min(step, bootstrap - start)
        counts = [resample_counts(len(x), rows, generator) for x in (first, second)]
        values.append(areas(np.hstack(counts) * shares))
    low, high = normal_interval(estimate, np.concatenate(values))
    return Distance(estimate, (max(low, 0.0), high))
