"""``parhelion vary``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit_catalog
from parhelion.cli._options import Config, Flat, Json
from parhelion.generation import VarySettings


def vary(
    data: Path,
    *,
    model: str,
    out: Path,
    settings: Annotated[VarySettings, Flat] = VarySettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Make variations of images with a diffusion model: part of the way to noise, and back.

    Of a split catalog only the train part is varied. Each row of the new catalog names its parent
    and stays in its parent's group and split.

    For example:

        parhelion train diffusion --data objects --condition-on label --out run
        parhelion vary objects --model run --strength 0.4 --out variations
        parhelion vary objects --model run --copies 4 --out variations

    Parameters
    ----------
    data
        Catalog of images.
    model
        Folder of a trained diffusion model; or a pipeline: a folder that diffusers saved, or
        hub:OWNER/NAME.
    out
        Folder of the new catalog.
    """
    from parhelion.generation import vary as run

    emit_catalog(run(model, data, out, settings), as_json=json)
