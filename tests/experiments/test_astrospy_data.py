"""The images of AstroSpy's experiments: evenly chosen by class and part, and none on two sides."""

from pathlib import Path

import pytest

from parhelion.catalog import Catalog, row, write_catalog
from parhelion.errors import InputError
from parhelion.experiments._astrospy_data import check_unseen, choose, named

_PARTS = ("train", "train", "validation", "test")


def _catalog(root: Path, count: int, *, origin: str = "observed", split: bool = True) -> Catalog:
    rows = [
        row(
            image_id=f"{root.name}-{number}",
            path=f"{number}.png",
            width=8,
            height=8,
            format="PNG",
            origin=origin,
            split=_PARTS[number % 4] if split else None,
            recipe=None if origin == "observed" else {"seed": number},
        )
        for number in range(count)
    ]
    return write_catalog(root, rows, rejected=[])


def _parts(catalogs: list[Catalog]) -> list[list[int]]:
    """Numbers of images in each part, catalog by catalog."""
    return [
        [catalog.column("split").count(part) for part in ("train", "validation", "test")]
        for catalog in catalogs
    ]


def test_each_class_has_so_many_images_at_most_over_all_catalogs(tmp_path: Path) -> None:
    catalogs = [
        _catalog(tmp_path / "survey", 40),  # 20, 10 and 10 in the parts
        _catalog(tmp_path / "other", 40),
        _catalog(tmp_path / "made", 8, origin="gan"),  # 4, 2 and 2
    ]
    most = {"train": 10, "validation": 4, "test": None}
    chosen = choose(catalogs, most)
    assert _parts(chosen) == [[5, 2, 10], [5, 2, 10], [4, 2, 2]]
    assert chosen[0].column("path")[0] == "0.png"  # the first and the last are among them
    assert choose(catalogs, most)[1].table.equals(chosen[1].table)


def test_a_test_elsewhere_is_taken_whole(tmp_path: Path) -> None:
    catalogs = [
        _catalog(tmp_path / "survey", 12),
        _catalog(tmp_path / "bare", 12, split=False),
    ]
    assert [len(c) for c in choose(catalogs, {"all": 6}, whole=True)] == [3, 3]
    assert [len(c) for c in choose(catalogs, {"all": None}, whole=True)] == [12, 12]


def test_images_without_a_part_are_left_for_training_to_refuse(tmp_path: Path) -> None:
    bare = _catalog(tmp_path / "bare", 12, split=False)
    assert len(choose([bare], {"train": 1})[0]) == 12


def test_tests_elsewhere_have_short_names_unless_two_are_alike(tmp_path: Path) -> None:
    for name in ("a/real", "a/made", "b/real"):
        _catalog(tmp_path / name, 1)
    pair = [tmp_path / "a" / "real", tmp_path / "a" / "made"]
    assert list(named([pair, pair[1:]])) == ["real + made", "made"]
    alike = [pair[:1], [tmp_path / "b" / "real"]]
    assert list(named(alike)) == [str(roots[0]) for roots in alike]
    with pytest.raises(InputError, match="twice"):
        named([pair, pair])


def test_a_test_with_images_of_the_data_is_none(tmp_path: Path) -> None:
    data, other = _catalog(tmp_path / "data", 4), _catalog(tmp_path / "other", 4)
    check_unseen("other", [other], [data])
    rows = other.rows()
    rows[2]["group_id"] = "data-1"  # as a reconstruction of an image there has it
    kin = write_catalog(other.root, rows)
    with pytest.raises(InputError, match=r"--elsewhere \(=other\) is no test .*: 1 images"):
        check_unseen("other", [kin], [data])
