"""Fréchet distance at 2,048 dimensions against its formula with scipy.linalg.sqrtm.

Both start from the same features in float64 and end with the distance; the peer takes the
covariances with numpy and the root of their product, as the usual code does. `root_seconds`
is the time of the root alone.
"""

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from benchmarks._machine import machine
from parhelion.measurement import frechet_distance

_DIMENSION = 2048
_COUNTS = (2048, 5000)
_ROUNDS = 3


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure seconds per distance on drawn, correlated features; no data are read."""
    cases = [_case(count) for count in _COUNTS]
    return {
        **cases[0],
        "name": "frechet",
        "cases": cases,
        "relative_difference": max(case["relative_difference"] for case in cases),
    }


def _case(count: int) -> dict[str, Any]:
    first, second = _features(count)
    small = _features(64)
    frechet_distance(*small, interval=False)  # what is loaded on first use, for both
    sqrtm(np.eye(8))
    ours, peer, roots = [], [], []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        value = frechet_distance(first, second, interval=False).value
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        expected, root = _peer(first, second)
        peer.append(time.perf_counter() - start)
        roots.append(root)
    return {
        "name": f"frechet-{count}",
        "unit": "s (less is better)",
        "ours": round(statistics.median(ours), 3),
        "peer": round(statistics.median(peer), 3),
        "ratio": round(statistics.median(p / o for o, p in zip(ours, peer, strict=True)), 2),
        "root_seconds": round(statistics.median(roots), 3),
        "images": count,
        "dimension": _DIMENSION,
        "value": value,
        "relative_difference": abs(value / expected - 1),
        "peer_is": "numpy.cov and scipy.linalg.sqrtm of the covariances' product, float64",
        "measured_on": machine(),
    }


def _peer(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Return the distance by its formula, and the seconds that the root took."""
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    offset = first.mean(0) - second.mean(0)
    start = time.perf_counter()
    root = sqrtm(one @ other)
    seconds = time.perf_counter() - start
    traces = np.trace(one) + np.trace(other) - 2 * np.trace(root).real
    return float(offset @ offset + traces), seconds


def _features(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw two sets with variances that fall as in networks, each with its own correlations."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(_DIMENSION, _DIMENSION)) / np.sqrt(_DIMENSION)
    mix *= np.arange(1, _DIMENSION + 1)[:, None] ** -0.5
    turned = mix + 0.1 * rng.normal(size=mix.shape) / _DIMENSION
    first = rng.normal(size=(count, _DIMENSION)) @ mix
    second = 1.1 * rng.normal(size=(count, _DIMENSION)) @ turned + 0.002
    return first, second
