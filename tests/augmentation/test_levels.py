from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from parhelion.augmentation._levels import whole_levels

Floats = NDArray[np.float32]


def _drawn(height: int, width: int, channels: int) -> Floats:
    rng = np.random.default_rng([height, width, channels])
    return rng.uniform(0, 255, (height, width, channels)).astype(np.float32)


def _levels(image: Floats, *cuts: int) -> NDArray[np.uint8]:
    strips: Iterator[Floats] = iter(np.split(image, cuts))
    return np.concatenate(list(whole_levels(strips)))


@given(st.integers(1, 13), st.integers(1, 13), st.sampled_from([1, 3]))
def test_squares_keep_their_sums(height: int, width: int, channels: int) -> None:
    image = _drawn(height, width, channels)
    levels = _levels(image)
    assert np.abs(levels - image).max() < 1
    for top in range(0, height, 4):
        for left in range(0, width, 4):
            square = np.s_[top : top + 4, left : left + 4]
            missing = levels[square].sum((0, 1), dtype=float) - image[square].sum((0, 1))
            assert np.abs(missing).max() <= 0.5 + 1e-2


@given(st.lists(st.integers(0, 21), max_size=5).map(sorted))
def test_levels_do_not_depend_on_where_strips_begin(cuts: list[int]) -> None:
    image = _drawn(21, 10, 3)
    np.testing.assert_array_equal(_levels(image, *cuts), _levels(image))


def test_whole_levels_and_the_ends_of_the_scale_stay() -> None:
    image = np.repeat(np.array([0, 7, 255], np.float32), 16).reshape(4, 12, 1)
    np.testing.assert_array_equal(_levels(image), image)
    assert _levels(np.full((5, 5, 1), 254.9, np.float32)).max() == 255


def test_little_noise_is_added_and_a_smooth_sky_has_no_pattern() -> None:
    image = _drawn(64, 64, 3)
    assert np.square(_levels(image) - image).mean() < 1.15 / 12  # rounding: 1 / 12; chance: 2 / 12
    # A third of the way up, with more where a network that enlarges by two has its phases.
    sky = np.full((128, 128, 1), 20.3, np.float32)
    sky[::2, ::2] += 1e-3
    raised = _levels(sky) - 20.0
    assert raised.mean() == pytest.approx(0.3, abs=0.02)
    assert raised[::2, ::2].mean() == pytest.approx(0.3, abs=0.04)
