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
    assert frechet_distance(x, x + shift, bootstrap=20).value == pytest.approx(9.0)


@pytest.mark.parametrize("count", [16, 60])  # fewer and more images than features
def test_frechet_distance_equals_its_formula(count: int) -> None:
    x, y = draw(0, count, 20), 1.5 * draw(1, count, 20, 0.3)
    a, b = np.cov(x.T), np.cov(y.T)
    # The root of a singular product is ill-conditioned in sqrtm: lift it a little.
    tiny = 1e-12 * np.eye(20)
    root = sqrtm((a + tiny) @ (b + tiny)).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)
    assert frechet_distance(x, y, bootstrap=20).value == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("distance", [kernel_distance, frechet_distance])
def test_same_seed_same_interval(distance) -> None:  # type: ignore[no-untyped-def]
    x, y = draw(0, 30, 8), draw(1, 30, 8, 0.5)
    first = distance(x, y, seed=4, bootstrap=50)
    assert first == distance(x, y, seed=4, bootstrap=50)
    assert first.interval != distance(x, y, seed=5, bootstrap=50).interval
    assert first.interval[0] < first.value < first.interval[1]


@pytest.mark.parametrize("shapes", [((30, 2), (31, 2)), ((30, 2), (30, 3)), ((15, 2), (15, 2))])
def test_unequal_or_few_images_are_refused(shapes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    with pytest.raises(InputError, match="N >= 16"):
        kernel_distance(np.zeros(shapes[0]), np.zeros(shapes[1]))
