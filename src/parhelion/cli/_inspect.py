"""``parhelion inspect``"""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from parhelion.cli._main import emit
from parhelion.cli._options import Json
from parhelion.cli._text import one_line
from parhelion.detection import SHIPPED

_WIDTH, _INDENT = 96, 12
_BAR = 40
_SHOWN = 8  # images of a file, keys of a recipe: more do not fit one screen


def inspect(
    file: Path,
    /,
    *,
    model: Path = Path(SHIPPED),
    verdict: Annotated[bool, Parameter(negative="--no-verdict")] = True,
    json: Json = False,
) -> None:
    """Show on one screen what a file says of itself, its metadata, and what its pixels say.

    For example:

        parhelion inspect made/images/00000000.png
        parhelion inspect picture.jpg --json

    Parameters
    ----------
    file
        Image, film, FITS or Parquet file.
    model
        Folder of a trained detector, or the name of one that ships.
    verdict
        Judge the pixels.
    """
    from parhelion.detection import inspect as run

    found = run(file, model if verdict else None)
    emit(found, as_json=json, text="\n".join(_screen(found)))


def _screen(found: dict[str, Any]) -> Iterator[str]:
    yield one_line(found["path"])
    yield from textwrap.wrap(one_line(found["summary"]), _WIDTH)
    yield ""
    for item in (found["verdicts"] or [])[:_SHOWN]:
        yield from _block("verdict", _verdict(item))
    yield from _rest(found["verdicts"] or [])
    mark = found["mark"]
    if mark is None:
        yield from _block("mark", ["none"])
    else:
        kind = (mark["source_type"] or "").rpartition("/")[2]
        yield from _block("mark", [", ".join(filter(None, (mark["software"], kind)))])
        yield from _block("recipe", _pairs(mark["recipe"] or {}))
    yield from _block("file", [f"{found['kind']}, {found['bytes']:,} bytes"])
    for item in found["images"][:_SHOWN]:
        part = f"{item['part']}: " if item["part"] else ""
        colors = "color" if item["channels"] == 3 else "gray"
        line = f"{part}{item['width']} x {item['height']} pixels, {colors}; {item['image_id']}"
        yield from _block("image", [line])
    yield from _rest(found["images"])
    yield from _block("metadata", _pairs(found["metadata"]))
    if found["problem"] is not None:
        yield from _block("problem", [found["problem"]])


def _verdict(item: dict[str, Any]) -> list[str]:
    part = f"{item['part']}: " if item["part"] else ""
    chance = item["probability_made"]
    if chance is None:
        return [f"{part}{item['verdict']}: {item['note']}"]
    place = min(int(chance * _BAR), _BAR - 1)
    scale = "-" * place + "O" + "-" * (_BAR - 1 - place)
    lines = [f"{part}{item['verdict'].upper()}", f"observed 0 [{scale}] 1 made: {chance:.3f}"]
    return lines + ([item["note"]] if item["note"] else [])


def _pairs(values: dict[str, Any]) -> list[str]:
    """Return plain values on one line, and a line for each mapping, and for each of a list."""
    lines, plain = [], {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            lines.append(f"{name}: {_listed(value)}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{name}: {len(value)}")
            lines += [f"  {_listed(item)}" for item in value[:_SHOWN]]
        else:
            plain[name] = value
    return [_listed(plain), *lines] if plain else lines


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    text = "-" if value in (None, "", {}, []) else str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _block(name: str, lines: list[str]) -> Iterator[str]:
    """Yield lines beside a name, wrapped and indented."""
    lead = f"{name:<{_INDENT}}"
    for line in lines:
        yield from textwrap.wrap(
            one_line(line),
            _WIDTH,
            initial_indent=lead,
            subsequent_indent=" " * (_INDENT + 2),
            break_on_hyphens=False,
        )
        lead = " " * _INDENT


def _rest(items: list[Any]) -> Iterator[str]:
    if len(items) > _SHOWN:
        yield " " * _INDENT + f"and {len(items) - _SHOWN} more (--json shows all)"
