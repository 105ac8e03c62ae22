"""The folder of a new catalog: whether it is free, making room in it, and names for its files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from parhelion.catalog._table import CATALOG_FILE, Catalog, open_catalog
from parhelion.errors import CatalogError


def check_free(out: Path, overwrite: bool, inputs: Sequence[Catalog | Path | str] = ()) -> None:
    """Raise `CatalogError` if `out` holds a catalog that is to stay, or is one of the inputs."""
    if not (out / CATALOG_FILE).exists():
        return
    if not overwrite:
        raise CatalogError(f"{out} already holds a catalog; give another --out or --overwrite")
    if any(_has_files_in(given, out.resolve()) for given in inputs):
        raise CatalogError(f"--out (={out}) holds what is worked on; give another --out")


def make_room(out: Path) -> None:
    """Remove the catalog in a folder that `check_free` let pass, and what a kill left half written.

    Its table goes before all, so that no table ever names files of another catalog.
    """
    table = out / CATALOG_FILE
    if table.exists():
        files = open_catalog(out).files()
        table.unlink()
        for file in files:
            file.unlink(missing_ok=True)
    for leftover in (out / "images").rglob(".part-*"):
        leftover.unlink()


def stems(catalog: Catalog) -> list[str]:
    """Return a name for what is made of each row: its `image_id`, numbered where rows share one."""
    seen: Counter[str] = Counter()
    names = []
    for image_id in catalog.column("image_id"):
        seen[image_id] += 1
        names.append(image_id if seen[image_id] == 1 else f"{image_id}-{seen[image_id]}")
    return names


def _has_files_in(given: Catalog | Path | str, folder: Path) -> bool:
    if not isinstance(given, Catalog):
        return Path(given).resolve() == folder
    root, inside = given.root.resolve(), f"{folder}/"
    return any(f"{root / path}".startswith(inside) for path in given.column("path"))
