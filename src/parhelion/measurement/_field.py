"""Detection over a wide view, scored against its truth catalog, at several zooms."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion._files import atomic_path, write_json
from parhelion._settings import save_settings
from parhelion.measurement._field_overlay import EXTENTS, Marks, draw_overlay, mark_size
from parhelion.measurement._field_score import Box, Found, matched, score
from parhelion.measurement._field_sep import SepFinder
from parhelion.measurement._field_settings import MeasureFieldSettings
from parhelion.measurement._field_tiles import Finder, open_pixels, search
from parhelion.measurement._field_truth import Truth, read_objects
from parhelion.measurement._field_zoom import Windows, ZoomedView, zoomed_box
from parhelion.measurement._onnx_detector import open_onnx
from parhelion.provenance import read_mark, write_image
from parhelion.sky import view_image

FIELD_FILE = "field.json"
TRUTH_FILE = "truth.parquet"

_RIM = 32  # pixels of the view
_COMPARED = ("completeness", "completeness_interval", "purity", "purity_interval")


class _Zooming(Finder, Protocol):
    def zoomed(self, zoom: float) -> Self:
        """Return the same finder for another zoom."""


@dataclass(frozen=True)
class _Opened:
    """A view to read windows of, and what other processes need to open it for themselves."""

    folder: Path
    catalog: Path | None
    windows: Windows


def measure_field(
    view: Path | str,
    settings: MeasureFieldSettings | None = None,
    out: Path | str | None = None,
    *,
    catalog: Path | str | None = None,
) -> dict[str, Any]:
    """Find the sources of a wide view, and compare them with its truth catalog.

    An object is found when it and a detection are each other's nearest, and not farther apart
    than ``max(min_radius, radius * a)`` pixels. Purity is the share of detections that are
    objects found so: of two detections on one galaxy one is impure, of two galaxies in one
    detection one is missed.

    sep searches the whole view, and the view zoomed: reduced as a whole, or the middle of it
    enlarged. The settings are in pixels of what is searched, as the detector does not know of
    the zoom; only the cells of the background keep their size on the sky. With `settings.onnx`,
    a network does the same, and is scored in the same way.

    Parameters
    ----------
    view : Path
        Folder that `parhelion.widefield` wrote.
    settings : MeasureFieldSettings, optional
        How sources are found and matched.
    out : Path, optional
        Folder for ``field.json`` (the figures), ``overlay-*.png`` (found, missed and spurious
        sources outlined, one for each zoom) and ``detections*.parquet``: a row per detection,
        with `object_id` of the object it matches, or null, and `separation`. Without, only
        ``detections.parquet`` is written, into `view`.
    catalog : Path, optional
        Where the catalog of the view's galaxies is now, if not where it was; a view without TIFF,
        or a PNG that fits into memory, is rendered again from it.

    Returns
    -------
    measured : dict
        Of sep on the whole view: counts `galaxies`, `detected`, `matched` (galaxies) and, where
        there are any, `stars`; `completeness` of galaxies and `purity` with 95 % Wilson
        intervals; `matched_by_chance`, see `matched_by_chance`; the same `above_limit`: of
        galaxies whose true flux is `limit_snr` times the noise in their own ellipse of 2 `a` by
        2 `b` or more; completeness `by_flux` and `by_size` in bins of true flux and semi-major
        axis, `purity_by_flux` and `purity_by_size` in bins of measured ones; `separation`, median
        and 95th percentile in pixels; `flux_ratio`, median of measured to true; `astrometry` and
        `photometry` of the matched galaxies; `rms`, noise of the sky; `zooms`, a list of the same
        for each zoom with `zoom`, its `box` (y0, x0, y1, x1) and, of the same part unzoomed,
        `unzoomed`; `onnx`, the same for the network; `overlays`, names of pictures; `seconds`.

    Raises
    ------
    InputError
        If the folder is not a wide view, it is to be rendered again and its catalog is gone, or the
        ONNX file is no detector.
    MissingExtraError
        If there is an ONNX file and ONNX Runtime is not installed.
    """
    started = time.monotonic()
    settings = settings or MeasureFieldSettings()
    view = Path(view)
    truth = read_objects(view)
    finders: dict[str, _Zooming] = {"sep": SepFinder(settings)}
    if settings.onnx is not None:
        finders["onnx"] = open_onnx(settings)
    target = view if out is None else Path(out)
    catalog = None if catalog is None else Path(catalog)
    figures: dict[str, Any] = {}
    overlays: list[dict[str, Any]] = []
    with open_pixels(view, catalog) as windows:
        opened = _Opened(view, catalog, windows)
        for name, finder in finders.items():
            part = _measure(opened, truth, finder, name, settings, target, out is not None)
            overlays += part.pop("overlays")
            if name == "sep":
                figures = part
            else:
                figures[name] = {"file": Path(str(settings.onnx)).name, **part}
    figures["overlays"] = overlays
    figures["seconds"] = time.monotonic() - started
    if out is not None:
        save_settings(target, "measure field", settings, view=view)
        write_json(target / FIELD_FILE, figures)
    return figures


def _measure(
    view: _Opened,
    truth: Truth,
    finder: _Zooming,
    name: str,
    settings: MeasureFieldSettings,
    target: Path,
    pictures: bool,
) -> dict[str, Any]:
    """Return the figures of one finder at every zoom; write what it found, and pictures."""
    suffix = "" if name == "sep" else f"-{name}"
    whole = zoomed_box(view.windows.shape, 1, settings.zoom_size)
    plain = _find(view, truth, finder, 1.0, whole, settings)
    figures = score(truth, plain, None, plain.rms, settings)
    if pictures or name == "sep":
        _write_detections(target / f"detections{suffix}.parquet", plain, truth)
    searched = [(1.0, plain)]
    zooms = []
    for zoom in settings.zooms:
        box = zoomed_box(view.windows.shape, zoom, settings.zoom_size)
        part = None if box == whole else box
        # What the part's border would cut is found with a rim around it, but not counted.
        rim = _grown(box, view.windows.shape) if zoom > 1 else box
        found = _find(view, truth, finder.zoomed(zoom), zoom, rim, settings)
        searched.append((zoom, found))
        same = score(truth, plain, part, plain.rms, settings)
        zooms.append(
            {
                "zoom": zoom,
                "box": list(box),
                **score(truth, found, part, plain.rms, settings),
                "unzoomed": {key: same[key] for key in _COMPARED},
            }
        )
        if pictures:
            _write_detections(target / f"detections{suffix}-zoom-{zoom:g}.parquet", found, truth)
    figures["zooms"] = zooms
    figures["overlays"] = []
    for zoom, found in sorted(searched, key=lambda item: item[0]) if pictures else ():
        file = f"overlay{suffix}-zoom-{zoom:g}.png"
        # No more than was searched: what lies beyond would be drawn as missed.
        side = min(settings.overlay, settings.zoom_size) if zoom > 1 else settings.overlay
        picture = _overlay(view.windows, truth, found, zoom, side, name)
        recipe = {"operation": "field overlay", "zoom": zoom, "detector": name}
        write_image(target / file, picture, recipe=recipe, made=_is_made(view.folder))
        figures["overlays"].append({"file": file, "zoom": zoom, "detector": name})
    return figures


def _find(
    view: _Opened,
    truth: Truth,
    finder: Finder,
    zoom: float,
    box: Box,
    settings: MeasureFieldSettings,
) -> Found:
    """Search a zoomed part, bring what is found to pixels of the view, and match it."""
    table, rms = search(
        view.folder, view.windows, finder, zoom=zoom, box=box, workers=settings.workers,
        catalog=view.catalog,
    )  # fmt: skip
    for name, start in (("x", box[1]), ("y", box[0])):
        table[name] = start + (table[name] + 0.5) / zoom - 0.5
    for name, power in (("a", 1), ("b", 1), ("width", 1), ("height", 1), ("flux", 2), ("npix", 2)):
        if name in table:
            table[name] = table[name] / zoom**power
    return matched(truth, table, rms, zoom, settings)


def _overlay(
    windows: Windows, truth: Truth, found: Found, zoom: float, side: int, name: str
) -> NDArray[np.uint8]:
    """Draw the middle of the view at a zoom, `side` pixels square at most."""
    shape = windows.shape
    height, width = (max(1, min(length, round(side / zoom))) for length in shape[:2])
    y0, x0 = (shape[0] - height) // 2, (shape[1] - width) // 2
    picture = ZoomedView(windows, zoom, (y0, x0, y0 + height, x0 + width))

    def places(x: Any, y: Any, a: Any) -> NDArray[np.float64]:
        along = [(place + 0.5 - start) * zoom - 0.5 for place, start in ((x, x0), (y, y0))]
        return np.column_stack([*along, mark_size(a, zoom)])

    table = found.table
    # The half side of a box is already where a galaxy has faded.
    outlines = places(table["x"], table["y"], table["a"] / (EXTENTS if "width" in table else 1))
    missed = found.match < 0
    marks = Marks(
        found=outlines[found.real],
        missed=places(truth.x[missed], truth.y[missed], truth.a[missed]),
        spurious=outlines[~found.real],
    )
    pixels = picture.read(0, 0, *picture.shape[:2])
    return draw_overlay(pixels, marks, f"{name}, zoom {zoom:g}")


def _grown(box: Box, shape: tuple[int, int, int]) -> Box:
    y0, x0, y1, x1 = box
    return (
        max(y0 - _RIM, 0),
        max(x0 - _RIM, 0),
        min(y1 + _RIM, shape[0]),
        min(x1 + _RIM, shape[1]),
    )


def _is_made(view: Path) -> bool:
    """Return whether a model made what the view shows; where nothing says so, it may have."""
    # The truth catalog is marked as the view is, which need not be one file.
    mark = read_mark(view / TRUTH_FILE) or read_mark(view_image(view))
    return mark is None or mark.made


def _write_detections(path: Path, found: Found, truth: Truth) -> None:
    hit = np.flatnonzero(found.match >= 0)
    count = len(found.table["x"])
    known = np.zeros(count, bool)
    known[found.match[hit]] = True
    objects = np.zeros(count, np.int64)
    objects[found.match[hit]] = truth.object_id[hit]
    separation = np.zeros(count)
    separation[found.match[hit]] = found.apart[hit]
    whole = {"npix": np.int64, "class": np.int64, "cut": np.bool_}
    columns: dict[str, Any] = {
        name: np.rint(values).astype(whole[name]) if name in whole else values
        for name, values in found.table.items()
    }
    columns["object_id"] = pa.array(objects, mask=~known)
    columns["separation"] = pa.array(separation, mask=~known)
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")
