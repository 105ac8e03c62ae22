"""Enlarging the images of a catalog into another; what was interrupted goes on where it was."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.augmentation._levels import whole_levels
from parhelion.augmentation._settings import EnhanceSettings
from parhelion.augmentation._tiles import enlarged
from parhelion.augmentation._upscaler import Upscaler, load_upscaler
from parhelion.catalog import (
    MADE_ORIGINS,
    Catalog,
    check_free,
    derived_row,
    image_id_of_strips,
    make_room,
    open_catalog,
    open_windows,
    stems,
    write_derived,
)
from parhelion.errors import DecodeError
from parhelion.provenance import carries, write_strips
from parhelion.training import Interrupt, map_ahead, one_thread

#: Where no image has more pixels, several are enlarged at once; else several tiles of one.
_SMALL = 1_000_000
#: Tiles that are enlarged at once at most: each takes some hundreds of megabytes.
_MOST = 8
#: Pictures of more pixels become tiled TIFF, of which parts can be read.
_WHOLE = 100_000_000
_ROWS = 256  # read at a time of what was written


def enhance(
    data: Catalog | Path | str,
    out: Path | str,
    model: Path | str,
    settings: EnhanceSettings | None = None,
) -> Catalog:
    """Enlarge the images of a catalog with a network (FLARE, section on super-resolution).

    Label, group and split are kept: what descends from a test image stays in the test part.
    When an earlier call was interrupted before its catalog was written, its images are kept.

    Parameters
    ----------
    data : Catalog or Path
        What to enlarge.
    out : Path
        Folder of the new catalog.
    model : Path or str
        See `load_upscaler`.
    settings : EnhanceSettings, optional
        Tiles, format, device.

    Returns
    -------
    catalog : Catalog
        Rows of origin ``enhanced``, or, where the parent is not observed, of the parent's
        origin; each with its parent and the network's id in its recipe. An image that could
        not be read is in ``rejected.parquet``.

    Raises
    ------
    ModelError, CatalogError
        If there is no such network, `out` is taken, or no image could be read.
    KeyboardInterrupt
        If Ctrl-C or a SIGTERM stopped it: within a tile or two of an image.
    """
    settings, out = settings or EnhanceSettings(), Path(out)
    catalog = data if isinstance(data, Catalog) else open_catalog(data)
    check_free(out, settings.overwrite, [catalog])
    upscaler = load_upscaler(model, settings.device, settings.precision)
    make_room(out)
    rows, rejected = [], {}
    parents = catalog.rows()
    is_small = all(parent["width"] * parent["height"] <= _SMALL for parent in parents)
    images, tiles = (_at_once(upscaler), 1) if is_small else (1, _at_once(upscaler))

    interrupt = Interrupt()

    def go_on() -> None:
        # In the threads that work: the main one waits for them, however large their images.
        if interrupt.requested:
            raise KeyboardInterrupt

    def work(item: tuple[dict[str, Any], Path, str]) -> dict[str, Any] | DecodeError:
        try:
            return _enlarged(upscaler, *item, out, settings, tiles, go_on)
        except DecodeError as error:
            return error

    items = zip(parents, catalog.files(), stems(catalog), strict=True)
    with (
        one_thread(),
        interrupt,
        closing(map_ahead(work, items, workers=images, depth=2 * images)) as ended,
        bar(total=len(parents), what="enhancing") as progress,
    ):
        for parent, done in zip(parents, ended, strict=True):
            if isinstance(done, DecodeError):
                rejected[parent["path"]] = str(done)
            else:
                rows.append(done)
            progress.update()
    save_settings(out, "enhance", settings, data=catalog.root, model=model)
    return write_derived(out, catalog, rows, rejected, done="enlarged")


def enlarge(
    upscaler: Upscaler, pixels: NDArray[np.uint8], settings: EnhanceSettings | None = None
) -> NDArray[np.uint8]:
    """Enlarge one image ``(H, W, C)`` uint8, C = 1 or 3, to ``(scale H, scale W, C)``."""
    settings = settings or EnhanceSettings()

    def read(top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
        return pixels[top : top + height, left : left + width]

    with one_thread():
        strips = _strips(upscaler, read, pixels.shape, settings, _at_once(upscaler))
        return np.concatenate(list(strips))


def _enlarged(
    upscaler: Upscaler,
    parent: dict[str, Any],
    path: Path,
    stem: str,
    out: Path,
    settings: EnhanceSettings,
    workers: int,
    go_on: Callable[[], None],
) -> dict[str, Any]:
    """Write one image enlarged, unless an earlier call has, and return its row.

    `go_on` is called before each image and tile, and raises when it should not.
    """
    go_on()
    is_made = parent["origin"] in MADE_ORIGINS
    recipe = {
        "operation": "enhance",
        "model_id": upscaler.model_id,
        "scale": upscaler.scale,
        "tile": settings.tile,
        "overlap": settings.overlap,
        "precision": upscaler.precision,
        "parent_id": parent["image_id"],
    }
    if is_made:
        recipe["origin"] = parent["origin"]  # so that `ingest` knows it from the file alone
    with open_windows(path) as windows:
        height, width, channels = windows.shape
        is_large = height * width * upscaler.scale**2 > _WHOLE

        def read(top: int, left: int, high: int, wide: int) -> NDArray[np.uint8]:
            go_on()
            return windows.read(top, left, high, wide)

        suffix = "tiff" if is_large else settings.format
        file = out / "images" / f"{stem}.{suffix}"
        if not carries(file, recipe):
            write_strips(
                file,
                _strips(upscaler, read, (height, width, channels), settings, workers),
                height=height * upscaler.scale,
                width=width * upscaler.scale,
                channels=channels,
                recipe=recipe,
                made=is_made,
            )
    with open_windows(file) as written:
        large, wide, channels = written.shape
        strips = (written.read(top, 0, _ROWS, wide) for top in range(0, large, _ROWS))
        identity = image_id_of_strips(written.shape, strips)
    return derived_row(
        parent,
        "enhanced",
        file=file,
        image_id=identity,
        shape=(large, wide),
        format=suffix.upper(),
        recipe=recipe,
    )


def _at_once(upscaler: Upscaler) -> int:
    """Return how many steps to take at once.

    On a CPU each core has a thread of torch's and a tile of its own, so that what comes of a tile
    does not depend on how many there are. A GPU works on one step while the next is prepared.
    """
    return min(cores(), _MOST) if upscaler.device.type == "cpu" else 2


def _strips(
    upscaler: Upscaler,
    read: Callable[[int, int, int, int], NDArray[np.uint8]],
    shape: tuple[int, int, int],
    settings: EnhanceSettings,
    workers: int,
) -> Iterator[NDArray[np.uint8]]:
    strips = enlarged(
        upscaler,
        read,
        shape,
        tile=settings.tile,
        overlap=settings.overlap,
        batch=1 if upscaler.device.type == "cpu" else settings.batch,
        workers=workers,
    )
    return whole_levels(strips)
