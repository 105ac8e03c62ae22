"""``parhelion screen``"""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from parhelion.catalog import ScreenSettings
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json


def screen(
    data: Path,
    *,
    out: Path | None = None,
    settings: Annotated[ScreenSettings, Flat] = ScreenSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """List what is unfit to learn from: tiny, blank, lettered, double or unreadable images.

    For example:

        parhelion screen objects
        parhelion screen objects --out fit
        parhelion screen objects --reasons tiny --reasons blank --out fit

    Parameters
    ----------
    data
        Catalog of images; it is left as it is.
    out
        Folder of a catalog without them; its rejected.parquet says why.
    """
    from parhelion.catalog import screen as run

    found = run(data, out, settings)
    counts = dict(sorted(Counter(finding.reason for finding in found).items()))
    lines = [f"{finding.path}: {finding.reason}, {finding.detail}" for finding in found]
    summary = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    emit(
        {"catalog": str(data), "counts": counts, "found": [asdict(finding) for finding in found]},
        as_json=json,
        text="\n".join([*lines, summary or f"{data}: nothing unfit"]),
    )
