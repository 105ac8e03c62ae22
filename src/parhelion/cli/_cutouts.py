"""``parhelion cutouts``"""

from pathlib import Path
from typing import Annotated

from parhelion.catalog import CutoutSettings
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json


def cutouts(
    fields: list[Path],
    /,
    *,
    out: Path,
    settings: Annotated[CutoutSettings, Flat] = CutoutSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Detect the sources of wide fields and cut them out, a catalog row for each.

    For example:

        parhelion cutouts hubble.jpg --out cutouts
        parhelion cutouts field-1.fits field-2.fits --out cutouts --max-size 128

    Parameters
    ----------
    fields
        Wide images: any format that `ingest` reads.
    out
        Folder of the new catalog.
    """
    from parhelion.catalog import cutouts as run

    catalog = run(fields, out, settings)
    groups = len(set(catalog.column("group_id")))
    emit(
        {"catalog": str(out), "images": len(catalog), "groups": groups},
        as_json=json,
        text=f"{out}: {len(catalog)} cut-outs in {groups} groups",
    )
