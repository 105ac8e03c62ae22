"""Short names: the last part, or more where that is not enough."""

from pathlib import Path

import pytest

from parhelion._names import short_name_of_each, short_names


def test_the_last_part_is_enough_where_it_is_the_only_one() -> None:
    assert short_names(["a/zoo", "b/efigi/"]) == ["zoo", "efigi"]


def test_where_two_are_alike_all_have_the_part_before() -> None:
    found = short_names(["made/gan/nearest", "made/vae/nearest", "real/zoo"])
    assert found == ["gan/nearest", "vae/nearest", "real/zoo"]


def test_of_two_all_alike_but_for_their_beginning_as_much_is_told() -> None:
    found = short_names(["a/out/made", "b/out/made", "c/made"])
    assert found == ["a/out/made", "b/out/made", f"{Path.cwd().name}/c/made"]
    assert short_names(["/made", "/a/made", "/"]) == ["/made", "a/made", "/"]


def test_a_place_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zoo" / "made").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "zoo" / "made")
    assert short_names([".", "..", tmp_path]) == ["made", "zoo", tmp_path.name]
    assert short_names([".", tmp_path / "zoo" / "made"]) == ["made", "made"]


def test_of_paths_that_come_again_each_has_its_name() -> None:
    assert short_name_of_each(["a/zoo", "b/zoo", "a/zoo"]) == ["a/zoo", "b/zoo", "a/zoo"]
    assert short_name_of_each(["a/zoo", "a/zoo", "b/efigi"]) == ["zoo", "zoo", "efigi"]
