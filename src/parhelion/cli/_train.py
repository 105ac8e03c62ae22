"""``parhelion train``"""

from pathlib import Path
from typing import Annotated

from parhelion.augmentation import UpscalerSettings
from parhelion.classification import ClassifierSettings
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.detection import DetectorSettings
from parhelion.generation import DiffusionSettings, GanSettings, LoraSettings


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
    from parhelion.training import read_card, speaks

    train_gan(data, out, settings, resume=resume)
    if not speaks():
        return
    card = read_card(out, "gan")
    emit(
        {"model": str(out), **card},
        as_json=json,
        text=f"{out}: generator {card['model_id']} after {card['images_seen']} images "
        f"({card['images_per_second']} per second)",
    )


def diffusion(
    *,
    data: list[Path],
    out: Path,
    settings: Annotated[DiffusionSettings, Flat] = DiffusionSettings(),  # noqa: B008
    resume: bool = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a diffusion model on catalogs, conditioned on class where that is asked for.

    For example:

        parhelion train diffusion --data galaxies --out run
        parhelion train diffusion --data objects --condition-on label --balance classes --out run
        parhelion generate --model run --count 64 --label nebula --out nebulae

    Parameters
    ----------
    data
        Catalogs of real images; only the train part of split ones is used.
    out
        The run's folder: weights, card, checkpoints, log, sample grids.
    resume
        Go on from the newest checkpoint in `out`.
    """
    from parhelion.generation import train_diffusion
    from parhelion.training import read_card

    train_diffusion(data, out, settings, resume=resume)
    card = read_card(out, "diffusion")
    emit(
        {"model": str(out), **card},
        as_json=json,
        text=f"{out}: diffusion model {card['model_id']} after {card['images_seen']} images",
    )


def lora(
    *,
    data: list[Path],
    base: str,
    out: Path,
    settings: Annotated[LoraSettings, Flat] = LoraSettings(),  # noqa: B008
    resume: bool = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Teach a pretrained Stable Diffusion pipeline your classes (LoRA).

    For example:

        parhelion train lora --data objects --base stable-diffusion-v1-5 --out run
        parhelion train lora --data objects --base hub:OWNER/NAME --rank 16 --out run
        parhelion generate --model run --label nebula --count 16 --out nebulae

    Parameters
    ----------
    data
        Catalogs of labeled images; only the train part of split ones is used.
    base
        The pipeline: a folder that diffusers saved, or hub:OWNER/NAME.
    out
        The run's folder: weights, card, checkpoints, log.
    resume
        Go on from the newest checkpoint in `out`.
    """
    from parhelion.generation import train_lora
    from parhelion.training import read_card

    train_lora(data, base, out, settings, resume=resume)
    card = read_card(out, "lora")
    emit(
        {"model": str(out), **card},
        as_json=json,
        text=f"{out}: LoRA {card['model_id']} after {card['images_seen']} images",
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
        parhelion train detector --data real --data made --config made-detector \\
            --start made-detector --images 40000 --learning-rate 5e-4 --out trained-on

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


def classifier(
    *,
    data: list[Path],
    out: Path,
    settings: Annotated[ClassifierSettings, Flat] = ClassifierSettings(),  # noqa: B008
    resume: bool = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a classifier of what images show on the labels of catalogs.

    For example:

        parhelion split galaxies
        parhelion train classifier --data galaxies --config galaxy-classifier --out classifier
        parhelion train classifier --data objects --backbone resnet18 --out classifier

    Parameters
    ----------
    data
        Labeled catalogs, split by `parhelion split`; judged on observed images only.
    out
        The run's folder: weights, card, checkpoints, log.
    resume
        Go on from the newest checkpoint in `out`.
    """
    from parhelion.classification import train_classifier
    from parhelion.training import read_card

    train_classifier(data, out, settings, resume=resume)
    card = read_card(out, "classifier")
    figures = card["figures"]
    emit(
        {"model": str(out), **card},
        as_json=json,
        text=f"{out}: classifier {card['model_id']}, on {figures['count']} test images accuracy "
        f"{figures['accuracy']:.3f}, macro F1 {figures['macro_f1']:.3f}",
    )


def upscaler(
    *,
    data: list[Path],
    out: Path,
    settings: Annotated[UpscalerSettings, Flat] = UpscalerSettings(),  # noqa: B008
    resume: bool = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a small SwinIR to enlarge images like one's own.

    It learns to undo what a smaller telescope would have done to them: a wider point-spread
    function, larger pixels, the noise of light and of reading out, JPEG.

    For example:

        parhelion split galaxies
        parhelion train upscaler --data galaxies --out upscaler
        parhelion train upscaler --data galaxies --scale 4 --patch 24 --out upscaler-4x
        parhelion train upscaler --data galaxies --config telescope-2 --start telescope-2 --out mine

    Parameters
    ----------
    data
        Catalogs; of split ones the train part is learned from and the validation part watched.
    out
        The run's folder: weights, card, checkpoints, log.
    resume
        Go on from the newest checkpoint in `out`.
    """
    from parhelion.augmentation import train_upscaler
    from parhelion.training import read_card

    train_upscaler(data, out, settings, resume=resume)
    card = read_card(out, "upscaler")
    gain = card["validation"].get("gain")
    watched = "" if gain is None else f", {gain:.2f} dB above bicubic on validation images"
    emit({"model": str(out), **card}, as_json=json, text=f"{out}: {card['model_id']}{watched}")
