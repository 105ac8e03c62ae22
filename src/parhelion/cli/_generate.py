"""``parhelion generate``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.generation import GenerateSettings


def generate(
    *,
    model: Path,
    out: Path,
    settings: Annotated[GenerateSettings, Flat] = GenerateSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Draw images from a trained generator into a catalog; a seed always gives its image.

    For example:

        parhelion generate --model run --count 64 --out made
        parhelion generate --model run --count 16 --seed 1000 --label spiral --out spirals

    Parameters
    ----------
    model
        Folder of a trained generator.
    out
        Folder of the new catalog.
    """
    from parhelion.generation import generate as run

    catalog = run(model, out, settings)
    emit(
        {"catalog": str(out), "images": len(catalog), "seed": settings.seed},
        as_json=json,
        text=f"{out}: {len(catalog)} images, seeds {settings.seed} to "
        f"{settings.seed + len(catalog) - 1}",
    )
