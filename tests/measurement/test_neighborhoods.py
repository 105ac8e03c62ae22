"""Precision, recall, density and coverage: by hand, at their limits, with honest intervals."""

import numpy as np
import pytest
from numpy.typing import NDArray

from parhelion.errors import InputError
from parhelion.measurement import neighborhood_figures


def draw(seed: int, count: int, size: int = 4, scale: float = 1.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, scale, (count, size))


def test_by_hand_on_a_line() -> None:
    # Real images at 0, 1, ..., 15: each nearest neighbor is at 1, so balls reach 1 to either
    # side. Made images at 0.5 (in the balls of 0 and 1) seven times, at 15.5 (in that of 15)
    # once, and eight far away, 10 from each other.
    real = np.arange(16.0)[:, None]
    far = 1000 + 10 * np.arange(8.0)
    made = np.concatenate([np.full(7, 0.5), [15.5], far])[:, None]
    found = neighborhood_figures(real, made, neighbors=1, halves=5)
    assert found.precision.value == 8 / 16
    assert found.density.value == (7 * 2 + 1) / 16
    assert found.coverage.value == 3 / 16
    # Balls of made images: those at 0.5 have one another at 0; that at 15.5 reaches 15 back, to
    # 0.5; so it holds 1 to 15. Far ones hold nothing real.
    assert found.recall.value == 15 / 16


def test_equal_sets_are_fully_covered_and_far_ones_not_at_all() -> None:
    x = draw(0, 40)
    same = neighborhood_figures(x, x.copy(), halves=5)
    assert (same.precision.value, same.recall.value, same.coverage.value) == (1, 1, 1)
    apart = neighborhood_figures(x, x + 100, halves=5)
    figures = (apart.precision, apart.recall, apart.density, apart.coverage)
    assert [figure.value for figure in figures] == [0, 0, 0, 0]
    assert apart.precision.interval == (0, 0)


def test_crowding_at_the_middle_is_precise_and_covers_little() -> None:
    real, made = draw(0, 200), draw(1, 200, scale=0.3)
    found = neighborhood_figures(real, made, halves=5)
    assert found.precision.value > 0.95
    assert found.density.value > 1.2
    assert found.recall.value < 0.5
    assert found.coverage.value < 0.8


def test_coverage_of_the_same_distribution_is_as_expected() -> None:
    k = 3
    values = [
        neighborhood_figures(draw(2 * i, 300), draw(2 * i + 1, 300), neighbors=k, halves=2)
        for i in range(8)
    ]
    # Naeem et al. 2020, section 3.3: 1 - (N-1)...(N-k) / ((2N-1)...(2N-k)), near 1 - 2^-k.
    expected = 1 - np.prod([(300 - i) / (600 - i) for i in range(1, k + 1)])
    assert np.mean([v.coverage.value for v in values]) == pytest.approx(expected, abs=0.02)
    assert np.mean([v.density.value for v in values]) == pytest.approx(1, abs=0.06)


def test_intervals_are_as_wide_as_the_estimates_spread() -> None:
    found = [
        neighborhood_figures(draw(2 * i, 100), 1.2 * draw(2 * i + 1, 100), halves=30)
        for i in range(40)
    ]
    for name in ("precision", "recall", "density", "coverage"):
        figures = [getattr(one, name) for one in found]
        spread = np.std([figure.value for figure in figures])
        errors = [(f.interval[1] - f.interval[0]) / (2 * 1.96) for f in figures]
        assert 0.5 < np.mean(errors) / spread < 2, name


def test_same_seed_same_interval() -> None:
    x, y = draw(0, 40), draw(1, 40)
    assert neighborhood_figures(x, y, seed=1) == neighborhood_figures(x, y, seed=1)
    assert neighborhood_figures(x, y, seed=1) != neighborhood_figures(x, y, seed=2)


@pytest.mark.parametrize("neighbors", [0, 8])
def test_too_many_neighbors_are_refused(neighbors: int) -> None:
    with pytest.raises(InputError, match="lower --neighbors"):
        neighborhood_figures(draw(0, 16), draw(1, 16), neighbors=neighbors)
