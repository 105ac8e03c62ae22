"""``parhelion measure``"""

from pathlib import Path
from typing import Annotated, Any

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.measurement import MeasureFieldSettings, MeasureGeneratorSettings


def generator(
    *,
    real: Path,
    generated: Path,
    out: Path | None = None,
    settings: Annotated[MeasureGeneratorSettings, Flat] = MeasureGeneratorSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Compare made images with real ones: distances, copies, spectra.

    For example:

        parhelion measure generator --real cutouts --generated made --out measured
        parhelion measure generator --real cutouts --generated made --json

    Parameters
    ----------
    real
        Catalog of real images.
    generated
        Catalog of made images.
    out
        Folder for the figures, as JSON.
    """
    from parhelion.measurement import measure_generator

    figures = measure_generator(real, generated, out, settings)
    emit(figures, as_json=json, text=_lines(figures))


def field(
    view: Path,
    /,
    *,
    settings: Annotated[MeasureFieldSettings, Flat] = MeasureFieldSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Detect the sources of a wide view and compare them with its truth catalog.

    For example:

        parhelion measure field sky
        parhelion measure field sky --json

    Parameters
    ----------
    view
        Folder that `parhelion widefield` wrote.
    """
    from parhelion.measurement import measure_field

    figures = measure_field(view, settings)
    emit(figures, as_json=json, text=_lines(figures))


def detector(
    *,
    model: Path,
    data: list[Path],
    split: str = "test",
    out: Path | None = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Measure a detector on catalogs: accuracy, ROC, calibration, with intervals.

    For example:

        parhelion measure detector --model detector --data real --data made
        parhelion measure detector --model detector --data real --data made --json

    Parameters
    ----------
    model
        Folder of a trained detector.
    data
        Catalogs that together hold real and made images.
    split
        Part of the catalogs to judge.
    out
        Folder for the figures, as JSON.
    """
    from parhelion.measurement import measure_detector

    figures = measure_detector(model, data, out, split=split)
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
