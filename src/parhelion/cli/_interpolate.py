"""``parhelion interpolate``"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.cli._seeds import parse_seeds
from parhelion.generation import DEFAULT_MODEL, InterpolateSettings


def interpolate(
    *,
    seeds: str,
    out: Path,
    model: str = DEFAULT_MODEL,
    labels: Annotated[str | None, Parameter(name=("--labels", "--label"))] = None,
    sources: Annotated[str | None, Parameter(name=("--sources", "--source"))] = None,
    settings: Annotated[InterpolateSettings, Flat] = InterpolateSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Walk through latent space from seed to seed, and from class to class: a film or a strip.

    For example:

        parhelion interpolate --seeds 3,14,15 --out walk.gif
        parhelion interpolate --seeds 7 --labels spiral,elliptical,edge_on --out morph.mp4
        parhelion interpolate --model run --seeds 0..4 --frames 10 --scale 2 --out strip.png

    Parameters
    ----------
    seeds
        Seeds to visit in turn, such as 3,14,15 or 0..4; one is enough where --labels or --sources
        has several.
    out
        File to write: .gif or .mp4 for a film; .png, .jpg, .webp or .tif for a strip, a row of
        frames from each stop to the next.
    model
        Folder of a trained generator, or the name of one that ships.
    labels
        Class at each stop with commas between, or one for all; that of the first seed when not
        given.
    sources
        Survey at each stop with commas between, or one for all; that of the first seed when not
        given.
    """
    from parhelion.generation import interpolate as run

    stops = parse_seeds(seeds)
    named = {"labels": _names(labels), "sources": _names(sources)}
    path = run(model, stops, out, settings, **named)
    kind = "film" if path.suffix.lower() in (".gif", ".mp4") else "strip"
    emit({kind: str(path), "seeds": stops, **named}, as_json=json, text=str(path))


def _names(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []
