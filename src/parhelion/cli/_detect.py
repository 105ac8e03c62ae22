"""``parhelion detect``"""

import json as json_format
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from parhelion.cli._options import Config, Flat, Json
from parhelion.detection import DetectSettings


def detect(
    sources: list[Path],
    /,
    *,
    model: Path,
    settings: Annotated[DetectSettings, Flat] = DetectSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Say of images whether a model made them, how sure that is, and show why.

    With --json, one object per line: path, probability_made (0 to 1, calibrated; null where a
    file cannot be read), verdict (made, observed or cannot tell) and note.

    For example:

        parhelion detect picture.jpg --model detector --explain why
        parhelion detect folder/ catalog/ --model detector --json

    Parameters
    ----------
    sources
        Image files, folders or catalogs.
    model
        Folder of a trained detector.
    """
    from parhelion.detection import detect as run

    for verdict in run(sources, model, settings):
        if json:
            print(json_format.dumps(asdict(verdict)), flush=True)
        else:
            chance = verdict.probability_made
            shown = "   -" if chance is None else f"{chance:4.2f}"
            note = f"  ({verdict.note})" if verdict.note else ""
            print(f"{shown}  {verdict.verdict:<11}  {verdict.path}{note}", flush=True)
