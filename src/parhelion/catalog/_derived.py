"""Images made from others: their rows, and the catalog of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parhelion.catalog._table import Catalog, row, write_catalog
from parhelion.catalog._words import MADE_ORIGINS
from parhelion.errors import CatalogError


def derived_row(
    parent: Mapping[str, Any],
    origin: str,
    *,
    file: Path,
    image_id: str,
    shape: tuple[int, ...],
    format: str,
    recipe: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the row of an image that was made from another.

    Label, group, split and source are the parent's; so is the origin where a model made the
    parent, for what was done since does not make it less so.
    """
    return row(
        image_id=image_id,
        path=f"{file.parent.name}/{file.name}",
        width=shape[1],
        height=shape[0],
        format=format,
        origin=parent["origin"] if parent["origin"] in MADE_ORIGINS else origin,
        group_id=parent["group_id"],
        parent_id=parent["image_id"],
        label=parent["label"],
        split=parent["split"],
        recipe=recipe,
        source=parent["source"],
    )


def write_derived(
    out: Path,
    source: Catalog,
    rows: Sequence[Mapping[str, Any]],
    rejected: Mapping[str, str],
    *,
    done: str,
) -> Catalog:
    """Write the catalog of what was made from another; its table comes last.

    Parameters
    ----------
    out : Path
        The new catalog's folder; the images are in it.
    source : Catalog
        What was worked on.
    rows : sequence of mappings
        See `derived_row`.
    rejected : mapping of str to str
        Paths of `source` that could not be worked on, and why.
    done : str
        What was to be done, for the error: "altered", say.

    Raises
    ------
    CatalogError
        If there is no row.
    """
    if not rows:
        why = next((f": {path}: {reason}" for path, reason in rejected.items()), "")
        raise CatalogError(f"no image of {source.root} could be {done}{why}")
    lost = [
        {"source": str(source.root), "path": path, "reason": reason}
        for path, reason in rejected.items()
    ]
    return write_catalog(out, rows, rejected=lost)
