"""Variations of a catalog's images by a diffusion model; interrupted calls go on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.catalog import (
    Catalog,
    check_free,
    decode,
    derived_row,
    image_id,
    make_room,
    open_catalog,
    resize,
    stems,
    write_derived,
)
from parhelion.errors import DecodeError
from parhelion.generation._diffusion_sample import DiffusionSampler
from parhelion.generation._made_files import kept, written
from parhelion.generation._pipelines import PipelineSampler, asked_of, pipeline_for
from parhelion.generation._sample import BATCH
from parhelion.generation._settings import VarySettings
from parhelion.provenance import FORMATS
from parhelion.training import find_model

Row = dict[str, Any]


@dataclass(frozen=True)
class _Job:
    """One variation to make."""

    parent: Row
    path: Path
    seed: int
    kind: int
    recipe: Mapping[str, Any]
    file: Path


def vary(
    model: Path | str,
    data: Catalog | Path | str,
    out: Path | str,
    settings: VarySettings | None = None,
) -> Catalog:
    """Make variations of images: take them part of the way to noise, and back (SDEdit).

    FLARE's image-to-image (stage 2), with a model that was trained here or a pretrained pipeline.

    Parameters
    ----------
    model : Path or str
        Folder of a trained diffusion model; or a pipeline, see
        `parhelion.generation.PipelineSampler`.
    data : Catalog or Path
        What to vary; of a split catalog the train part, unless `settings.split` says ``all``.
    out : Path
        Folder of the new catalog; images have the model's size.
    settings : VarySettings, optional
        How much, how many.

    Returns
    -------
    catalog : Catalog
        Rows of origin ``image_to_image``; label, group and split are the parent's. An image that
        could not be read is in ``rejected.parquet``.

    Raises
    ------
    ModelError, CatalogError
        If there is no such model, `out` is taken, or no image could be read.
    """
    settings, out = settings or VarySettings(), Path(out)
    catalog = data if isinstance(data, Catalog) else open_catalog(data)
    check_free(out, settings.overwrite, [catalog])
    if settings.split == "train" and any(catalog.column("split")):
        catalog = catalog.select(split="train")
    sampler = _sampler(model, settings)
    jobs = list(_jobs(sampler, catalog, out, settings))
    make_room(out)
    rows: list[Row] = []
    rejected: dict[str, str] = {}
    with bar(total=len(jobs), what="varying") as progress:
        for start in range(0, len(jobs), BATCH):
            part = jobs[start : start + BATCH]
            rows += _made(sampler, part, settings, rejected)
            progress.update(len(part))
    save_settings(out, "vary", settings, data=catalog.root, model=model)
    return write_derived(out, catalog, rows, rejected, done="varied")


def _sampler(model: Path | str, settings: VarySettings) -> DiffusionSampler | PipelineSampler:
    pipeline = pipeline_for(model, settings)
    if pipeline is not None:
        return pipeline
    asked = asked_of(settings, "steps", "guidance")
    return DiffusionSampler(find_model(model), settings.device, **asked)


def _jobs(
    sampler: DiffusionSampler | PipelineSampler, catalog: Catalog, out: Path, settings: VarySettings
) -> Iterator[_Job]:
    rows = catalog.rows()
    kinds = sampler.kinds_of(rows)
    for parent, path, kind, stem in zip(rows, catalog.files(), kinds, stems(catalog), strict=True):
        for copy in range(settings.copies):
            # By what an image is, not where it stands.
            words = [settings.seed, copy, int(parent["image_id"][:16], 16)]
            state = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
            seed = int(state) >> 1
            recipe = sampler.variation(seed, kind, settings.strength)
            recipe["parent_id"] = parent["image_id"]
            file = out / "images" / f"{stem}-{copy}.{settings.format}"
            yield _Job(parent, path, seed, kind, recipe, file)


def _made(
    sampler: DiffusionSampler | PipelineSampler,
    jobs: Sequence[_Job],
    settings: VarySettings,
    rejected: dict[str, str],
) -> list[Row]:
    """Make what an earlier call has not, a batch at a time, and return the rows of all."""
    done, missing, seen = {}, [], []
    for job in jobs:
        earlier = kept(job.file, job.recipe)
        if earlier is not None:
            done[job.file] = earlier
            continue
        try:
            pixels = decode(job.path)[0].pixels
        except DecodeError as error:
            rejected[job.parent["path"]] = str(error)
            continue
        seen.append(resize(pixels, sampler.image_size, sampler.channels))
        missing.append(job)
    if missing:
        varied = sampler.vary(
            np.stack(seen),
            [job.seed for job in missing],
            settings.strength,
            [job.kind for job in missing],
        )
        for job, pixels in zip(missing, varied, strict=True):
            done[job.file] = written(job.file, pixels, job.recipe)
    return [_row(job, done[job.file], settings) for job in jobs if job.file in done]


def _row(job: _Job, pixels: NDArray[np.uint8], settings: VarySettings) -> Row:
    return derived_row(
        job.parent,
        "image_to_image",
        file=job.file,
        image_id=image_id(pixels),
        shape=pixels.shape,
        format=FORMATS[settings.format],
        recipe=job.recipe,
    )
