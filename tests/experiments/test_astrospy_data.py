"""The images of AstroSpy's experiments: evenly chosen by class and part, and none on two sides."""

from pathlib import Path

from parhelion.catalog import Catalog, row, write_catalog
from parhelion.experiments._astrospy_data import choose

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
