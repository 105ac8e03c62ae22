"""``parhelion interpolate``"""

from pathlib import Path
from typing import Annotated

from parhelion._settings import require
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.generation import InterpolateSettings


def interpolate(
    *,
    model: Path,
    seeds: str,
    out: Path,
    settings: Annotated[InterpolateSettings, Flat] = InterpolateSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Film a walk through latent space, from seed to seed and back, as GIF or MP4.

    For example:

        parhelion interpolate --model run --seeds 3,14,15 --out walk.gif
        parhelion interpolate --model run --seeds 1,2 --frames 96 --scale 8 --out walk.mp4

    Parameters
    ----------
    model
        Folder of a trained generator.
    seeds
        Seeds to visit in turn, with commas between; the walk returns to the first.
    out
        File to write, .gif or .mp4.
    """
    from parhelion.generation import interpolate as run

    path = run(model, _numbers(seeds), out, settings)
    emit({"film": str(path), "seeds": _numbers(seeds)}, as_json=json, text=str(path))


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    require(all(part.isdecimal() for part in parts), "seeds", text, "be numbers such as 3,14,15")
    return [int(part) for part in parts]
