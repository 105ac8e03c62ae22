"""The catalog's table: what it holds, what it refuses, that it is written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parhelion.catalog import (
    MADE_ORIGINS,
    ORIGINS,
    SPLITS,
    Catalog,
    open_catalog,
    row,
    write_catalog,
)
from parhelion.catalog._table import REJECTED_FILE, SCHEMA, check_invariants, write_rejected
from parhelion.errors import CatalogError


def one(index: int, **values: Any) -> dict[str, Any]:
    given = {
        "image_id": f"id{index}",
        "path": f"images/{index}.png",
        "width": 4,
        "height": 3,
        "format": "PNG",
    }
    return row(**{**given, **values})


def test_round_trip(tmp_path: Path) -> None:
    rows = [
        one(0, label="spiral", recipe={"b": 1, "a": [2, None]}, source="line\nbreak"),
        one(1, origin="gan", recipe={"seed": 7}, group_id="id0", parent_id="id0"),
    ]
    written = write_catalog(tmp_path, rows, rejected=[])
    opened = open_catalog(tmp_path)
    assert opened.table.equals(written.table)
    assert opened.rows() == rows
    assert opened.recipes() == [{"a": [2, None], "b": 1}, {"seed": 7}]
    assert opened.column("group_id") == ["id0", "id0"]
    assert opened.files() == [tmp_path / "images/0.png", tmp_path / "images/1.png"]
    assert len(opened) == 2


def test_an_image_is_its_own_group_at_first() -> None:
    assert one(3)["group_id"] == "id3"
    assert one(3)["recipe"] is None


def test_selecting_rows(tmp_path: Path) -> None:
    rows = [
        one(index, label="ab"[index % 2], split=SPLITS[index % 3], origin="observed")
        for index in range(12)
    ]
    catalog = write_catalog(tmp_path, rows)
    assert catalog.select(label="a", split=("train", "test")).column("image_id") == [
        "id0",
        "id2",
        "id6",
        "id8",
    ]
    assert len(catalog.select(label=())) == 0
    assert isinstance(catalog.select(label="b"), Catalog)


def test_an_empty_catalog(tmp_path: Path) -> None:
    write_catalog(tmp_path, [], rejected=[])
    assert len(open_catalog(tmp_path)) == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([one(0, origin="painted")], "origin 'painted' .* is none of observed"),
        ([one(0, split="dev")], "split 'dev' .* is none of train"),
        ([one(0, origin="gan")], "is 'gan' but has no recipe"),
        ([one(0), one(1, path="images/0.png")], "names a path twice"),
        ([one(0, path="../outside.png")], "leads out of the catalog"),
        ([one(0, path="/etc/passwd")], "leads out of the catalog"),
        (
            [one(0, split="train", group_id="g"), one(1, split="test", group_id="g")],
            "group 'g' .* spans more than one split",
        ),
    ],
)
def test_what_breaks_a_promise_is_not_written(
    tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    write_catalog(tmp_path, [one(9)], rejected=[])
    before = (tmp_path / "catalog.parquet").read_bytes()
    with pytest.raises(CatalogError, match=message):
        write_catalog(tmp_path, rows)
    assert (tmp_path / "catalog.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    # Nor is it read, wherever it came from.
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, tmp_path / "catalog.parquet")
    with pytest.raises(CatalogError, match=message):
        open_catalog(tmp_path)


def test_part_of_a_group_may_have_no_split_yet(tmp_path: Path) -> None:
    rows = [one(0, split="train", group_id="g"), one(1, group_id="g")]
    assert len(write_catalog(tmp_path, rows)) == 2


rows_of_groups = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([*SPLITS, None]),
        st.sampled_from(ORIGINS),
        st.booleans(),
    ),
    max_size=12,
)


@given(rows_of_groups)
@settings(max_examples=150, deadline=None)
def test_the_invariants_are_exactly_the_two_of_the_design(
    drawn: list[tuple[str, str | None, str, bool]],
) -> None:
    rows = [
        one(i, group_id=group, split=split, origin=origin, recipe={"a": 1} if recipe else None)
        for i, (group, split, origin, recipe) in enumerate(drawn)
    ]
    sides: dict[str, set[str]] = {}
    for group, split, _, _ in drawn:
        if split is not None:
            sides.setdefault(group, set()).add(split)
    spans = any(len(side) > 1 for side in sides.values())
    bare = any(origin != "observed" and not recipe for _, _, origin, recipe in drawn)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    if spans or bare:
        with pytest.raises(CatalogError):
            check_invariants(table, where="here")
    else:
        check_invariants(table, where="here")


def test_origins_that_a_model_made() -> None:
    assert set(MADE_ORIGINS) < set(ORIGINS)
    assert not set(MADE_ORIGINS) & {"observed", "augmented", "enhanced"}


def test_rejected_is_kept_unless_given_anew(tmp_path: Path) -> None:
    first = [{"source": "s", "path": "p\nq", "reason": "r"}]
    write_catalog(tmp_path, [one(0)], rejected=first)
    write_catalog(tmp_path, [one(1)])
    assert pq.read_table(tmp_path / REJECTED_FILE).to_pylist() == first
    write_rejected(tmp_path, [])
    assert pq.read_table(tmp_path / REJECTED_FILE).num_rows == 0


def test_what_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is not a catalog: it has no catalog.parquet"):
        open_catalog(tmp_path)
    (tmp_path / "catalog.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(CatalogError, match="cannot be read as Parquet"):
        open_catalog(tmp_path)
    pq.write_table(pa.table({"image_id": ["a"]}), tmp_path / "catalog.parquet")
    with pytest.raises(CatalogError, match="lacks the column 'path'"):
        open_catalog(tmp_path)


def test_further_columns_are_left_aside(tmp_path: Path) -> None:
    written = write_catalog(tmp_path, [one(0)])
    more = written.table.append_column("note", pa.array(["x"]))
    pq.write_table(more, tmp_path / "catalog.parquet")
    assert open_catalog(tmp_path).table.column_names == SCHEMA.names


def test_recipes_are_sorted_json() -> None:
    text = one(0, recipe={"z": 1, "a": {"y": 2, "b": 3}})["recipe"]
    assert text == json.dumps({"a": {"b": 3, "y": 2}, "z": 1})
