"""Ingest: folders, archives and files in, a catalog out; nothing is dropped silently."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parhelion._cores import cores
from parhelion._helpers import Helpers
from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.catalog._duplicates import group_images
from parhelion.catalog._place import check_free, make_room
from parhelion.catalog._plan import IMAGES, Plan, make_plan, make_tasks
from parhelion.catalog._settings import IngestSettings
from parhelion.catalog._table import (
    REJECTED_FILE,
    Catalog,
    row,
    write_catalog,
    write_rejected,
)
from parhelion.catalog._take import Refused, Stored, Taken, take_in
from parhelion.catalog._thumbnail import SIDE
from parhelion.catalog._walk import printable
from parhelion.errors import InputError

_DEFAULT = IngestSettings()
# Starting a helper takes as long as this many small files.
_FILES_A_HELPER = 400
_BYTES_A_FILE = 20_000
_SLOW = (".fits", ".fit", ".fts", ".gz", ".bz2", ".fz", ".tif", ".tiff")
_SLOW_AS = 100


def ingest(
    sources: Sequence[Path | str],
    out: Path | str,
    settings: IngestSettings = _DEFAULT,
) -> Catalog:
    """Take images into a new catalog.

    Files with 8-bit pixels are copied byte for byte; what needs a stretch or has more bits, and
    each image of a file that holds several, becomes a PNG whose recipe says how. FITS files that
    are bands of one field become one color image. Images that are the same, nearly the same,
    planes of one cube, or made from one another share a `group_id`. A file that carries the mark
    of a model keeps the origin that its recipe names (``text_to_image`` where it names none), and
    one that `enhance` or `augment` wrote is ``enhanced`` or ``augmented``, whatever
    `settings.origin` says; both keep recipe and parent.

    Parameters
    ----------
    sources : sequence of Path
        Folders (the first sub-folder is the label), zip and tar archives (likewise, below a
        folder that all members share), image files.
    out : Path
        Folder of the catalog.
    settings : IngestSettings, optional
        Decoding, duplicates, bands, processes.

    Returns
    -------
    catalog : Catalog
        In the order of `sources`, folders sorted, archives as they are. It does not depend on
        the number of processes. What was not taken in is in ``rejected.parquet``, with the
        reason. The catalog is written last: an ingest that was interrupted is simply run again.

    Raises
    ------
    CatalogError
        If there is a catalog in `out`, and `settings.overwrite` is False.
    InputError
        If a source does not exist, or no source holds an image that can be used.
    """
    paths, out = [Path(source) for source in sources], Path(out)
    _check(paths, out, settings)
    results: dict[int, list[Taken]] = {}
    unreachable: list[Refused] = []
    with Helpers(take_in, _helpers(paths, settings)) as helpers:
        plan = make_plan(paths)
        make_room(out)
        _make_folders(out, plan)
        with (
            tempfile.TemporaryDirectory(dir=out, prefix=".unpacked-") as spool,
            bar(total=plan.count, what="ingesting", unit="files") as shown,
        ):
            tasks = make_tasks(plan, Path(spool), settings, unreachable)
            for index, result in helpers.work_through(tasks, (str(out), settings)):
                results[index] = result
                shown.update()
    stored: list[Stored] = []
    refused = plan.refused + unreachable
    families: dict[str, list[int]] = {}
    for index in sorted(results):
        for item in results[index]:
            if isinstance(item, Refused):
                refused.append(item)
                continue
            if item.family:
                families.setdefault(item.family, []).append(len(stored))
            stored.append(item)
    rejected = [
        {"source": item.source, "path": item.path, "reason": item.reason}
        for item in sorted(refused, key=lambda item: (item.path, item.source))
    ]
    if not stored:
        write_rejected(out, rejected)
        raise InputError(_nothing(paths, rejected, out))
    rows = _rows(stored, [*families.values(), *_descents(stored)], settings)
    save_settings(out, "ingest", settings, sources=[str(path) for path in paths])
    return write_catalog(out, rows, rejected=rejected)


def _rows(
    stored: list[Stored], families: list[list[int]], settings: IngestSettings
) -> list[dict[str, Any]]:
    thumbnails = None
    if settings.near_duplicates:
        data = b"".join(item.thumbnail for item in stored)
        thumbnails = np.frombuffer(data, np.uint8).reshape(-1, SIDE, SIDE)
    groups = group_images([item.image_id for item in stored], thumbnails, families)
    return [
        row(
            image_id=item.image_id,
            path=item.path,
            width=item.width,
            height=item.height,
            format=item.format,
            origin=item.origin,
            group_id=group,
            label=item.label,
            parent_id=item.parent,
            recipe=item.recipe,
            source=item.source,
        )
        for item, group in zip(stored, groups, strict=True)
    ]


def _descents(stored: list[Stored]) -> list[list[int]]:
    """Return which images were made from one image, with that one first if it is there."""
    places = {item.image_id: index for index, item in enumerate(stored)}
    children: dict[str, list[int]] = {}
    for index, item in enumerate(stored):
        if item.parent is not None:
            children.setdefault(item.parent, []).append(index)
    return [
        [places[parent], *family] if parent in places else family
        for parent, family in children.items()
    ]


def _check(paths: Sequence[Path], out: Path, settings: IngestSettings) -> None:
    if not paths:
        raise InputError("no source given; name folders, archives or image files")
    for path in paths:
        if not os.path.lexists(path):
            raise InputError(f"source {printable(str(path))!r} does not exist")
        there, target = path.resolve(), out.resolve()
        if path.is_dir() and (there == target or there in target.parents):
            raise InputError(f"--out {out} lies inside the source {path}; choose another place")
        if target / IMAGES in (there, *there.parents):
            raise InputError(f"the source {path} lies inside the images of --out {out}")
    check_free(out, settings.overwrite)


def _make_folders(out: Path, plan: Plan) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for folder in {os.path.dirname(target) for unit in plan.units for target in unit.targets}:
        (out / folder).mkdir(parents=True, exist_ok=True)


def _helpers(paths: Sequence[Path], settings: IngestSettings) -> int:
    """Return how many processes to start beside this one, after a glance at the sources."""
    most = (settings.workers or cores()) - 1
    files = 0
    for path in paths:
        if path.is_file():
            files += path.stat().st_size // _BYTES_A_FILE
        for _, _, names in os.walk(path) if most and path.is_dir() else ():
            slow = sum(name.lower().endswith(_SLOW) for name in names)
            files += len(names) + _SLOW_AS * slow
            if files >= most * _FILES_A_HELPER:
                return most
    return min(most, files // _FILES_A_HELPER)


def _nothing(paths: Sequence[Path], rejected: list[dict[str, str]], out: Path) -> str:
    what = ", ".join(printable(str(path)) for path in paths[:3]) + (", ..." if paths[3:] else "")
    if not rejected:
        return f"nothing usable in {what}: there is no file"
    first = rejected[0]
    return (
        f"nothing usable in {what}: {len(rejected)} rejected, the first ({first['path']}) as "
        f"{first['reason']}; all reasons are in {out / REJECTED_FILE}"
    )
