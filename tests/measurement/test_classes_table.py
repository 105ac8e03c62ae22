"""Class distributions side by side: counts, the chi-square test, merged cells."""

import pytest

from parhelion.errors import InputError
from parhelion.measurement import compare_classes


def test_a_table_by_hand() -> None:
    # Expected counts are 30 and 20 in both rows: chi-square = 4 * 10^2 / 30 ... = 2 (10^2 / 30
    # + 10^2 / 20) = 50 / 3; V = sqrt(chi-square / 100).
    table = compare_classes(["a"] * 40 + ["b"] * 10, ["a"] * 20 + ["b"] * 30)
    assert table["classes"] == ["a", "b"]
    assert table["first"]["count"] == [40, 10]
    assert table["second"]["share"] == [0.4, 0.6]
    low, high = table["first"]["interval"][1]
    assert low < 0.2 < high
    assert table["chi_square"] == pytest.approx(50 / 3)
    assert table["degrees"] == 1
    assert table["p_value"] == pytest.approx(4.456e-5, rel=1e-3)
    assert table["cramers_v"] == pytest.approx((1 / 6) ** 0.5)
    assert table["cramers_v_interval"][0] > 0.15
    assert table["merged"] == []


def test_equal_shares_are_not_told_apart() -> None:
    table = compare_classes(["a"] * 30 + ["b"] * 20, ["b"] * 20 + ["a"] * 30)
    assert table["chi_square"] == 0
    assert table["p_value"] == 1
    assert table["cramers_v_interval"][0] == 0


def test_rare_classes_are_tested_together_and_named() -> None:
    first = ["a"] * 40 + ["b"] * 6 + ["c"] * 3 + ["d"]
    second = ["a"] * 40 + ["b"] * 5 + ["c"] * 4 + ["d"]
    table = compare_classes(first, second)
    assert table["classes"] == ["a", "b", "c", "d"]
    # b expects 5.5; c and d together 4.5, so that b joins them.
    assert table["merged"] == ["b", "c", "d"]
    assert table["degrees"] == 1
    assert table["second"]["count"] == [40, 5, 4, 1]


def test_a_class_of_one_set_only() -> None:
    table = compare_classes(["a"] * 50, ["a"] * 25 + ["b"] * 25)
    assert table["first"]["count"] == [50, 0]
    assert table["first"]["interval"][1][0] == 0
    assert table["p_value"] < 1e-6


@pytest.mark.parametrize(("first", "second"), [(["a"] * 9, ["a"] * 9), (["a"], ["b"])])
def test_too_little_to_test_is_said(first: list[str], second: list[str]) -> None:
    table = compare_classes(first, second)
    assert table["chi_square"] is None
    assert table["cramers_v"] is None
    assert sum(table["first"]["count"]) == len(first)


def test_same_seed_same_interval() -> None:
    sets = (["a"] * 40 + ["b"] * 10, ["a"] * 30 + ["b"] * 20)
    assert compare_classes(*sets, seed=1) == compare_classes(*sets, seed=1)
    assert compare_classes(*sets, seed=1) != compare_classes(*sets, seed=2)


def test_nothing_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="empty set"):
        compare_classes([], ["a"])
