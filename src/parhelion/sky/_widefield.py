"""The wide view: galaxies on a sky, rendered by tiles, with its truth catalog."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion._settings import save_settings, settings_dict
from parhelion.catalog import Catalog, decode, image_id, open_catalog
from parhelion.errors import InputError
from parhelion.provenance import write_image, write_strips
from parhelion.sky._calibration import SAMPLE, corrected, measured_ratios
from parhelion.sky._field_model import FieldModel, measure_model
from parhelion.sky._placement import Placement, place
from parhelion.sky._render import Scene
from parhelion.sky._settings import WidefieldSettings
from parhelion.sky._store import StampStore
from parhelion.sky._truth import TRUTH_FILE, truth_table, write_truth

_LARGEST_PNG = 8192  # pixels square, for format "auto"
_PREVIEW = 2048
_IMAGES = ("view.png", "view.tiff")
# What does not change the pixels has no place in the recipe.
_NOT_RECIPE = ("tile", "workers", "overwrite", "like")


@dataclass(frozen=True)
class WideView:
    """A wide view that was written.

    Attributes
    ----------
    folder : Path
        Where it is.
    image : Path
        ``view.png`` or ``view.tiff``.
    preview : Path
        ``preview.jpg``, at most 2,048 pixels square.
    truth : Path
        ``truth.parquet``; ``truth.fits`` is the same as a FITS table.
    size : int
        Side, in pixels.
    galaxies : int
        Objects in the truth catalog.
    dropped : dict
        Images of the catalog that show no usable galaxy, by reason.
    seconds : float
        What it took.
    """

    folder: Path
    image: Path
    preview: Path
    truth: Path
    size: int
    galaxies: int
    dropped: dict[str, int]
    seconds: float


def widefield(
    catalog: Catalog | Path | str, out: Path | str, settings: WidefieldSettings | None = None
) -> WideView:
    """Paint a wide view of sky with the galaxies of a catalog.

    Sky level, noise, sizes, brightnesses and density follow a real field. Each galaxy is freed
    of its own sky and neighbors by a soft mask, turned by any angle, mirrored or not, scaled,
    and added to the new sky. Memory is bounded by the tiles (and 2 KiB or so to a galaxy). The
    same seed and inputs give the same bytes for any tile size and number of workers.

    Parameters
    ----------
    catalog : Catalog or Path
        Images that each show a galaxy near their center on a dark sky.
    out : Path
        Folder to write: ``view.png`` or ``view.tiff``, ``preview.jpg``, ``truth.parquet``,
        ``truth.fits`` and ``settings.json``.
    settings : WidefieldSettings, optional
        How large, how many, and like which field.

    Raises
    ------
    InputError
        If no image shows a galaxy, the field has no sources to follow, or `out` holds a view
        and `settings.overwrite` is False.
    """
    started = time.monotonic()
    settings = settings or WidefieldSettings()
    out = Path(out)
    catalog = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
    _make_room(out, overwrite=settings.overwrite)
    field, field_name = _read_field(settings.like)
    model = measure_model(field, min_area=settings.min_area, where=field_name)
    workers = settings.workers or os.cpu_count() or 1
    count = settings.count or max(1, round(model.density * settings.size**2))
    with StampStore(catalog, field.shape[2], out, workers) as store:
        scene = _compose(model, store, settings, count)
        recipe = _recipe(settings, store, field_name, image_id(field), count)
        preview = _Preview(settings.size, field.shape[2])
        image = (
            out
            / _IMAGES[
                settings.format == "tiff"
                or (settings.format == "auto" and settings.size > _LARGEST_PNG)
            ]
        )
        write_strips(
            image,
            preview.watch(_strips(scene, settings.size, settings.tile, workers)),
            height=settings.size,
            width=settings.size,
            channels=field.shape[2],
            recipe=recipe,
            made=store.made,
        )
        preview_path = out / "preview.jpg"
        write_image(preview_path, preview.pixels(), recipe=recipe, made=store.made, quality=90)
        save_settings(
            out, "widefield", settings, catalog=catalog.root, dropped=store.dropped, galaxies=count
        )
        write_truth(out, truth_table(store, scene), recipe, made=store.made)
        return WideView(
            folder=out,
            image=image,
            preview=preview_path,
            truth=out / TRUTH_FILE,
            size=settings.size,
            galaxies=count,
            dropped=store.dropped,
            seconds=time.monotonic() - started,
        )


def _compose(
    model: FieldModel, store: StampStore, settings: WidefieldSettings, count: int
) -> Scene:
    """Place the galaxies, with sizes and fluxes corrected by those of a painted sample."""
    sizes = np.array([stamp.a for stamp in store.stamps])
    fluxes = np.array([stamp.flux for stamp in store.stamps])
    limit = settings.max_enlarge

    def draw(number: int, seed: int) -> Placement:
        return place(
            model, sizes, fluxes, count=number, size=settings.size, seed=seed, max_enlarge=limit
        )

    def scene(placement: Placement) -> Scene:
        return Scene(model, store, placement, seed=settings.seed, max_gain=settings.max_gain)

    # The sample has a seed of its own: the correction is the field's and the stamps', not the
    # view's.
    sample = draw(SAMPLE, 0)
    ratios = measured_ratios(model, sample, scene(sample).render)
    return scene(corrected(draw(count, settings.seed), ratios, limit))


def view_image(folder: Path) -> Path:
    """Return the picture of the wide view in a folder.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in _IMAGES:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder} is not a wide view: it has neither {' nor '.join(_IMAGES)}")


def _make_room(out: Path, *, overwrite: bool) -> None:
    """Refuse an existing view, or remove it, its truth catalog first."""
    if not overwrite and (out / TRUTH_FILE).exists():
        raise InputError(f"{out} already holds a wide view; choose another --out, or --overwrite")
    out.mkdir(parents=True, exist_ok=True)
    for name in (TRUTH_FILE, "truth.fits", *_IMAGES):
        (out / name).unlink(missing_ok=True)


def _read_field(like: str | None) -> tuple[NDArray[np.uint8], str]:
    if like is not None:
        return decode(Path(like))[0].pixels, Path(like).name
    from skimage.data import hubble_deep_field

    pixels = hubble_deep_field()  # type: ignore[no-untyped-call]
    return np.asarray(pixels, np.uint8), "Hubble Deep Field"


def _recipe(
    settings: WidefieldSettings, store: StampStore, field: str, field_id: str, count: int
) -> dict[str, Any]:
    names = "".join(stamp.image_id for stamp in store.stamps)
    kept = {k: v for k, v in settings_dict(settings).items() if k not in _NOT_RECIPE}
    return {
        "operation": "widefield",
        "like": field,
        "like_id": field_id,
        "stamps": len(store.stamps),
        "stamps_id": hashlib.blake2b(names.encode(), digest_size=16).hexdigest(),
        "models": store.models,
        **kept,
        "count": count,
    }


def _strips(scene: Scene, size: int, tile: int, workers: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the view from top to bottom, a row of tiles at a time."""
    places = [(y, x) for y in range(0, size, tile) for x in range(0, size, tile)]
    across = -(-size // tile)
    pending: deque[Future[NDArray[np.uint8]]] = deque()
    row: list[NDArray[np.uint8]] = []
    with (
        bar(total=len(places), what="painting", unit="tiles") as shown,
        ThreadPoolExecutor(workers) as pool,
    ):
        try:
            for y, x in places:
                pending.append(
                    pool.submit(scene.tile, y, x, min(tile, size - y), min(tile, size - x))
                )
                # As many tiles ahead as keep the workers busy, and no more in memory.
                if len(pending) <= workers:
                    continue
                row.append(pending.popleft().result())
                shown.update()
                if len(row) == across:
                    yield np.concatenate(row, axis=1)
                    row = []
            while pending:
                row.append(pending.popleft().result())
                shown.update()
                if len(row) == across:
                    yield np.concatenate(row, axis=1)
                    row = []
        finally:
            for future in pending:
                future.cancel()


class _Preview:
    """The view reduced by whole-pixel averages as its strips go by."""

    def __init__(self, size: int, channels: int) -> None:
        self._size = size
        self._factor = -(-size // _PREVIEW)
        side = -(-size // self._factor)
        self._sums = np.zeros((side, side, channels), np.uint64)

    def watch(self, strips: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """Yield the strips, and add them up."""
        side, _, channels = self._sums.shape
        missing = side * self._factor - self._size
        top = 0
        for strip in strips:
            padded = np.pad(strip, [(0, 0), (0, missing), (0, 0)]) if missing else strip
            cells = padded.reshape(len(strip), side, self._factor, channels)
            columns = cells[:, :, 0].astype(np.uint32)
            for step in range(1, self._factor):
                columns += cells[:, :, step]
            for row in range(len(strip)):
                self._sums[(top + row) // self._factor] += columns[row]
            top += len(strip)
            yield strip

    def pixels(self) -> NDArray[np.uint8]:
        """Return the averages, ``(side, side, C)`` uint8."""
        lengths = np.full(len(self._sums), self._factor, np.uint64)
        lengths[-1] = self._size - (len(lengths) - 1) * self._factor
        means = self._sums / np.outer(lengths, lengths)[..., None]
        return np.rint(means).astype(np.uint8)
