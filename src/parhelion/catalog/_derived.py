"""Images made from others: their rows, and a folder that is free for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parhelion.catalog._table import CATALOG_FILE, row
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


def check_free(out: Path, overwrite: bool) -> None:
    """Raise `CatalogError` if `out` holds a catalog; remove what a kill left half written."""
    if (out / CATALOG_FILE).exists() and not overwrite:
        raise CatalogError(f"{out} already holds a catalog; give another --out or --overwrite")
    for leftover in (out / "images").glob(".part-*"):
        leftover.unlink()
