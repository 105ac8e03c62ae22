"""The truth table for the page: columns of rounded numbers in script files, by cells of the sky.

Scripts, since a page that was opened from a folder may not fetch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from parhelion._files import write_text

_ONE_FILE = 200_000  # objects; more are divided
_PER_CELL = 25_000
_REACH = 3  # an object's ellipse on the page, in semi-axes

# Column of the page, column of the table, and decimals that are kept.
_NUMBERS = (
    ("x", "x", 2),
    ("y", "y", 2),
    ("a", "a", 2),
    ("b", "b", 2),
    ("theta", "theta", 3),
    ("flux", "flux", 1),
    ("peak", "peak", 1),
    ("zoom", "zoom", 3),
)
# What objects of one stamp share; they are written once.
_SHARED = (
    ("kind", "kind"),
    ("image", "image_id"),
    ("path", "path"),
    ("label", "label"),
    ("parent", "parent_id"),
    ("origin", "origin"),
    ("source", "source"),
    ("model", "model_id"),
    ("seed", "model_seed"),
)


def write_payload(
    folder: Path, table: pa.Table, *, width: int, height: int, sprites: Mapping[str, int]
) -> dict[str, Any]:
    """Write the truth table as scripts and return what the page must know to load them.

    Parameters
    ----------
    folder : Path
        Where the scripts go.
    table : pyarrow.Table
        Truth table; see `truth_table`. Columns that it lacks are left out.
    width, height : int
        Size of the view.
    sprites : mapping
        Number of the thumbnail by a stamp's path.

    Returns
    -------
    plan : dict
        ``cell`` (side of a cell in pixels), ``rows`` and ``columns`` of cells, ``counts`` (objects
        by cell that has any), ``reach`` (longest ellipse), ``total`` and ``index`` (name of the
        script that says which cell holds an object, or None).
    """
    total = table.num_rows
    side = max(width, height)
    if total > _ONE_FILE:
        side = max(64, round((width * height * _PER_CELL / total) ** 0.5))
    rows, columns = -(-height // side), -(-width // side)
    cells = _cells(table, side, rows, columns)
    order = np.argsort(cells, kind="stable")
    held, starts = np.unique(cells[order], return_index=True)
    counts = {}
    for cell, part in zip(held, np.split(order, starts[1:]), strict=True):
        name = f"truth-{cell // columns}-{cell % columns}"
        counts[name] = len(part)
        _write(folder, name, _content(table.take(pa.array(part)), sprites))
    if len(counts) > 1:
        index = {
            "ids": table["object_id"].to_pylist(),
            "cells": np.searchsorted(held, cells).tolist(),
            "names": list(counts),
        }
        _write(folder, "truth-index", index)
    return {
        "cell": side,
        "rows": rows,
        "columns": columns,
        "counts": counts,
        "reach": float(np.ceil(_REACH * _column(table, "a").max(initial=0.0))),
        "total": total,
        "index": "truth-index" if len(counts) > 1 else None,
    }


def _cells(table: pa.Table, side: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Return the cell of each object; what is beyond the view's edge is in the nearest."""
    row = np.clip(_column(table, "y") // side, 0, rows - 1)
    column = np.clip(_column(table, "x") // side, 0, columns - 1)
    return (row * columns + column).astype(np.int64)


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table[name].to_numpy(zero_copy_only=False)
    return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)


def _content(table: pa.Table, sprites: Mapping[str, int]) -> dict[str, Any]:
    names = set(table.column_names)
    columns: dict[str, Any] = {"id": table["object_id"].to_pylist()}
    for name, source, decimals in _NUMBERS:
        if source in names:
            columns[name] = np.round(_column(table, source), decimals).tolist()
    if "rotation" in names:
        turns = np.degrees(_column(table, "rotation")) % 360
        columns["turn"] = np.round(turns, 1).tolist()
    if "flipped" in names:
        columns["flipped"] = _column(table, "flipped").astype(int).tolist()
    stamps, numbers = _stamps(table)
    columns["stamp"] = numbers.tolist()
    for stamp in stamps:
        if stamp.get("path") in sprites:
            stamp["sprite"] = sprites[stamp["path"]]
    return {"columns": columns, "stamps": stamps}


def _stamps(table: pa.Table) -> tuple[list[dict[str, Any]], NDArray[np.int64]]:
    """Return what objects share, once for each kind of sharing, and its number by object."""
    present = [(name, source) for name, source in _SHARED if source in table.column_names]
    key = np.zeros(table.num_rows, np.int64)
    for _, source in present:
        coded = table[source].combine_chunks().dictionary_encode(null_encoding="encode")
        codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        # Numbered anew after each column, so that the key stays small.
        _, key = np.unique(key * (len(coded.dictionary) + 1) + codes, return_inverse=True)
    _, first, numbers = np.unique(key, return_index=True, return_inverse=True)
    shared = table.select([source for _, source in present]).take(pa.array(first)).to_pylist()
    return [
        {name: row[source] for name, source in present if row[source] is not None} for row in shared
    ], numbers


def _write(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    write_text(folder / f"{name}.js", f'parhelion("{name}",{text});\n')
