"""Verdicts as a table on disk: Parquet in row groups, or JSON lines; whole or not there."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from parhelion._files import atomic_path
from parhelion.detection._verdict import Verdict
from parhelion.provenance import mark_text

_GROUP = 1 << 16  # rows in memory at a time

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("part", pa.string()),
        pa.field("probability_made", pa.float64()),
        pa.field("logit", pa.float64()),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("note", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
    ]
)


def write_table(path: Path, verdicts: Iterable[Verdict], recipe: Mapping[str, Any]) -> None:
    """Write verdicts atomically, in the format of the suffix; memory does not grow with them.

    Parameters
    ----------
    path : Path
        ``.parquet``, with the columns of `SCHEMA` and `recipe` in its metadata; or ``.jsonl``,
        the lines of `Verdict.json`.
    verdicts : iterable of Verdict
        In the order of the rows.
    recipe : mapping
        What gave them: model and settings; JSON-serializable.
    """
    with atomic_path(path) as temporary:
        if path.suffix == ".jsonl":
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(f"{verdict.json()}\n" for verdict in verdicts)
            return
        schema = SCHEMA.with_metadata({"parhelion": mark_text(recipe, made=False)})
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for group in _groups(verdicts):
                rows = [dataclasses.asdict(verdict) for verdict in group]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _groups(verdicts: Iterable[Verdict]) -> Iterator[list[Verdict]]:
    source = iter(verdicts)
    while group := list(islice(source, _GROUP)):
        yield group
