"""Writing standard augmentations of a catalog as a catalog; interrupted calls go on."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parhelion._files import write_bytes
from parhelion._progress import progress
from parhelion._settings import save_settings
from parhelion.augmentation._settings import AugmentSettings
from parhelion.augmentation._standard import apply_change, draw_change
from parhelion.catalog import (
    MADE_ORIGINS,
    Catalog,
    check_free,
    decode,
    decode_bytes,
    derived_row,
    image_id,
    make_room,
    open_catalog,
    stems,
    write_derived,
)
from parhelion.errors import DecodeError
from parhelion.provenance import FORMATS, carries, encode_image
from parhelion.training import map_ahead

_DEPTH = 32  # images that may wait for their turn


@dataclass(frozen=True)
class _Job:
    """One image to write: its parent, what it is called after, and what is done to it."""

    parent: dict[str, Any]
    path: Path
    stem: str
    changes: tuple[str, ...]
    copy: int


def augment(
    data: Catalog | Path | str, out: Path | str, settings: AugmentSettings | None = None
) -> Catalog:
    """Alter the images of a catalog in the standard ways (FLARE, stage 1).

    Parameters
    ----------
    data : Catalog or Path
        What to alter; of a split catalog the train part, unless `settings.split` says ``all``.
    out : Path
        Folder of the new catalog.
    settings : AugmentSettings, optional
        Which changes, and how strong.

    Returns
    -------
    catalog : Catalog
        Rows of origin ``augmented``, or, where the parent is a made one, of the parent's origin;
        label, group and split are the parent's, and the recipe holds every number drawn. An
        image that could not be read is in ``rejected.parquet``.

    Raises
    ------
    CatalogError
        If `out` is taken, or no image could be read.
    """
    settings, out = settings or AugmentSettings(), Path(out)
    catalog = data if isinstance(data, Catalog) else open_catalog(data)
    check_free(out, settings.overwrite, [catalog])
    if settings.split == "train" and any(catalog.column("split")):
        catalog = catalog.select(split="train")
    make_room(out)
    jobs = list(_jobs(catalog, settings))
    rows, rejected = [], {}
    made = map_ahead(
        lambda job: _altered(job, out, settings), jobs, workers=settings.workers, depth=_DEPTH
    )
    with closing(made):
        for found in progress(made, total=len(jobs), what="augmenting"):
            if isinstance(found, _Unread):
                rejected[found.path] = found.reason
            else:
                rows.append(found)
    save_settings(out, "augment", settings, data=catalog.root)
    return write_derived(out, catalog, rows, rejected, done="altered")


@dataclass(frozen=True)
class _Unread:
    path: str
    reason: str


def _jobs(catalog: Catalog, settings: AugmentSettings) -> Iterator[_Job]:
    chains = [settings.changes] if settings.together else [(name,) for name in settings.changes]
    for parent, path, stem in zip(catalog.rows(), catalog.files(), stems(catalog), strict=True):
        for copy in range(settings.copies):
            for chain in chains:
                yield _Job(parent, path, stem, chain, copy)


def _altered(job: _Job, out: Path, settings: AugmentSettings) -> dict[str, Any] | _Unread:
    """Write one image, unless an earlier call has, and return its row."""
    parent = job.parent
    # A stream for each parent, chain and copy: what else is in the catalog does not matter.
    words = [int(parent["image_id"][place : place + 8], 16) for place in range(0, 32, 8)]
    name = "-".join(job.changes) if len(job.changes) == 1 else "together"
    rng = np.random.default_rng([settings.seed, job.copy, *words, *name.encode()])
    shape = (parent["height"], parent["width"], 3)
    drawn = [draw_change(change, shape, settings, rng) for change in job.changes]
    recipe = {"operation": "augment", "changes": drawn, "parent_id": parent["image_id"]}
    is_made = parent["origin"] in MADE_ORIGINS
    if is_made:
        recipe["origin"] = parent["origin"]  # so that `ingest` knows it from the file alone
    suffix = settings.format
    file = out / "images" / f"{job.stem}-{name}-{job.copy}.{suffix}"
    try:
        if carries(file, recipe):
            pixels = decode(file)[0].pixels
        else:
            pixels = decode(job.path)[0].pixels
            for change in drawn:
                pixels = apply_change(pixels, change)
            data = encode_image(pixels, FORMATS[suffix], recipe=recipe, made=is_made)
            write_bytes(file, data)
            if suffix != "png":  # what is lost in encoding belongs to the image's identity
                pixels = decode_bytes(data, file.name)[0].pixels
    except DecodeError as error:
        return _Unread(parent["path"], str(error))
    return derived_row(
        parent,
        "augmented",
        file=file,
        image_id=image_id(pixels),
        shape=pixels.shape,
        format=FORMATS[suffix],
        recipe=recipe,
    )
