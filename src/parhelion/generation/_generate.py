"""Drawing images into a catalog; what was interrupted goes on where it was."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.catalog import (
    Catalog,
    check_free,
    image_id,
    make_room,
    row,
    write_catalog,
)
from parhelion.generation._made_files import kept, written
from parhelion.generation._pipelines import pipeline_for
from parhelion.generation._sample import Sampler
from parhelion.generation._samplers import sampler_of
from parhelion.generation._settings import GenerateSettings
from parhelion.provenance import FORMATS

#: Images that may wait to be written while the network draws the next ones.
_AHEAD = 32

Row = dict[str, Any]


def generate(
    model: Path | str, out: Path | str, settings: GenerateSettings | None = None
) -> Catalog:
    """Draw images from a trained generator into a catalog.

    When an earlier call was interrupted before its catalog was written, its images are kept: an
    image stays where it is if it can be read and its mark holds the very recipe (model id, seed,
    truncation, classes) that this call would draw. The catalog comes out as from one call.

    Parameters
    ----------
    model : Path or str
        The generator's folder, or the name of one that ships, such as ``galaxies-64``; or a
        text-to-image pipeline, see `parhelion.generation.PipelineSampler`.
    out : Path
        Folder of the new catalog; image ``i`` has seed ``settings.seed + i``.
    settings : GenerateSettings, optional
        What to draw.

    Returns
    -------
    catalog : Catalog
        Rows of origin ``gan``, ``diffusion`` or ``text_to_image``, each with model id, seed and
        classes in its recipe, each a group of its own.

    Raises
    ------
    ModelError, SettingsError, CatalogError
        If there is no such generator, the class is unknown, or `out` is taken.
    """
    settings = settings or GenerateSettings()
    out = Path(out)
    check_free(out, settings.overwrite)
    sampler = _sampler(model, settings)
    seeds = range(settings.seed, settings.seed + settings.count)
    asked = {"label": settings.label, "source": settings.source}
    recipes = sampler.recipes(seeds, settings.truncation, **asked)
    make_room(out)
    rows = {} if settings.overwrite else _kept(out, recipes, settings.format, str(model))
    missing = [seed for seed in seeds if seed not in rows]
    with bar(total=len(seeds), initial=len(rows), what="generating") as progress:
        drawn = sampler.draw(missing, settings.truncation, **asked)
        written = _write_all(out, drawn, settings.format, str(model))
        for seed, item in zip(missing, written, strict=True):
            rows[seed] = item
            progress.update()
    save_settings(out, "generate", settings, model=model)
    # The table comes last: where it is, everything is.
    return write_catalog(out, [rows[seed] for seed in seeds], rejected=[])


def _sampler(model: Path | str, settings: GenerateSettings) -> Sampler:
    """Load a generator of any kind, with what was asked of its kind."""
    return pipeline_for(model, settings) or sampler_of(model, settings)


def _kept(
    out: Path, recipes: Sequence[Mapping[str, Any]], suffix: str, source: str
) -> dict[int, Row]:
    """Return the rows, by seed, of images that are there already and need not be drawn again."""
    rows = {}
    for recipe in recipes:
        pixels = kept(out / _path(recipe, suffix), recipe)
        if pixels is not None:
            rows[recipe["seed"]] = _row(pixels, recipe, suffix, source)
    return rows


def _write_all(
    out: Path,
    drawn: Iterator[tuple[NDArray[np.uint8], dict[str, Any]]],
    suffix: str,
    source: str,
) -> Iterator[Row]:
    """Write images and yield their rows, in order.

    A thread encodes and writes: waiting for the disk takes about as long as drawing.
    """

    def write(pixels: NDArray[np.uint8], recipe: dict[str, Any]) -> Row:
        again = written(out / _path(recipe, suffix), pixels, recipe)
        return _row(again, recipe, suffix, source)

    waiting: deque[Future[Row]] = deque()
    with ThreadPoolExecutor(1) as writer:
        for pixels, recipe in drawn:
            waiting.append(writer.submit(write, pixels, recipe))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _path(recipe: Mapping[str, Any], suffix: str) -> str:
    return f"images/{recipe['seed']:08d}.{suffix}"


def _row(pixels: NDArray[np.uint8], recipe: Mapping[str, Any], suffix: str, source: str) -> Row:
    return row(
        image_id=image_id(pixels),
        path=_path(recipe, suffix),
        width=pixels.shape[1],
        height=pixels.shape[0],
        format=FORMATS[suffix],
        origin=recipe["origin"],
        label=recipe.get("label"),
        recipe=recipe,
        source=source,
    )
