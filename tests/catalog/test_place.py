"""The folder of a new catalog."""

from pathlib import Path

import pytest

from parhelion.catalog import (
    Catalog,
    check_free,
    joined,
    make_room,
    open_catalog,
    row,
    stems,
    write_catalog,
)
from parhelion.errors import CatalogError


def _write(root: Path, names: list[str]) -> Catalog:
    rows = []
    for number, name in enumerate(names):
        file = root / "images" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        rows.append(
            row(image_id=name, path=f"images/{number}.png", width=8, height=8, format="PNG")
        )
    return write_catalog(root, rows)


def test_a_catalog_is_replaced_only_when_that_is_asked_for(tmp_path: Path) -> None:
    check_free(tmp_path / "new", overwrite=False)
    _write(tmp_path / "old", ["a"])
    with pytest.raises(CatalogError, match="already holds a catalog"):
        check_free(tmp_path / "old", overwrite=False)
    check_free(tmp_path / "old", overwrite=True)


def test_what_is_worked_on_is_not_replaced(tmp_path: Path) -> None:
    one, other = _write(tmp_path / "one", ["a"]), _write(tmp_path / "one-more", ["b"])
    for given in (one, one.root, str(one.root), joined([other, one])):
        with pytest.raises(CatalogError, match="holds what is worked on"):
            check_free(one.root, overwrite=True, inputs=[other, given])
    check_free(one.root, overwrite=True, inputs=[other])


def test_room_is_made_by_removing_what_the_catalog_names(tmp_path: Path) -> None:
    _write(tmp_path, ["a", "b"])
    (tmp_path / "images" / "mine.txt").write_text("stays")
    (tmp_path / "images" / ".part-of-a-killed-run.png").write_bytes(b"")
    make_room(tmp_path)
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["mine.txt"]
    with pytest.raises(CatalogError, match="is not a catalog"):
        open_catalog(tmp_path)
    make_room(tmp_path / "nowhere")  # nothing to remove


def test_rows_of_the_same_pixels_have_names_of_their_own(tmp_path: Path) -> None:
    assert stems(_write(tmp_path, ["a", "b", "a", "a"])) == ["a", "b", "a-2", "a-3"]
