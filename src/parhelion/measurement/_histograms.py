"""Histograms of one quantity in real and made images, and how far they are apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.measurement._distances import Distance
from parhelion.measurement._wasserstein import wasserstein_distance

#: Bins of a histogram, few where there are few images.
_BINS = (8, 40)
#: The bins reach this far beyond the real images' own range, as a share of it.
_MARGIN = 0.25
#: Fewest finite values that are compared.
_FEWEST = 8

Values = NDArray[np.float64]


def compare_quantities(
    real: Values,
    made: Values,
    first: Values,
    second: Values,
    made_at_floor: Values,
    *,
    seed: int = 0,
    bootstrap: int = 1000,
) -> dict[str, Any] | None:
    """Compare a quantity of real and made images, and of two parts of the real ones.

    Parameters
    ----------
    real, made : ndarray
        ``(N,)``; what is not finite counts as not measured.
    first, second, made_at_floor : ndarray
        ``(M,)``: two parts of the real images, and as many made ones.
    seed, bootstrap : int
        Of the intervals.

    Returns
    -------
    comparison : dict or None
        ``edges`` of bins that depend on the real images only (the outer ones hold what lies
        beyond), ``real_histogram`` and ``made_histogram`` (shares), ``real_mean``,
        ``made_mean``, ``real_count``, ``made_count``; ``wasserstein`` in the quantity's unit
        and ``normalized``, in standard deviations of the real images, each with
        ``_interval``, ``_at_floor``, ``_floor``, ``_floor_interval``. None where fewer than 8
        values of a set are finite.
    """
    finite = [x[np.isfinite(x)] for x in (real, made, first, second, made_at_floor)]
    if min(map(len, finite)) < _FEWEST:
        return None
    real, made, first, second, made_at_floor = finite
    options: dict[str, int] = {"seed": seed, "bootstrap": bootstrap}
    main = wasserstein_distance(real, made, **options)
    at_floor = wasserstein_distance(first, made_at_floor, **options)
    floor = wasserstein_distance(first, second, **options)
    low, high = np.quantile(real, [0.005, 0.995])
    margin = _MARGIN * (high - low) or 0.5
    bins = int(np.clip(1.5 * np.sqrt(len(real)), *_BINS))
    edges = np.linspace(low - margin, high + margin, bins + 1)
    comparison: dict[str, Any] = {
        "edges": edges.tolist(),
        "real_histogram": _shares(real, edges),
        "made_histogram": _shares(made, edges),
        "real_mean": float(real.mean()),
        "made_mean": float(made.mean()),
        "real_count": len(real),
        "made_count": len(made),
    }
    spread = float(real.std())
    for name, unit in (("wasserstein", 1.0), ("normalized", spread)):
        if unit == 0:  # real images that are all alike have no spread to measure in
            continue
        comparison |= _flat(name, main, at_floor, floor, unit)
    return comparison


def _flat(
    name: str, main: Distance, at_floor: Distance, floor: Distance, unit: float
) -> dict[str, Any]:
    return {
        name: main.value / unit,
        f"{name}_interval": [end / unit for end in main.interval],
        f"{name}_at_floor": at_floor.value / unit,
        f"{name}_floor": floor.value / unit,
        f"{name}_floor_interval": [end / unit for end in floor.interval],
    }


def _shares(values: Values, edges: NDArray[np.float64]) -> list[float]:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    shares: list[float] = (counts / len(values)).tolist()
    return shares
