"""Kernel and Fréchet distance: by hand, by formula, without bias, with intervals that hold."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from parhelion.errors import InputError
from parhelion.measurement import frechet_distance, kernel_distance


def draw(seed: int, count: int, size: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1, (count, size))


def test_kernel_distance_by_hand() -> None:
    # One feature, so k(x, y) = (x y + 1)^3. The first set is 8 zeros and 8 ones: of its 240
    # ordered pairs, 56 are of two ones with k = 8, all others have k = 1. The second set is 16
    # twos: k = 125. Between them k is 1 and 27 in equal parts.
    first, second = np.repeat([0.0, 1.0], 8)[:, None], np.full((16, 1), 2.0)
    distance = kernel_distance(first, second, bootstrap=20)
    assert distance.value == pytest.approx((184 + 56 * 8) / 240 + 125 - 2 * 14)


def test_kernel_distance_is_unbiased_where_nothing_differs() -> None:
    values = [
        kernel_distance(draw(2 * i, 50, 6), draw(2 * i + 1, 50, 6), bootstrap=20).value
        for i in range(60)
    ]
    # The standard error of this mean is about 0.006; the biased estimate would be near 0.17.
    assert abs(np.mean(values)) < 0.03
    assert min(values) < 0


def test_kernel_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = kernel_distance(draw(1, 1500, 4), draw(2, 1500, 4, 0.5), bootstrap=20).value
    hits = 0
    for i in range(60):
        low, high = kernel_distance(
            draw(100 + i, 80, 4), draw(200 + i, 80, 4, 0.5), bootstrap=200
        ).interval
        hits += low <= truth <= high
    assert hits >= 51  # 57 expected; below 51 in less than 1 of 100 seeds


def test_frechet_distance_of_shifted_copies_is_the_squared_shift() -> None:
    x = draw(0, 40, 5)
    shift = np.array([1.0, 2, 0, 0, -2])
    assert frechet_distance(x, x + shift, interval=False).value == pytest.approx(9.0)


def formula(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The distance with a root of a matrix, as it is usually computed."""
    a, b = np.cov(x.T), np.cov(y.T)
    # The root of a singular product is ill-conditioned in sqrtm: lift it a little.
    tiny = 1e-12 * np.eye(len(a))
    root = sqrtm((a + tiny) @ (b + tiny)).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root))


@pytest.mark.parametrize("count", [16, 20, 60])  # fewer, as many, and more images than features
def test_frechet_distance_equals_its_formula(count: int) -> None:
    x, y = draw(0, count, 20), 1.5 * draw(1, count, 20, 0.3)
    value = frechet_distance(x, y, interval=False).value
    assert value == pytest.approx(formula(x, y), rel=1e-4)


def test_frechet_distance_to_a_millionth_where_the_formula_is_well_conditioned() -> None:
    x, y = draw(0, 400, 20), 1.5 * draw(1, 400, 20, 0.3)
    assert frechet_distance(x, y, interval=False).value == pytest.approx(formula(x, y), rel=1e-9)


@pytest.mark.parametrize("count", [30, 200])
@pytest.mark.parametrize("spoil", ["dead", "repeated", "steep", "alike"])
def test_frechet_distance_is_exact_where_the_fast_way_is_not(count: int, spoil: str) -> None:
    x, y = draw(0, count, 40), draw(1, count, 40)
    if spoil == "dead":
        x[:, ::3] = y[:, ::3] = 0
    elif spoil == "repeated":
        x[:, 20:], y[:, 20:] = x[:, :20], 1.01 * y[:, :20]
    elif spoil == "steep":
        x, y = x * np.arange(1, 41) ** -6.0, y * np.arange(1, 41) ** -6.0
    else:
        y = x + 1e-4 * y
    offset = x.mean(0) - y.mean(0)
    a, b = ((v - v.mean(0)) / np.sqrt(count - 1) for v in (x, y))
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    expected = (offset**2).sum() + (a**2).sum() + (b**2).sum() - 2 * root
    assert frechet_distance(x, y, interval=False).value == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize(("count", "size"), [(300, 4), (60, 120)])
def test_frechet_interval_is_as_wide_as_the_estimates_spread(count: int, size: int) -> None:
    def one(seed: int) -> tuple[float, float]:
        distance = frechet_distance(
            draw(2 * seed, count, size), draw(2 * seed + 1, count, size, 0.5)
        )
        low, high = distance.interval
        return distance.value, (high - low) / (2 * 1.96)

    values, errors = np.array([one(seed) for seed in range(80)]).T
    assert 0.7 < errors.mean() / values.std() < 1.4


def test_frechet_interval_is_the_bootstraps_limit_and_has_no_seed() -> None:
    x, y = draw(0, 30, 8), draw(1, 30, 8, 0.5)
    first = frechet_distance(x, y)
    assert first == frechet_distance(x, y)
    assert first.interval[0] < first.value < first.interval[1]
    assert np.isnan(frechet_distance(x, y, interval=False).interval).all()


def test_same_seed_same_kernel_interval() -> None:
    x, y = draw(0, 30, 8), draw(1, 30, 8, 0.5)
    first = kernel_distance(x, y, seed=4, bootstrap=50)
    assert first == kernel_distance(x, y, seed=4, bootstrap=50)
    assert first.interval != kernel_distance(x, y, seed=5, bootstrap=50).interval
    assert first.interval[0] < first.value < first.interval[1]


@pytest.mark.parametrize("shapes", [((30, 2), (31, 2)), ((30, 2), (30, 3)), ((15, 2), (15, 2))])
def test_unequal_or_few_images_are_refused(shapes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    with pytest.raises(InputError, match="N >= 16"):
        kernel_distance(np.zeros(shapes[0]), np.zeros(shapes[1]))
