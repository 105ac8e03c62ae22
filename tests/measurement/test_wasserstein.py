"""Wasserstein distances: by hand, as scipy, with intervals; histograms of them."""

import numpy as np
import pytest
from scipy import stats

from parhelion.errors import InputError
from parhelion.measurement import wasserstein_distance
from parhelion.measurement._histograms import compare_quantities


def normal(
    seed: int, count: int, shift: float = 0.0
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.random.default_rng(seed).normal(shift, 1, count)


def test_by_hand() -> None:
    # One of two values moves from 1 to 5: an area of 4 * 1 / 2.
    assert wasserstein_distance(np.array([0.0, 1]), np.array([0.0, 5])).value == 2


def test_as_scipy_also_where_counts_differ() -> None:
    x, y = normal(0, 40), normal(1, 70, 0.5)
    expected = stats.wasserstein_distance(x, y)
    assert wasserstein_distance(x, y).value == pytest.approx(expected)


def test_interval_covers_a_shift_about_as_often_as_it_says() -> None:
    hits = 0
    for i in range(60):
        low, high = wasserstein_distance(
            normal(2 * i, 100), normal(2 * i + 1, 100, 1.0), bootstrap=200
        ).interval
        hits += low <= 1 <= high
    assert hits >= 51  # 57 expected


def test_chunks_do_not_repeat_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    from parhelion.measurement import _wasserstein

    monkeypatch.setattr(_wasserstein, "_CHUNK", 30 * 7)
    x, y = normal(0, 15), normal(1, 15, 0.5)
    few = wasserstein_distance(x, y, bootstrap=20)
    assert few == wasserstein_distance(x, y, bootstrap=20)
    assert few.interval[0] >= 0
    assert few.interval != wasserstein_distance(x, y, bootstrap=40).interval


def test_too_few_values_are_refused() -> None:
    with pytest.raises(InputError, match="at least 2 values"):
        wasserstein_distance(np.array([1.0]), np.array([1.0, 2.0]))


def test_quantities_leave_out_what_was_not_measured_and_count_it() -> None:
    real, made = 2 * normal(0, 50), 2 * normal(1, 50, 1.0)
    made[:5] = np.nan
    found = compare_quantities(real, made, real[:25], real[25:], made[:25], bootstrap=20)
    assert found is not None
    assert (found["real_count"], found["made_count"]) == (50, 45)
    assert found["wasserstein"] == pytest.approx(stats.wasserstein_distance(real, made[5:]))
    assert found["normalized"] == pytest.approx(found["wasserstein"] / real.std())
    assert sum(found["made_histogram"]) == pytest.approx(1)
    assert found["normalized_floor"] < found["normalized"]


def test_what_lies_beyond_the_bins_is_in_the_outer_ones() -> None:
    real = normal(0, 50)
    found = compare_quantities(real, real + 1000, real[:25], real[25:], real[:25] + 1000)
    assert found is not None
    assert found["made_histogram"][-1] == 1


def test_too_few_measured_values_give_no_comparison() -> None:
    real = normal(0, 20)
    assert compare_quantities(real, real * np.nan, real, real, real) is None


def test_real_images_that_are_all_alike_have_no_unit() -> None:
    real, made = np.zeros(20), normal(0, 20)
    found = compare_quantities(real, made, real, real, made)
    assert found is not None
    assert "normalized" not in found
    assert found["wasserstein"] > 0
