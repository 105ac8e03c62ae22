"""``parhelion sheet``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.cli._seeds import parse_seeds
from parhelion.generation import DEFAULT_MODEL, SheetSettings


def sheet(
    *,
    out: Path,
    model: str = DEFAULT_MODEL,
    seeds: str | None = None,
    settings: Annotated[SheetSettings, Flat] = SheetSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Draw a contact sheet with seeds printed, or a sweep: one seed to a row, a class to a column.

    For example:

        parhelion sheet --seeds 0..63 --out sheet.png
        parhelion sheet --count 100 --seed 500 --label spiral --columns 10 --out spirals.png
        parhelion sheet --model galaxies-64-efigi --sweep label --out classes.png
        parhelion sheet --model run --seeds 3,14,15 --sweep truncation --out truncation.png
        parhelion sheet --model diffusion --sweep label --guidance 2 --out classes.png

    Parameters
    ----------
    out
        File to write: .png, .jpg, .webp or .tif.
    model
        Folder of a trained generator, or the name of one that ships.
    seeds
        Seeds to show, such as 3,14,15 or 0..63, in place of --count and --seed.
    """
    from parhelion.generation import sheet as run

    chosen = None if seeds is None else parse_seeds(seeds)
    path = run(model, out, settings, seeds=chosen)
    emit({"sheet": str(path), "sweep": settings.sweep}, as_json=json, text=str(path))
