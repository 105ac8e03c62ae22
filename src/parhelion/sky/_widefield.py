"""The wide view: galaxies on a sky, rendered by tiles, with its truth catalog."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._files import write_json
from parhelion._settings import save_settings, settings_dict
from parhelion._version import __version__
from parhelion.catalog import Catalog, decode, image_id, open_catalog
from parhelion.errors import InputError
from parhelion.provenance import write_image, write_strips
from parhelion.sky._compose import Composition, compose
from parhelion.sky._deepzoom import DZI_FILE, TILES, UNFINISHED, DeepZoom, forget
from parhelion.sky._field_model import FieldModel, measure_model
from parhelion.sky._frame import part_cards, view_cards
from parhelion.sky._planes import write_planes
from parhelion.sky._pyramid import write_pyramid
from parhelion.sky._settings import WidefieldSettings
from parhelion.sky._store import StampStore
from parhelion.sky._strips import Preview, strips
from parhelion.sky._truth import REGIONS_FILE, TRUTH_FILE, TRUTH_FITS, write_truth
from parhelion.sky._view import IMAGES, KIND, VERSION, VIEW_FILE, WideView, model_to_json
from parhelion.sky._viewer import PAGE_FILE, VIEWER_FOLDER, write_viewer

_PREVIEW_FILE = "preview.jpg"
# What an earlier view leaves that a new one need not write; its description goes first.
_FILES = (PAGE_FILE, VIEW_FILE, TRUTH_FILE, TRUTH_FITS, REGIONS_FILE, *IMAGES.values())
_FOLDERS = (TILES, VIEWER_FOLDER)
# What does not change the pixels has no place in the recipe.
_NOT_RECIPE = ("tile", "workers", "overwrite", "resume", "like", "format", "zoom_tile", "quality")


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
        Folder to write: the picture (``view.png``, ``view.tiff``, ``sky.fits``, or ``sky.dzi``
        with its tiles), ``preview.jpg``, ``truth.parquet``, ``truth.fits``, ``sky.reg``,
        ``settings.json`` and, last, ``sky.json``, which describes them; after it the page
        ``index.html`` of a deep zoom.
    settings : WidefieldSettings, optional
        How large, how many, and like which field.

    Raises
    ------
    InputError
        If no image shows a galaxy, the field has no sources to follow, a table cannot be used,
        `out` holds a view, or files of such names, and `settings.overwrite` is False, or what is
        to be read is among the files that a new view replaces.
    """
    started = time.monotonic()
    settings = settings or WidefieldSettings()
    out = Path(out)
    catalog = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
    _check_room(out, catalog, settings)
    field, field_name = _read_field(settings.like)
    model = measure_model(field, min_area=settings.min_area, where=field_name)
    channels = field.shape[2]
    workers = settings.workers or cores()
    wcs = view_cards(
        settings.size, ra=settings.ra, dec=settings.dec, pixel_scale=settings.pixel_scale
    )
    out.mkdir(parents=True, exist_ok=True)
    with StampStore(catalog, channels, out, workers) as store:
        composed = compose(model, store, settings, wcs)
        count = len(composed.placement.x)
        recipe = _recipe(settings, store, field_name, image_id(field), count)
        # Not before all that may fail has been read.
        _make_room(out, settings)
        preview = _write_images(out, composed, settings, recipe, channels, workers, store.made, wcs)
        write_image(out / _PREVIEW_FILE, preview, recipe=recipe, made=store.made, quality=90)
        save_settings(
            out, "widefield", settings, catalog=catalog.root, dropped=store.dropped, galaxies=count
        )
        table = composed.truth(store, wcs)
        write_truth(out, table, recipe, made=store.made, pixel_scale=settings.pixel_scale)
        dropped = dict(store.dropped)
        if composed.outside:
            dropped["outside the view"] = composed.outside
        view = WideView(
            folder=out,
            image=out / IMAGES[settings.formats[0]],
            preview=out / _PREVIEW_FILE,
            truth=out / TRUTH_FILE,
            size=settings.size,
            galaxies=count,
            stars=settings.stars,
            dropped=dropped,
            files=_names(settings),
            seconds=time.monotonic() - started,
        )
        described = _describe(view, settings, store, model, recipe, field_name, wcs)
        write_json(out / VIEW_FILE, described)
    if "deepzoom" in settings.formats:
        forget(out)
        write_viewer(out)
    return view


def _write_images(
    out: Path, composed: Composition, settings: WidefieldSettings, recipe: dict[str, Any],
    channels: int, workers: int, made: bool, wcs: dict[str, Any],
) -> NDArray[np.uint8]:  # fmt: skip
    """Write every format that is asked for, and return the preview.

    The deep zoom comes first: it takes longest, and can be continued. Each of the others is
    rendered anew, which costs less than to keep the pixels of a view of any size.
    """
    size, scene = settings.size, composed.scene
    what: dict[str, Any] = {
        "height": size, "width": size, "channels": channels, "recipe": recipe, "made": made
    }  # fmt: skip
    preview: NDArray[np.uint8] | None = None
    if "deepzoom" in settings.formats:
        # Thousands of tiles need not each repeat what one file beside them says.
        short = {name: recipe[name] for name in ("operation", "seed", "count", "models")}
        short |= {"view": VIEW_FILE, "recipe_id": _recipe_id(recipe)}
        zoom = DeepZoom(out, size, channels, settings.zoom_tile, settings.quality, short, made)
        tiles = {"zoom_tile": settings.zoom_tile, "quality": settings.quality}
        preview = zoom.write(
            scene, block=settings.tile, workers=workers, recipe={**recipe, **tiles}
        )

    def stream() -> Iterator[NDArray[np.uint8]]:
        return strips(scene, x=0, y=0, width=size, height=size, tile=settings.tile, workers=workers)

    writers: dict[str, Callable[[Iterator[NDArray[np.uint8]]], None]] = {
        "png": lambda rows: write_strips(out / IMAGES["png"], rows, **what),
        "tiff": lambda rows: write_pyramid(out / IMAGES["tiff"], rows, **what),
        "fits": lambda rows: write_planes(
            out / IMAGES["fits"], rows, wcs=part_cards(wcs, x=0, y=0, height=size), **what
        ),
    }
    for name, write in writers.items():
        if name not in settings.formats:
            continue
        if preview is None:
            watching = Preview(size, channels)
            write(watching.watch(stream()))
            preview = watching.pixels()
        else:
            write(stream())
    if preview is None:
        raise ValueError("a view has at least one format")
    return preview


def _recipe_id(recipe: dict[str, Any]) -> str:
    """Return a short name of a recipe, the same whenever it is the same."""
    text = repr(sorted(recipe.items())).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _check_room(out: Path, catalog: Catalog, settings: WidefieldSettings) -> None:
    """Refuse a folder with files that are to stay, or that holds what is to be read."""
    unfinished = (out / UNFINISHED).exists()
    if not settings.overwrite:
        if (out / VIEW_FILE).exists() or ((out / TRUTH_FILE).exists() and not unfinished):
            raise InputError(
                f"{out} already holds a wide view; choose another --out, or --overwrite"
            )
        if unfinished and not (settings.resume and "deepzoom" in settings.formats):
            raise InputError(
                f"{out} holds a wide view that was interrupted; --resume continues it, with the "
                "same settings, and --overwrite starts again"
            )
        there = [name for name in (*_FILES, _PREVIEW_FILE, *_FOLDERS) if (out / name).exists()]
        if there and not unfinished:
            raise InputError(
                f"{out} already holds {there[0]}, which a view would replace; choose another "
                "--out, or --overwrite"
            )
    replaced = {out.resolve() / name for name in (*_FILES, _PREVIEW_FILE, *_FOLDERS)}
    for given in (catalog.root, settings.like, settings.placement, settings.draw_from):
        if given is None or not Path(given).exists():
            continue
        path = Path(given).resolve()
        if replaced & {path, *path.parents}:
            raise InputError(
                f"{given} is to be read, but a view in --out (={out}) would replace it; "
                "give another --out"
            )


def _make_room(out: Path, settings: WidefieldSettings) -> None:
    """Remove what `_check_room` let pass, the view's description first, but what is continued."""
    if settings.overwrite:
        forget(out)
    kept = (DZI_FILE, TILES) if (out / UNFINISHED).exists() else ()
    for name in _FILES:
        if name not in kept:
            (out / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        if name not in kept and (out / name).exists():
            shutil.rmtree(out / name)


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
    for flag in ("placement", "draw_from"):
        # A table by its name and content: where it lies is nobody's business.
        if kept[flag] is not None and Path(kept[flag]).is_file():
            content = Path(kept[flag]).read_bytes()
            kept[f"{flag}_id"] = hashlib.blake2b(content, digest_size=16).hexdigest()
            kept[flag] = Path(kept[flag]).name
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


def _names(settings: WidefieldSettings) -> dict[str, str]:
    """Return the name of every file of a view, by kind."""
    pictures = {name: IMAGES[name] for name in settings.formats if name != "deepzoom"}
    if "deepzoom" in settings.formats:
        pictures |= {"dzi": DZI_FILE, "tiles": TILES, "page": PAGE_FILE}
    return {
        **pictures,
        "preview": _PREVIEW_FILE,
        "truth": TRUTH_FILE,
        "truth_fits": TRUTH_FITS,
        "regions": REGIONS_FILE,
    }


def _describe(
    view: WideView, settings: WidefieldSettings, store: StampStore, model: FieldModel,
    recipe: dict[str, Any], field: str, wcs: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return what ``sky.json`` holds."""
    level = int(np.ceil(np.log2(settings.size)))
    zoom = {
        "tile_size": settings.zoom_tile,
        "overlap": 0,
        "format": "jpg",
        "levels": level + 1,
        "max_level": level,
        "quality": settings.quality,
    }
    return {
        "kind": KIND,
        "version": VERSION,
        "parhelion": __version__,
        "made": store.made,
        "width": settings.size,
        "height": settings.size,
        "channels": len(model.level),
        "seed": settings.seed,
        "files": view.files,
        "deepzoom": zoom if "deepzoom" in settings.formats else None,
        "wcs": wcs,
        "pixel_scale": settings.pixel_scale,
        "ra": settings.ra,
        "dec": settings.dec,
        "counts": {
            "galaxies": view.galaxies,
            "stars": view.stars,
            "stamps": len(store.stamps),
            "dropped": view.dropped,
        },
        "catalog": str(store.root.resolve()),
        "field": field,
        "settings": settings_dict(settings),
        "recipe": recipe,
        "sky_model": model_to_json(model),
        "seconds": view.seconds,
    }
