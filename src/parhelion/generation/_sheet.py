"""Contact sheets: many seeds at a glance, or one latent vector through all classes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parhelion._settings import require
from parhelion.errors import InputError, SettingsError
from parhelion.generation._conditional import Conditional
from parhelion.generation._layout import PICTURES, Layout
from parhelion.generation._samplers import sampler_of
from parhelion.generation._settings import SheetSettings
from parhelion.provenance import write_image
from parhelion.training import find_model

_TRUNCATIONS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
_SHOWN = 128  # pixels that a picture's side has at least, unless --scale says otherwise
#: Longest side that a format can hold, in pixels.
_LONGEST = {".webp": 16_383}
_LONGEST_OTHER = 65_535
_MOST_PIXELS = 400_000_000


@dataclass(frozen=True)
class _Cell:
    """One picture of a sheet."""

    seed: int
    truncation: float
    classes: Sequence[int]


def sheet(
    model: Path | str,
    out: Path | str,
    settings: SheetSettings | None = None,
    *,
    seeds: Sequence[int] | None = None,
) -> Path:
    """Write a contact sheet, with the seed printed under every image.

    Parameters
    ----------
    model : Path or str
        The generator's folder, or the name of one that ships.
    out : Path
        File to write: .png, .jpg, .webp or .tif.
    settings : SheetSettings, optional
        What to show. In a sweep over the classes, the other condition is the one that was seen
        with most of them, so that a row differs in the class alone; where a class was never seen
        with it, another is taken, and the caption says which.
    seeds : sequence of int, optional
        Seeds to show, in place of a count.

    Returns
    -------
    path : Path
        The file, marked as made.

    Raises
    ------
    ModelError, SettingsError, InputError
        If there is no generator, a class is unknown or the model has no such condition, the
        suffix is another, or the sheet would be too large.
    """
    settings = settings or SheetSettings()
    path = Path(out)
    if path.suffix.lower() not in PICTURES:
        raise InputError(f"cannot write {path}: its suffix must be one of {', '.join(PICTURES)}")
    seeds = _seeds(settings, seeds)
    folder = find_model(model)
    sampler = sampler_of(folder, settings)
    rows, headings = _cells(sampler, seeds, settings)
    cells = [cell for row in rows for cell in row]
    columns = len(headings) or settings.columns or math.ceil(math.sqrt(len(cells)))
    columns = min(columns, len(cells))
    scale = settings.scale or math.ceil(_SHOWN / sampler.image_size)
    side = sampler.image_size * scale
    layout = Layout(
        (side, side),
        [_caption(sampler, cell, settings) for cell in cells],
        columns,
        _title(folder.resolve().name, sampler.model_id, settings),
        headings,
    )
    _check_size(path, layout)
    pictures = sampler.pictures(
        [cell.seed for cell in cells],
        [cell.classes for cell in cells],
        [cell.truncation for cell in cells],
    )
    pixels = layout.draw(np.stack(list(pictures)))
    recipe = {
        "operation": "sheet",
        **sampler.told(settings.truncation),
        "seeds": [int(seed) for seed in seeds],
        "sweep": settings.sweep,
        "label": settings.label,
        "source": settings.source,
        "columns": columns,
        "scale": scale,
    }
    write_image(path, pixels, recipe=recipe, made=True)
    return path


def _seeds(settings: SheetSettings, seeds: Sequence[int] | None) -> Sequence[int]:
    if seeds is None:
        count = settings.count or (8 if settings.sweep else 64)
        return range(settings.seed, settings.seed + count)
    require(settings.count is None, "count", settings.count, "not be given with --seeds")
    require(settings.seed == 0, "seed", settings.seed, "not be given with --seeds")
    require(len(seeds) >= 1 and min(seeds) >= 0, "seeds", list(seeds), "be one or more, from 0 up")
    return seeds


def _cells(
    sampler: Conditional, seeds: Sequence[int], settings: SheetSettings
) -> tuple[list[list[_Cell]], list[str]]:
    """Return the cells row by row, and the columns' headings (none without a sweep)."""
    sweep, truncation = settings.sweep, settings.truncation
    asked: dict[str, str | None] = {"label": settings.label, "source": settings.source}
    if sweep is None or sweep == "truncation":
        amounts = _TRUNCATIONS if sweep else (truncation,)
        rows = [
            [_Cell(seed, amount, own) for amount in amounts]
            for seed, own in zip(seeds, sampler.classes(seeds, **asked), strict=True)
        ]
        return rows, [f"truncation {amount:g}" for amount in amounts] if sweep else []
    if sweep not in sampler.conditions:
        raise SettingsError(
            f"--sweep (={sweep}) must be a condition of the model; it has "
            f"{', '.join(sampler.conditions) or 'none'}"
        )
    names = sampler.known(sweep, **asked)
    wanted: list[Mapping[str, str | None]] = [{**asked, sweep: name} for name in names]
    rows = [
        [_Cell(seed, truncation, own) for own in sampler.steady_classes(seed, wanted)]
        for seed in seeds
    ]
    return rows, names


def _caption(sampler: Conditional, cell: _Cell, settings: SheetSettings) -> tuple[str, str]:
    named = sampler.name_classes(cell.classes)
    return str(cell.seed), " · ".join(
        value for name, value in named.items() if name != settings.sweep
    )


def _title(name: str, model_id: str, settings: SheetSettings) -> str:
    parts = [name, model_id, "made by Parhelion"]
    if settings.truncation != 1:
        parts.append(f"truncation {settings.truncation:g}")
    if settings.guidance is not None:
        parts.append(f"guidance {settings.guidance:g}")
    return " · ".join(parts)


def _check_size(path: Path, layout: Layout) -> None:
    longest = _LONGEST.get(path.suffix.lower(), _LONGEST_OTHER)
    if max(layout.height, layout.width) > longest or layout.height * layout.width > _MOST_PIXELS:
        raise InputError(
            f"cannot write {path}: the sheet would be {layout.width} x {layout.height} pixels, "
            f"and {path.suffix} takes {longest} a side and {_MOST_PIXELS:,} in all; show fewer "
            "seeds or lower --scale"
        )
