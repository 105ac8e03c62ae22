"""``parhelion ingest``"""

from pathlib import Path
from typing import Annotated

from parhelion.catalog import IngestSettings
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json


def ingest(
    sources: list[Path],
    /,
    *,
    out: Path,
    settings: Annotated[IngestSettings, Flat] = IngestSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Take images into a catalog: folders, FITS, zip and tar archives, single files.

    A sub-folder's name becomes its images' label. What cannot be read is listed, with the
    reason, in rejected.parquet.

    For example:

        parhelion ingest galaxies/ --out catalog
        parhelion ingest m51.fits survey.tar.gz --out catalog --json

    Parameters
    ----------
    sources
        Folders, archives or image files.
    out
        Folder of the new catalog.
    """
    from collections import Counter

    import pyarrow.parquet as pq

    from parhelion.catalog import ingest as run

    catalog = run(sources, out, settings)
    rejected = pq.read_table(out / "rejected.parquet").num_rows
    labels = Counter(label for label in catalog.column("label") if label)
    groups = len(set(catalog.column("group_id")))
    emit(
        {
            "catalog": str(out),
            "images": len(catalog),
            "groups": groups,
            "rejected": rejected,
            "labels": dict(sorted(labels.items())),
        },
        as_json=json,
        text=f"{out}: {len(catalog)} images in {groups} groups, {len(labels)} labels, "
        f"{rejected} files rejected",
    )
