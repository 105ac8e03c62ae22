"""``parhelion augment``"""

from pathlib import Path
from typing import Annotated

from parhelion.augmentation import AugmentSettings
from parhelion.cli._main import emit_catalog
from parhelion.cli._options import Config, Flat, Json


def augment(
    data: Path,
    *,
    out: Path,
    settings: Annotated[AugmentSettings, Flat] = AugmentSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Alter the images of a catalog in the standard ways: flip, color, crop and so on.

    Of a split catalog only the train part is altered. Each row of the new catalog names its
    parent, stays in its parent's group and split, and says what was done to it.

    For example:

        parhelion augment objects --out more
        parhelion augment objects --changes flip --changes rotation --copies 3 --out more
        parhelion augment objects --together --copies 6 --out more

    Parameters
    ----------
    data
        Catalog of images.
    out
        Folder of the new catalog.
    """
    from parhelion.augmentation import augment as run

    emit_catalog(run(data, out, settings), as_json=json)
