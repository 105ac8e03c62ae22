"""``parhelion inspect``"""

from pathlib import Path

from parhelion.cli._main import emit
from parhelion.cli._options import Json


def inspect(file: Path, /, *, model: Path | None = None, json: Json = False) -> None:
    """Show what a file says of itself, its metadata, and the verdict of a detector.

    For example:

        parhelion inspect made/images/00000000.png
        parhelion inspect picture.jpg --model detector --json

    Parameters
    ----------
    file
        Image, film, FITS or Parquet file.
    model
        Folder of a trained detector; without it there is no verdict.
    """
    from parhelion.detection import inspect as run

    found = run(file, model)
    emit(found, as_json=json, text=_lines(found))


def _lines(found: dict[str, object], indent: str = "") -> str:
    lines = []
    for name, value in found.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{name}:", _lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            shown = [", ".join(f"{k} {v}" for k, v in item.items()) for item in value]
            lines += [f"{indent}{name}:", *(f"{indent}  {item}" for item in shown)]
        else:
            lines.append(f"{indent}{name}: {value if value or value == 0 else '-'}")
    return "\n".join(lines)
