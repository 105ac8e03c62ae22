"""``parhelion measure``"""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.measurement import (
    MeasureFieldSettings,
    MeasureGeneratorSettings,
    MeasureMemorisationSettings,
)

# As `Flat`, and a flag takes several values: ``--zoom 0.5 2``.
_FLAT_LISTS = Parameter(name="*", consume_multiple=True)


def generator(
    *,
    real: Path,
    generated: list[Path],
    out: Path | None = None,
    settings: Annotated[MeasureGeneratorSettings, Flat] = MeasureGeneratorSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Compare made images with real ones: distances, classes, colors, shapes, copies.

    For example:

        parhelion measure generator --real cutouts --generated made --out measured
        parhelion measure generator --real zoo --crop-real 0.5 --split test --generated made
        parhelion measure generator --real zoo --generated ours --generated theirs --json

    Parameters
    ----------
    real
        Catalog of real images.
    generated
        Catalog of made images; several stand side by side.
    out
        Folder for the figures, as JSON, and the page `index.html`.
    """
    from parhelion.measurement import measure_generator

    figures = measure_generator(real, generated, out, settings)
    if out is not None:
        from parhelion.reporting import measure_page

        measure_page(out)
    emit(figures, as_json=json, text=_lines(figures))


def field(
    view: Path,
    /,
    *,
    out: Path | None = None,
    settings: Annotated[MeasureFieldSettings, _FLAT_LISTS] = MeasureFieldSettings(),  # noqa: B008
    catalog: Path | None = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Detect the sources of a wide view, zoomed too, and compare them with its truth catalog.

    For example:

        parhelion measure field sky
        parhelion measure field sky --out measured --zoom 0.25 0.5 2 4
        parhelion measure field sky --out measured --onnx galaxies.onnx --json

    Parameters
    ----------
    view
        Folder that `parhelion widefield` wrote.
    out
        Folder for the figures as JSON, a page about them, the detections, and pictures with found,
        missed and spurious sources outlined.
    catalog
        Where the catalog of galaxies is now, if not where it was; needed for views that are only
        deep-zoom tiles or FITS, or a PNG of more than 300 megapixels.
    """
    from parhelion.measurement import measure_field

    figures = measure_field(view, settings, out, catalog=catalog)
    if out is not None:
        from parhelion.reporting import report

        report([out], out / "field.html")
    wanted = ("galaxies", "completeness", "completeness_interval", "purity", "purity_interval")
    zoomed = {f"zoom {z['zoom']:g}": {key: z[key] for key in wanted} for z in figures["zooms"]}
    emit(figures, as_json=json, text=_lines({**figures, **zoomed}))


def detector(
    *,
    model: Path,
    data: list[Path],
    split: Literal["test", "validation", "train", "all"] = "test",
    chain: str | None = None,
    out: Path | None = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Measure a detector on catalogs: accuracy, ROC, calibration, with intervals.

    For example:

        parhelion measure detector --model detector --data real --data made
        parhelion measure detector --model made-detector --data real --data made --split all
        parhelion measure detector --model detector --data real --data made --chain jpeg-75 --json

    Parameters
    ----------
    model
        Folder of a trained detector, or made-detector, which ships.
    data
        Catalogs that together hold real and made images.
    split
        Part of the catalogs to judge; all also takes catalogs that are not split.
    chain
        What both classes go through first: plain (JPEG 90), jpeg-75, resize-70 or
        resize-70-jpeg-75; files as they are when not given.
    out
        Folder for the figures, as JSON.
    """
    from parhelion.measurement import measure_detector

    part = None if split == "all" else split
    figures = measure_detector(model, data, out, split=part, chain=chain)
    emit(figures, as_json=json, text=_lines(figures))


def classifier(
    *,
    model: str,
    data: list[Path],
    split: Literal["test", "validation", "train"] = "test",
    out: Path | None = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Measure a classifier on catalogs: accuracy, F1, each class, calibration, with intervals.

    For example:

        parhelion measure classifier --model classifier --data galaxies
        parhelion measure classifier --model galaxy-classifier --data galaxies --json

    Parameters
    ----------
    model
        Folder of a trained classifier, or the name of one that ships.
    data
        Labeled catalogs, split; observed images are judged.
    split
        Part of the catalogs to judge.
    out
        Folder for the figures, as JSON, and each image's probabilities.
    """
    from parhelion.measurement import measure_classifier

    figures = measure_classifier(model, data, out, split=split)
    emit(figures, as_json=json, text=_lines(figures))


def memorisation(
    *,
    real: Path,
    generated: Path,
    out: Path | None = None,
    keep: Path | None = None,
    settings: Annotated[MeasureMemorisationSettings, Flat] = MeasureMemorisationSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Find the real images most like every made one, and flag the copies.

    For example:

        parhelion measure memorisation --real cutouts --generated made --out copies
        parhelion measure memorisation --real cutouts --generated made --dihedral --keep fresh

    Parameters
    ----------
    real
        Catalog of the real images that the generator may have seen.
    generated
        Catalog of made images.
    out
        Folder for the figures as JSON, all neighbors as Parquet, and a picture.
    keep
        Folder of a new catalog, with the made images that are not flagged.
    """
    from parhelion.measurement import measure_memorisation

    figures = measure_memorisation(real, generated, out, settings, keep=keep)
    emit(figures, as_json=json, text=_lines(figures))


def _lines(figures: dict[str, Any], prefix: str = "") -> str:
    """Show the numbers of a result, a line each; lists are left to ``--json``."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(_lines(value, f"{prefix}{name}."))
        elif isinstance(value, list) and len(value) == 2 and isinstance(value[0], (int, float)):
            lines.append(f"{prefix}{name}: {value[0]:.4g} to {value[1]:.4g}")
        elif isinstance(value, float):
            lines.append(f"{prefix}{name}: {value:.4g}")
        elif isinstance(value, (int, str)):
            lines.append(f"{prefix}{name}: {value}")
    return "\n".join(line for line in lines if line)


def upscaler(
    *,
    model: Path,
    data: list[Path],
    out: Path | None = None,
    split: Literal["test", "validation", "train", "all"] = "test",
    count: int | None = None,
    plain: bool = False,
    lpips: Path | None = None,
    seed: int = 0,
    json: Json = False,
) -> None:
    """Measure an upscaler on images made smaller, beside bicubic and Lanczos interpolation.

    For example:

        parhelion measure upscaler --model upscaler --data galaxies
        parhelion measure upscaler --model upscaler --data galaxies --plain --json

    Parameters
    ----------
    model
        File of weights or folder of a trained upscaler.
    data
        Catalogs; only their observed images are used.
    out
        Folder for upscaler.json.
    split
        Part of the catalogs; all also takes catalogs that are not split.
    count
        Most images of a catalog.
    plain
        Make images smaller with a bicubic filter instead of as a smaller telescope would.
    lpips
        Weights of torchvision's squeezenet1_1, for the learned perceptual distance.
    seed
        Of noise and bootstrap.
    """
    from parhelion.measurement import measure_upscaler

    part = None if split == "all" else split
    found = measure_upscaler(
        model, data, out, split=part, count=count, plain=plain, lpips=lpips, seed=seed
    )
    lines = [f"{found['images']} images, {found['scale']}x, made smaller: {found['made_smaller']}"]
    for name in ("ours", "bicubic", "lanczos"):
        cells = ", ".join(
            f"{figure} {value['mean']:.3f}" if value["mean"] is not None else f"{figure} -"
            for figure, value in found[name].items()
        )
        lines.append(f"{name:8} {cells}")
    gain = found["gain"]["over_bicubic"]
    low, high = gain["interval"]
    lines.append(f"gain over bicubic {gain['mean']:.2f} dB [{low:.2f}, {high:.2f}]")
    stored = {"of JPEGs": found["stored"]["jpeg"], "of others": found["stored"]["exact"]}
    if all(kind["images"] for kind in stored.values()):
        lines += [
            f"  {what} {kind['mean']:.2f} dB, {kind['images']} images"
            for what, kind in stored.items()
        ]
    emit(found, as_json=json, text="\n".join(lines))
