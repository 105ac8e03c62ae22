"""``parhelion split``"""

from pathlib import Path
from typing import Annotated

from parhelion.catalog import SplitSettings
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json


def split(
    catalogs: list[Path],
    /,
    *,
    settings: Annotated[SplitSettings, Flat] = SplitSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Split catalogs into train, validation and test, by group and stratified by label.

    Several catalogs are split together, so that a group they share lands on one side.

    For example:

        parhelion split catalog
        parhelion split real made --train 0.8 --validation 0.1 --test 0.1 --seed 3

    Parameters
    ----------
    catalogs
        Folders of the catalogs; their tables are rewritten in place.
    """
    from collections import Counter

    from parhelion.catalog import split as run

    results = run(catalogs, settings)
    counts = {str(c.root): dict(Counter(c.column("split"))) for c in results}
    lines = [
        f"{root}: " + ", ".join(f"{n} {part}" for part, n in sorted(parts.items()))
        for root, parts in counts.items()
    ]
    emit({"splits": counts}, as_json=json, text="\n".join(lines))
