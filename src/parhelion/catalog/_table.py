"""The catalog's table: its columns, its invariants, reading and atomic writing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parhelion._files import atomic_path
from parhelion.catalog._words import ORIGINS, SPLITS
from parhelion.errors import CatalogError

CATALOG_FILE = "catalog.parquet"
REJECTED_FILE = "rejected.parquet"

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("parent_id", pa.string()),
        pa.field("group_id", pa.string(), nullable=False),
        pa.field("split", pa.string()),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("recipe", pa.string()),
        pa.field("source", pa.string()),
    ]
)
REJECTED_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Catalog:
    """Images in a folder, and the table that describes them.

    Attributes
    ----------
    root : Path
        The folder.
    table : pyarrow.Table
        One row per image, with the columns of the design; may be a selection.
    """

    root: Path
    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """Return one column as a list of Python values."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def rows(self) -> list[dict[str, Any]]:
        """Return the table as a list of mappings; `recipe` stays JSON text."""
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    def recipes(self) -> list[dict[str, Any]]:
        """Return the decoded recipe of every row, an empty mapping where there is none."""
        return [json.loads(text) if text else {} for text in self.column("recipe")]

    def files(self) -> list[Path]:
        """Return the path of every image."""
        return [self.root / path for path in self.column("path")]

    def select(self, **values: str | Sequence[str]) -> "Catalog":
        """Return the rows whose columns have the given value, or one of the given values.

        Examples
        --------
        >>> catalog.select(split="test", origin=("gan", "diffusion"))  # doctest: +SKIP
        """
        table = self.table
        for name, wanted in values.items():
            allowed = [wanted] if isinstance(wanted, str) else list(wanted)
            table = table.filter(pc.is_in(table[name], value_set=pa.array(allowed, pa.string())))
        return Catalog(self.root, table)

    def replaced(self, **values: str | Sequence[str | None]) -> "Catalog":
        """Return the same rows with other values in columns of text: one for all, or a list.

        Nothing is checked; see `check_invariants`.
        """
        table = self.table
        for name, wanted in values.items():
            place = table.schema.get_field_index(name)
            new = [wanted] * len(self) if isinstance(wanted, str) else list(wanted)
            table = table.set_column(place, table.schema.field(place), pa.array(new, pa.string()))
        return Catalog(self.root, table)


def row(
    *,
    image_id: str,
    path: str,
    width: int,
    height: int,
    format: str,
    origin: str = "observed",
    group_id: str | None = None,
    label: str | None = None,
    parent_id: str | None = None,
    split: str | None = None,
    recipe: Mapping[str, Any] | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    """Return one row; `group_id` is the image itself unless it descends from another."""
    return {
        "image_id": image_id,
        "path": path,
        "label": label,
        "origin": origin,
        "parent_id": parent_id,
        "group_id": group_id or image_id,
        "split": split,
        "width": width,
        "height": height,
        "format": format,
        "recipe": None if recipe is None else json.dumps(recipe, sort_keys=True),
        "source": source,
    }


def open_catalog(root: Path | str) -> Catalog:
    """Open the catalog in folder `root`.

    Raises
    ------
    CatalogError
        If there is no readable catalog there, or it breaks an invariant.
    """
    root = Path(root)
    path = root / CATALOG_FILE
    if not path.is_file():
        raise CatalogError(
            f"{root} is not a catalog: it has no {CATALOG_FILE}; "
            f"make one with `parhelion ingest {root} --out CATALOG`"
        )
    try:
        table = pq.read_table(path, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{path} cannot be read as Parquet: {error}") from error
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise CatalogError(f"{path} lacks the column {missing[0]!r}; it is not a catalog's table")
    table = table.select(SCHEMA.names).cast(SCHEMA)
    check_invariants(table, where=str(path))
    return Catalog(root, table)


def write_catalog(
    root: Path | str,
    rows: Iterable[Mapping[str, Any]] | pa.Table,
    *,
    rejected: Sequence[Mapping[str, str]] | None = None,
) -> Catalog:
    """Check the invariants, then write the tables of the catalog in folder `root`.

    Parameters
    ----------
    root : Path
        The folder; the images that `rows` name are already in it.
    rows : iterable of mappings or pyarrow.Table
        See `row`.
    rejected : sequence of mappings, optional
        `source`, `path` and `reason` of what could not be taken in. When it is None, an
        existing ``rejected.parquet`` is left as it is.

    Raises
    ------
    CatalogError
        If a group would span two splits, or a row that is not observed has no recipe.
    """
    root = Path(root)
    if not isinstance(rows, pa.Table):
        rows = pa.Table.from_pylist([dict(item) for item in rows], schema=SCHEMA)
    check_invariants(rows, where=str(root / CATALOG_FILE))
    root.mkdir(parents=True, exist_ok=True)
    if rejected is not None:
        write_rejected(root, rejected)
    _write_table(root / CATALOG_FILE, rows)
    return Catalog(root, rows)


def write_rejected(root: Path | str, rejected: Sequence[Mapping[str, str]]) -> None:
    """Write what could not be taken in; see `write_catalog`, which does it beside its table."""
    table = pa.Table.from_pylist([dict(item) for item in rejected], schema=REJECTED_SCHEMA)
    _write_table(Path(root) / REJECTED_FILE, table)


def check_invariants(table: pa.Table, *, where: str) -> None:
    """Raise `CatalogError` unless the table keeps the catalog's promises.

    No group spans two splits; every row that is not observed has a recipe; origins and
    splits are known words; paths are unique and stay inside the catalog.
    """
    for name, known in (("origin", ORIGINS), ("split", SPLITS)):
        found = set(table.column(name).unique().to_pylist()) - {None, *known}
        if found:
            raise CatalogError(
                f"{name} {sorted(found)[0]!r} in {where} is none of {', '.join(known)}"
            )
    pairs = table.select(["group_id", "split"]).filter(pc.is_valid(table["split"]))
    counts = pairs.group_by("group_id").aggregate([("split", "count_distinct")])
    spanning = counts.filter(pc.greater(counts["split_count_distinct"], 1))
    if spanning.num_rows:
        raise CatalogError(
            f"group {spanning['group_id'][0].as_py()!r} in {where} spans more than one split "
            f"({spanning.num_rows} such groups); split again with `parhelion split`"
        )
    bare = table.filter(
        pc.and_(pc.not_equal(table["origin"], "observed"), pc.is_null(table["recipe"]))
    )
    if bare.num_rows:
        raise CatalogError(
            f"{bare['path'][0].as_py()!r} in {where} is {bare['origin'][0].as_py()!r} "
            f"but has no recipe ({bare.num_rows} such rows)"
        )
    paths = table.column("path").to_pylist()
    if len(set(paths)) != len(paths):
        raise CatalogError(f"{where} names a path twice; every row needs a file of its own")
    for path in paths:
        if path.startswith("/") or ".." in path.split("/"):
            raise CatalogError(f"path {path!r} in {where} leads out of the catalog")


def _write_table(path: Path, table: pa.Table) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
