"""One file into the catalog: decode it, store it, say what it is; runs in any process."""

import io
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from parhelion.catalog._claims import Claim, origin_of, read_claim
from parhelion.catalog._decode import decode_bands, iterate, open_regular, reason
from parhelion.catalog._decoded import DecodedImage, RejectedPart
from parhelion.catalog._image_id import image_id
from parhelion.catalog._quiet import quiet
from parhelion.catalog._settings import IngestSettings
from parhelion.catalog._thumbnail import thumbnail
from parhelion.errors import DecodeError, InputError

_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "GIF": ".gif"}


class Task(NamedTuple):
    """What to take in: one file, or the bands of one field, the reddest first.

    Attributes
    ----------
    files : tuple of str
        Where the files are.
    sources, paths : tuple of str
        What the catalog calls them, and where they were found (printable).
    label : str or None
        Their label.
    target : str
        Where the image goes, relative to the catalog, without suffix.
    singles : tuple of str
        The targets of the bands, for when they do not fit together.
    field : str
        Equal for tasks whose images show one field of sky; empty for most.
    temporary : bool
        Whether the files are removed afterwards.
    """

    files: tuple[str, ...]
    sources: tuple[str, ...]
    paths: tuple[str, ...]
    label: str | None
    target: str
    singles: tuple[str, ...] = ()
    field: str = ""
    temporary: bool = False


class Stored(NamedTuple):
    """An image that is in the catalog's folder now; see `parhelion.catalog.row`.

    `family` is equal for images that show the same sky: bands of a field, planes of a cube.
    `parent` is the `image_id` of what its mark says that it was made from.
    """

    image_id: str
    path: str
    origin: str
    width: int
    height: int
    format: str
    recipe: dict[str, Any] | None
    source: str
    label: str | None
    family: str
    parent: str | None
    thumbnail: bytes


class Refused(NamedTuple):
    """What could not be taken in, as a row of ``rejected.parquet``."""

    source: str
    path: str
    reason: str


Taken = Stored | Refused


def take_in(tasks: Sequence[Task], root: str, settings: IngestSettings) -> list[list[Taken]]:
    """Decode the files of each task and store their images below folder `root`."""
    # Entered once, it costs next to nothing inside.
    with quiet():
        return [_take(task, root, settings) for task in tasks]


def _take(task: Task, root: str, settings: IngestSettings) -> list[Taken]:
    try:
        if len(task.files) > 1:
            return list(_take_bands(task, root, settings))
        return list(_take_file(task, 0, task.target, root, settings))
    finally:
        if task.temporary:
            for file in task.files:
                Path(file).unlink(missing_ok=True)


def _take_bands(task: Task, root: str, settings: IngestSettings) -> Iterator[Taken]:
    try:
        image = decode_bands(task.files, settings)
    except (DecodeError, InputError):
        # Not one grid, or one file is damaged: each is taken as what it is.
        for index in sorted(range(len(task.files)), key=task.sources.__getitem__):
            yield from _take_file(task, index, task.singles[index], root, settings)
        return
    recipe = {**(image.recipe or {}), "bands": list(task.sources)}
    image = DecodedImage(image.pixels, image.format, None, recipe, image.wcs)
    yield _write_png(image, None, task, 0, task.target, root, settings)


def _take_file(
    task: Task, index: int, target: str, root: str, settings: IngestSettings
) -> Iterator[Taken]:
    source, path, name = task.sources[index], task.paths[index], task.files[index]
    try:
        with open_regular(name) as file:
            parts = iterate(file, settings, thumbnails=True)
            first = next(parts, None)
            if first is None:
                raise DecodeError("it holds no image")
            claim = read_claim(file, name)
            if isinstance(first, DecodedImage) and first.part is None and first.recipe is None:
                yield _copy(file, first, claim, task, index, target, root, settings)
            else:
                yield _part(first, claim, task, index, target, root, settings)
            for part in parts:
                yield _part(part, claim, task, index, target, root, settings)
    except (DecodeError, OSError) as error:
        yield Refused(source, path, reason(error))


def _part(
    part: DecodedImage | RejectedPart,
    claim: Claim | None,
    task: Task,
    index: int,
    target: str,
    root: str,
    settings: IngestSettings,
) -> Taken:
    if isinstance(part, RejectedPart):
        name = f"[{part.part}]" if part.part else ""
        return Refused(task.sources[index] + name, task.paths[index], part.reason)
    # `Names` gives out no stem with a tilde and a letter.
    name = target if part.part is None else f"{target}~{part.part.replace('.', '-')}"
    return _write_png(part, claim, task, index, name, root, settings)


def _write_png(
    image: DecodedImage,
    claim: Claim | None,
    task: Task,
    index: int,
    target: str,
    root: str,
    settings: IngestSettings,
) -> Stored:
    """Store pixels that the file does not hold as such, with the recipe of how they came."""
    from parhelion.provenance import encode_image

    recipe = dict(image.recipe or {"operation": "decode", "format": image.format})
    recipe["source"] = task.sources[index]
    if image.part is not None:
        recipe["part"] = image.part
    if image.wcs is not None:
        recipe["wcs"] = image.wcs
    if recipe.pop("made", False):
        told = recipe.pop("made_by", None) or (claim and claim.recipe)
        claim = Claim(origin_of(told), told, True)
    recipe["origin"] = claim.origin if claim else settings.origin
    if claim:
        recipe["made_by"] = claim.recipe
        if claim.parent:
            recipe["parent_id"] = claim.parent
    path = f"{target}.png"
    # What a model made stays marked as such; nothing else becomes so.
    made = claim is not None and claim.made
    _write(root, path, encode_image(image.pixels, "PNG", recipe=recipe, made=made))
    family = ""
    if image.part is not None:
        # Pages of one file, or planes of one cube.
        family = target.rpartition("~" if image.format == "TIFF" else "-plane")[0]
    return _stored(image, path, "PNG", recipe["origin"], recipe, task, index, claim, family)


def _copy(
    file: BinaryIO,
    image: DecodedImage,
    claim: Claim | None,
    task: Task,
    index: int,
    target: str,
    root: str,
    settings: IngestSettings,
) -> Stored:
    """Store a file as it is: its 8-bit pixels need no recipe."""
    path = target + _SUFFIX[image.format]
    if isinstance(file, io.BytesIO):
        with file.getbuffer() as data:
            _write(root, path, data)
    else:
        file.seek(0)
        with os.fdopen(_create(root, path), "wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
    origin: str = claim.origin if claim else settings.origin
    recipe = claim.recipe if claim else None
    if origin != "observed" and recipe is None:
        recipe = {"operation": "ingest", "origin": origin}
    return _stored(image, path, image.format, origin, recipe, task, index, claim, "")


def _stored(
    image: DecodedImage,
    path: str,
    format: str,
    origin: str,
    recipe: dict[str, Any] | None,
    task: Task,
    index: int,
    claim: Claim | None,
    family: str,
) -> Stored:
    height, width = image.pixels.shape[:2]
    return Stored(
        image_id=image_id(image.pixels),
        path=path,
        origin=origin,
        width=width,
        height=height,
        format=format,
        recipe=recipe,
        source=task.sources[index],
        label=task.label,
        family=task.field or family,
        parent=claim.parent if claim else None,
        thumbnail=image.thumbnail or thumbnail(image.pixels),
    )


def _create(root: str, path: str) -> int:
    full = f"{root}/{path}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        return os.open(full, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return os.open(full, flags, 0o666)


def _write(root: str, path: str, data: bytes | memoryview) -> None:
    # Not atomic, one by one: the catalog that names the files is written after all of them.
    handle = _create(root, path)
    try:
        written = 0
        while written < len(data):
            written += os.write(handle, data[written:] if written else data)
    finally:
        os.close(handle)
