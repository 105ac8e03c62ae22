"""Precision, recall, density and coverage: do made images lie among real ones, and reversed?

Each image stands for a ball of feature space that reaches to its k-th nearest neighbor of its
own set. Precision and recall: Kynkäänniemi et al. 2019, eq. 1 and 2. Density and coverage:
Naeem et al. 2020, eq. 3 and 4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import progress
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import normal_interval
from parhelion.measurement._distances import Distance, checked

#: Half-samples behind the standard errors, which 50 give to a tenth.
HALVES = 50
#: Rows of a matrix of distances that are computed at once.
_BLOCK = 512


@dataclass(frozen=True)
class Neighborhoods:
    """Four figures, each with its 95 % interval."""

    precision: Distance
    """Share of made images that lie in the ball of a real one."""
    recall: Distance
    """Share of real images that lie in the ball of a made one."""
    density: Distance
    """Balls of real images that a made one lies in, in units of what is expected where nothing
    differs: about 1 then; above 1 where made images crowd at the middle."""
    coverage: Distance
    """Share of real images in whose ball a made one lies; ``1 - 2^-k`` is expected where
    nothing differs and there are many images."""


def neighborhood_figures(
    real: NDArray[np.floating],
    made: NDArray[np.floating],
    *,
    neighbors: int = 5,
    seed: int = 0,
    halves: int = HALVES,
) -> Neighborhoods:
    """Compare two sets of features by the neighborhoods of their images.

    Parameters
    ----------
    real, made : ndarray
        ``(N, D)`` features, equal counts of at least 16. Memory is 12 N^2 bytes.
    neighbors : int
        k; less than N / 2.
    seed : int
        Seed of the half-samples.
    halves : int
        Half-samples behind the intervals: each takes half of either set, without putting back,
        since an image drawn twice would be its own neighbor. The spread of such figures is the
        standard error of the whole (delete-half jackknife: Shao & Wu 1989).

    Raises
    ------
    InputError
        If the sets differ in shape or are too small.
    """
    x, y = checked(real, made)
    half = len(x) // 2
    if not 1 <= neighbors < half:
        raise InputError(
            f"neighborhoods of {neighbors} among {len(x)} images need at least "
            f"{2 * neighbors + 2} images; lower --neighbors"
        )
    within_x, within_y, between = _squares(x, x), _squares(y, y), _squares(x, y)
    for matrix in (within_x, within_y):
        np.fill_diagonal(matrix, -1)  # an image comes first in its own row
    estimate = _figures(within_x, within_y, between, neighbors)
    generator = np.random.default_rng([seed, 7])
    values = np.empty((halves, 4))
    bar = progress(range(halves), total=halves, what="neighborhoods", unit="half-samples")
    for number in bar:
        p, q = (np.sort(generator.permutation(len(x))[:half]) for _ in range(2))
        values[number] = _figures(
            within_x[np.ix_(p, p)], within_y[np.ix_(q, q)], between[np.ix_(p, q)], neighbors
        )
    figures = []
    for column, most in enumerate((1.0, 1.0, np.inf, 1.0)):  # density has no upper end
        low, high = normal_interval(float(estimate[column]), values[:, column])
        figures.append(Distance(float(estimate[column]), (max(low, 0.0), min(high, float(most)))))
    return Neighborhoods(*figures)


def _figures(
    within_x: NDArray[np.float32],
    within_y: NDArray[np.float32],
    between: NDArray[np.float32],
    neighbors: int,
) -> NDArray[np.float64]:
    """Precision, recall, density, coverage from squared distances, real images in rows."""
    real_radius = np.partition(within_x, neighbors, axis=1)[:, neighbors]
    made_radius = np.partition(within_y, neighbors, axis=1)[:, neighbors]
    in_real = between <= real_radius[:, None]  # (N real, N made)
    in_made = between <= made_radius[None, :]
    return np.array(
        [
            in_real.any(0).mean(),
            in_made.any(1).mean(),
            in_real.sum() / (neighbors * len(made_radius)),
            in_real.any(1).mean(),
        ]
    )


def _squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Squared distances ``(N, M)``, computed in float64."""
    squares = np.empty((len(x), len(y)), np.float32)
    lengths = (y**2).sum(1)
    for start in range(0, len(x), _BLOCK):
        rows = x[start : start + _BLOCK]
        block = (rows**2).sum(1)[:, None] + lengths - 2 * (rows @ y.T)
        squares[start : start + _BLOCK] = np.maximum(block, 0)
    return squares
