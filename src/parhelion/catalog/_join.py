"""Several catalogs seen as one, without a file being moved."""

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from parhelion.catalog._table import Catalog, open_catalog


def joined(catalogs: Sequence[Catalog | Path | str]) -> Catalog:
    """Return the rows of catalogs as one, below the folder that all of them lie in.

    Parameters
    ----------
    catalogs : sequence of Catalog or Path
        One at least.

    Returns
    -------
    whole : Catalog
        In memory alone; whether the invariants hold across catalogs is not checked.
    """
    opened = [item if isinstance(item, Catalog) else open_catalog(item) for item in catalogs]
    root = Path(os.path.commonpath([item.root.resolve() for item in opened]))
    tables = []
    for item in opened:
        below = item.root.resolve().relative_to(root)
        paths = [str(below / path) for path in item.column("path")]
        tables.append(item.replaced(path=paths).table)
    return Catalog(root, pa.concat_tables(tables))
