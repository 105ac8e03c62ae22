"""``parhelion train``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.detection import DetectorSettings
from parhelion.generation import GanSettings


def gan(
    *,
    data: Path,
    out: Path,
    settings: Annotated[GanSettings, Flat] = GanSettings(),  # noqa: B008
    resume: bool = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a Lightweight GAN on a catalog.

    For example:

        parhelion train gan --data cutouts --config demo-64 --out run
        parhelion train gan --data cutouts --config demo-64 --out run --resume

    Parameters
    ----------
    data
        Catalog of real images; only the train part of a split one is used.
    out
        The run's folder: weights, card, checkpoints, log, sample grids.
    resume
        Go on from the newest checkpoint in `out`.
    """
    from parhelion.generation import train_gan
    from parhelion.training import read_card

    train_gan(data, out, settings, resume=resume)
    card = read_card(out, "gan")
    emit(
        {"model": str(out), **card},
        as_json=json,
        text=f"{out}: generator {card['model_id']} after {card['images_seen']} images "
        f"({card['images_per_second']} per second)",
    )


def detector(
    *,
    data: list[Path],
    out: Path,
    settings: Annotated[DetectorSettings, Flat] = DetectorSettings(),  # noqa: B008
    resume: bool = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a detector of made images on catalogs of real and of made ones.

    For example:

        parhelion split real made
        parhelion train detector --data real --data made --config demo-detector --out detector

    Parameters
    ----------
    data
        Catalogs; together they hold both kinds, split by `parhelion split`.
    out
        The run's folder: weights, card, checkpoints, log, scores.
    resume
        Go on from the newest checkpoint in `out`.
    """
    from parhelion.detection import train_detector
    from parhelion.training import read_card

    train_detector(data, out, settings, resume=resume)
    card = read_card(out, "detector")
    emit({"model": str(out), **card}, as_json=json, text=f"{out}: detector {card['model_id']}")
