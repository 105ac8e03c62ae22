"""``parhelion generate``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.generation import DEFAULT_MODEL, GenerateSettings


def generate(
    *,
    out: Path,
    model: str = DEFAULT_MODEL,
    settings: Annotated[GenerateSettings, Flat] = GenerateSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Draw images from a trained generator into a catalog; a seed always gives its image.

    Run again after an interruption, it goes on where it was.

    For example:

        parhelion generate --count 64 --out made
        parhelion generate --model galaxies-64-efigi --count 16 --label spiral --out spirals
        parhelion generate --model run --count 1000 --truncation 0.8 --out typical
        parhelion generate --model hub:thu-ml/unidiffuser-v1 --label comet --count 8 --out comets

    Parameters
    ----------
    out
        Folder of the new catalog.
    model
        Folder of a trained generator, or the name of one that ships; or a text-to-image pipeline:
        a folder that diffusers saved, or hub:OWNER/NAME.
    """
    from parhelion.generation import generate as run

    catalog = run(model, out, settings)
    emit(
        {
            "catalog": str(out),
            "images": len(catalog),
            "seed": settings.seed,
            "model_id": catalog.recipes()[0]["model_id"],
        },
        as_json=json,
        text=f"{out}: {len(catalog)} images, seeds {settings.seed} to "
        f"{settings.seed + len(catalog) - 1}",
    )
