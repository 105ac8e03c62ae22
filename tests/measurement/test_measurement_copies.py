"""What counts as a copy, on numbers that one can check by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from parhelion.errors import InputError
from parhelion.measurement import distinctness
from parhelion.measurement._copies import Found, copies, distinctness_apart, summarize_null

GROUPS = np.array([0, 1, 2, 3, 4, 4, 5])


def ratio(indices: list[int], scores: list[float]) -> float:
    return float(distinctness(np.array([indices]), np.array([scores]), GROUPS)[0])


@pytest.mark.parametrize(
    ("indices", "scores", "expected"),
    [
        ([0, 1, 2, 3, 4], [0.9, 0.6, 0.6, 0.6, 0.6], 0.25),
        ([0, 1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6, 0.5], 0.1 / 0.35),
        ([0, 1, 2, 3, 4, 6], [0.9, 0.6, 0.6, 0.6, 0.6, -1.0], 0.25),  # beyond the next four
        ([4, 5, 1, 2, 3], [0.9, 0.9, 0.6, 0.6, 0.6], 0.25),  # the next one is the same object
        ([0, 1, -1, -1, -1], [0.9, 0.5, -np.inf, -np.inf, -np.inf], 0.2),
        ([0, 1, 2, 3, 4], [1.0, 1.0, 1.0, 1.0, 1.0], 1.0),
        ([0, 1, 2, 3, 4], [1.0, 0.5, 0.5, 0.5, 0.5], 0.0),
    ],
)
def test_distinctness(indices: list[int], scores: list[float], expected: float) -> None:
    assert ratio(indices, scores) == pytest.approx(expected)


def test_distinctness_without_others_is_not_known() -> None:
    assert np.isnan(ratio([4, 5], [0.9, 0.8]))


def test_a_twin_does_not_set_what_is_usual() -> None:
    scores = np.append(np.linspace(0.5, 0.7, 199), [0.999, 0.999, -np.inf])
    ratios = np.append(np.linspace(0.8, 0.9, 199), [0.01, np.nan, np.nan])
    null = summarize_null(scores, ratios, 0.67)
    assert (null.distinct, null.least, null.twins) == (0.67, 0.01, 1)
    assert null.threshold == 0.999  # of the one whose distinctness is not known
    assert null.median == pytest.approx(0.6, abs=0.001)
    assert summarize_null(np.delete(scores, 200), np.delete(ratios, 200), 0.67).threshold == 0.7


def test_what_many_real_images_do_does_not_stand_out(caplog: pytest.LogCaptureFixture) -> None:
    ratios = np.linspace(0.1, 0.9, 301)
    null = summarize_null(np.full(301, 0.5), ratios, 0.67)
    assert null.distinct == ratios[3]
    assert null.twins == 3
    assert "group duplicates" in caplog.text
    caplog.clear()
    assert summarize_null(np.full(301, 0.5), ratios + 0.25, 0.67).distinct == ratios[3] + 0.25
    assert caplog.text == ""


def test_distinctness_may_be_known_of_none() -> None:
    null = summarize_null(np.array([0.5]), np.array([np.nan]), 0.67)
    assert (null.distinct, null.least, null.twins, null.threshold) == (0.67, None, 0, 0.5)


def test_two_equal_real_images_do_not_hide_exact_copies() -> None:
    # 60 real images, of which two are the same in different groups.
    scores = np.append(np.linspace(0.5, 0.7, 58), [1.0, 1.0])
    ratios = np.append(np.linspace(0.8, 0.9, 58), [0.0, 0.0])
    null = summarize_null(scores, ratios, 0.67)
    assert (null.twins, null.threshold) == (2, 0.7)
    assert copies(np.array([1.0, 0.99]), np.array([0.0, 0.2]), null).tolist() == [True, False]


def test_others_are_sought_where_the_nearest_show_one_object() -> None:
    groups = np.array([0, 0, 0, 0, 0, 1, 2, 3, 4])
    indices = np.array([[0, 1, 2, 3, 4], [5, 6, 7, 8, 0]])
    scores = np.array([[0.9, 0.9, 0.9, 0.9, 0.9], [0.9, 0.5, 0.5, 0.5, 0.5]])
    asked = []

    def seek(rows: NDArray[np.int64], own: NDArray[np.int64]) -> Found:
        asked.append((rows.tolist(), own.tolist()))
        return np.array([[5, 6, 7, 8]]), np.array([[0.6, 0.6, 0.6, 0.6]])

    ratios = distinctness_apart(indices, scores, groups, seek)
    assert ratios.tolist() == pytest.approx([0.25, 0.2])
    assert asked == [([0], [0])]


def test_one_group_is_refused() -> None:
    with pytest.raises(InputError, match="of one group"):
        summarize_null(np.array([-np.inf]), np.array([np.nan]), 0.67)


def test_a_copy_stands_out_and_is_near() -> None:
    null = summarize_null(np.array([0.5, 0.6, 0.7]), np.array([0.9, 0.9, 0.9]), 0.67)
    scores = np.array([0.99, 0.99, 0.65, 0.55, 0.99])
    ratios = np.array([0.1, 0.67, 0.66, 0.1, np.nan])
    assert copies(scores, ratios, null).tolist() == [True, False, True, False, False]
