"""Bootstrap: counts, groups within strata, intervals."""

import numpy as np
import pytest

from parhelion.measurement._bootstrap import (
    normal_interval,
    percentile_interval,
    resample_counts,
    resample_groups,
)


def test_counts_draw_as_many_images_as_there_are() -> None:
    counts = resample_counts(7, 50, np.random.default_rng(0))
    assert counts.shape == (50, 7)
    assert (counts.sum(1) == 7).all()
    assert counts.max() > 1  # with replacement


def test_groups_are_drawn_whole_and_within_their_stratum() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2, 3])
    strata = np.array([0, 1, 0, 1])  # of groups 0, 1, 2, 3
    for counts in resample_groups(groups, strata, 30, np.random.default_rng(0)):
        per_group = [set(counts[groups == group]) for group in range(4)]
        assert all(len(values) == 1 for values in per_group)
        drawn = np.array([values.pop() for values in per_group])
        assert drawn[[0, 2]].sum() == 2
        assert drawn[[1, 3]].sum() == 2


def test_percentile_interval_holds_the_central_95_percent() -> None:
    assert percentile_interval(np.arange(1001)) == pytest.approx((25.0, 975.0))


def test_normal_interval_is_centered_on_the_estimate() -> None:
    low, high = normal_interval(10.0, [0.0, 2.0, 4.0])  # standard deviation 2
    assert (low, high) == pytest.approx((10 - 3.92, 10 + 3.92), abs=1e-3)
