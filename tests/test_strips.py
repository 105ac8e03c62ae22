import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parhelion._strips import bands


@given(
    cuts=st.lists(st.integers(0, 23), max_size=6).map(sorted),
    height=st.integers(1, 9),
)
def test_rows_come_again_in_bands_of_one_height(cuts: list[int], height: int) -> None:
    image = np.arange(23 * 2, dtype=np.uint8).reshape(23, 2, 1)
    found = list(bands(np.split(image, cuts), height, total=23))
    np.testing.assert_array_equal(np.concatenate(found), image)
    assert all(len(band) == height for band in found[:-1])
    assert 1 <= len(found[-1]) <= height


def test_rows_that_are_missing_are_told_in_the_end() -> None:
    with pytest.raises(ValueError, match="strips have 4 rows, not 9"):
        list(bands([np.zeros((4, 2, 1), np.uint8)], 3, total=9))
