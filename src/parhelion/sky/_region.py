"""Any part of a wide view again, from its recipe: the same pixels, without its pictures."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._settings import settings_from_dict
from parhelion.catalog import DecodeSettings, open_windows
from parhelion.errors import InputError
from parhelion.provenance import write_image
from parhelion.sky._frame import part_cards
from parhelion.sky._grid import Grid
from parhelion.sky._noise import Sky
from parhelion.sky._placement import Placement, tints
from parhelion.sky._planes import write_planes
from parhelion.sky._psf import make_psf
from parhelion.sky._render import Galaxies, Layer, Scene
from parhelion.sky._settings import RegionSettings, WidefieldSettings
from parhelion.sky._stars import draw_stars
from parhelion.sky._store import CatalogStamps
from parhelion.sky._strips import strips
from parhelion.sky._truth import read_truth
from parhelion.sky._view import model_from_json, read_view

_TILE = 1024
_FITS = (".fits", ".fit")
_EXACT = (*_FITS, ".png", ".tif", ".tiff")  # formats that keep every bit


class OpenView:
    """A wide view of which windows are read; use it in a ``with`` statement.

    TIFF is read, or a PNG that is not too large to decode; of a view without either, parts are
    rendered again.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels.
    """

    def __init__(self, folder: Path, catalog: Path | None = None) -> None:
        view = read_view(folder)
        self.shape = (int(view["height"]), int(view["width"]), int(view["channels"]))
        image = _readable(folder, view)
        self._windows = open_windows(image) if image is not None else None
        self._scene = None if image is not None else rebuild(folder, catalog)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._windows is not None:
            self._windows.__exit__(kind, error, trace)

    def read(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.uint8]:
        """Return the part of a window that is inside the view, ``(h, w, C)`` uint8."""
        if self._windows is not None:
            return self._windows.read(y0, x0, height, width)
        y1, x1 = min(y0 + height, self.shape[0]), min(x0 + width, self.shape[1])
        y0, x0 = max(y0, 0), max(x0, 0)
        if self._scene is None:
            raise ValueError("a view has windows or a scene")
        return self._scene.tile(y0, x0, y1 - y0, x1 - x0)


def open_view(folder: Path | str, catalog: Path | str | None = None) -> OpenView:
    """Open a wide view of any size to read parts of it; see `OpenView`.

    Parameters
    ----------
    folder : Path
        What `parhelion.widefield` wrote.
    catalog : Path, optional
        Where the catalog of its galaxies is now; default: where it was.

    Raises
    ------
    InputError
        If it is no finished view.
    """
    return OpenView(Path(folder), None if catalog is None else Path(catalog))


def render_region(
    view: Path | str,
    x: int,
    y: int,
    width: int,
    height: int,
    *,
    catalog: Path | str | None = None,
) -> NDArray[np.uint8]:
    """Render a part of a wide view again, bit for bit, from its recipe and truth catalog.

    Parameters
    ----------
    view : Path
        Folder that `parhelion.widefield` wrote; its pictures are not needed.
    x, y : int
        First column and row, 0-based pixels, rows from the top.
    width, height : int
        Columns and rows.
    catalog : Path, optional
        Where the catalog of its galaxies is now; default: where it was.

    Returns
    -------
    pixels : ndarray
        ``(height, width, C)`` uint8.

    Raises
    ------
    InputError
        If the region is not inside the view, or an image that it shows is gone or changed.
    """
    folder = Path(view)
    _check(read_view(folder), RegionSettings(x, y, width, height))
    scene = rebuild(folder, None if catalog is None else Path(catalog))
    parts = strips(scene, x=x, y=y, width=width, height=height, tile=_TILE, workers=cores())
    return np.concatenate(list(parts))


def write_region(
    view: Path | str, out: Path | str, settings: RegionSettings | None = None,
    *, catalog: Path | str | None = None,
) -> Path:  # fmt: skip
    """Render a part of a wide view again and write it as FITS with a WCS, PNG or TIFF.

    Parameters
    ----------
    view, catalog
        See `render_region`.
    out : Path
        File to write; its suffix is the format. FITS is written as it is rendered.
    settings : RegionSettings, optional
        Which part.

    Raises
    ------
    InputError
        If the region is not inside the view, an image that it shows is gone or changed, or the
        suffix is none of .fits, .fit, .png, .tif and .tiff.
    """
    folder, out, settings = Path(view), Path(out), settings or RegionSettings()
    if out.suffix.lower() not in _EXACT:
        raise InputError(f"cannot write {out}: its suffix must be one of {', '.join(_EXACT)}")
    described = read_view(folder)
    _check(described, settings)
    place = {"x": settings.x, "y": settings.y, "width": settings.width, "height": settings.height}
    recipe = {**described["recipe"], "region": place}
    if out.suffix.lower() not in _FITS:
        pixels = render_region(
            folder, settings.x, settings.y, settings.width, settings.height, catalog=catalog
        )
        write_image(out, pixels, recipe=recipe, made=described["made"])
        return out
    scene = rebuild(folder, None if catalog is None else Path(catalog))
    cards = part_cards(described["wcs"], x=settings.x, y=settings.y, height=settings.height)
    write_planes(
        out, strips(scene, **place, tile=_TILE, workers=cores()), height=settings.height,
        width=settings.width, channels=int(described["channels"]), wcs=cards, recipe=recipe,
        made=described["made"],
    )  # fmt: skip
    return out


def rebuild(folder: Path, catalog: Path | None) -> Scene:
    """Return the scene of a finished view, whose galaxies are read when they are drawn."""
    view = read_view(folder)
    truth = read_truth(folder)
    settings = settings_from_dict(WidefieldSettings, view["settings"], where=str(folder))
    model = model_from_json(view["sky_model"])
    channels = len(model.level)
    root = catalog if catalog is not None else Path(view["catalog"])
    if not root.is_dir():
        raise InputError(
            f"the catalog of {folder}'s galaxies is not at {root} any more; say with --catalog "
            "where it is"
        )
    table = truth.filter(np.not_equal(truth["kind"].to_numpy(zero_copy_only=False), "star"))

    def column(name: str) -> NDArray[Any]:
        return np.asarray(table[name].to_numpy(zero_copy_only=False))

    images = list(zip(table["path"].to_pylist(), table["image_id"].to_pylist(), strict=True))
    known = {image: index for index, image in enumerate(dict.fromkeys(images))}
    stamps = CatalogStamps(root, list(known), channels)
    count = len(images)
    placement = Placement(
        x=column("x"),
        y=column("y"),
        stamp=np.array([known[image] for image in images]),
        angle=column("rotation"),
        flipped=column("flipped").astype(bool),
        zoom=column("zoom"),
        a=column("a"),
        flux=column("flux"),
        most_zoom=np.full(count, np.inf),
        most_gain=np.full(count, np.inf),
    )
    if settings.layout == "grid":
        paths = table["path"].to_pylist()
        grid = Grid(root, paths, size=settings.size, seed=settings.seed, channels=channels)
        return Scene(None, [grid.layer(placement)], channels=channels)
    galaxies = Galaxies(
        stamps,
        placement,
        level=model.level,
        tints=tints(count, channels, seed=settings.seed, jitter=settings.color_jitter),
        psf=make_psf(settings.psf, settings.psf_shape, channels),
        gain=column("gain"),
    )
    layers = [Layer(placement.x, placement.y, column("reach"), galaxies.draw)]
    if settings.stars:
        layers.append(draw_stars(settings, model).layer)
    return Scene(Sky(model, settings.seed, settings.noise), layers, channels=channels)


def _readable(folder: Path, view: dict[str, Any]) -> Path | None:
    """Return the picture to read windows of, or None where there is none, or it is too large."""
    small = view["height"] * view["width"] <= DecodeSettings.pixel_limit
    for kind in ("tiff", "png") if small else ("tiff",):
        image: Path = folder / view["files"].get(kind, "")
        if image.is_file():
            return image
    return None


def _check(view: dict[str, Any], region: RegionSettings) -> None:
    if region.x + region.width > view["width"] or region.y + region.height > view["height"]:
        raise InputError(
            f"the region of {region.width} x {region.height} pixels from ({region.x}, {region.y}) "
            f"is not inside the view of {view['width']} x {view['height']}; see --x, --y, "
            "--width and --height"
        )
