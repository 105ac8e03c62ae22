"""Completeness and purity of source detection on a wide view, against its truth catalog."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from parhelion._files import atomic_path
from parhelion._progress import bar
from parhelion.catalog import Windows, find_sources, luma, open_windows
from parhelion.errors import InputError
from parhelion.measurement._field_settings import MeasureFieldSettings
from parhelion.sky import read_truth, view_image

DETECTIONS_FILE = "detections.parquet"

_COLUMNS = ("x", "y", "a", "b", "theta", "flux", "peak", "npix")
_CONFIDENCE_Z = 1.959964  # of 95 % of a normal distribution


def measure_field(view: Path | str, settings: MeasureFieldSettings | None = None) -> dict[str, Any]:
    """Find the sources of a wide view with sep, and compare them with its truth catalog.

    A galaxy is found when it and a detection are each other's nearest, and not farther apart
    than ``max(min_radius, radius * a)`` pixels. Purity is the share of detections that are
    galaxies found so: of two detections on one galaxy one is impure, of two galaxies in one
    detection one is missed.

    Parameters
    ----------
    view : Path
        Folder that `parhelion.widefield` wrote. ``detections.parquet`` is written into it: a row
        per detection, with `object_id` of the galaxy it matches, or null, and `separation`.
    settings : MeasureFieldSettings, optional
        How sources are found and matched.

    Returns
    -------
    measured : dict
        Counts `galaxies`, `detected`, `matched`; `completeness` and `purity` with 95 % Wilson
        intervals; the same `above_limit`: of galaxies whose true flux is `limit_snr` times the
        noise in their own ellipse of 2 `a` by 2 `b` or more; `by_flux`, completeness in
        bins of true flux; `separation`, median and 95th percentile in pixels;
        `flux_ratio`, median of measured to true; `rms`, noise of the sky; `seconds`.

    Raises
    ------
    InputError
        If the folder is not a wide view.
    """
    started = time.monotonic()
    settings = settings or MeasureFieldSettings()
    view = Path(view)
    truth = read_truth(view)
    if not truth.num_rows:
        raise InputError(f"the truth catalog of {view} is empty; there is nothing to find")
    columns = ("x", "y", "a", "b", "flux")
    x, y, a, b, flux = (truth[name].to_numpy().astype(np.float64) for name in columns)
    with open_windows(view_image(view)) as windows:
        found, rms = detect_sources(windows, settings)
    radius = np.maximum(settings.min_radius, settings.radius * a)
    match, apart = match_nearest(
        np.column_stack([x, y]), np.column_stack([found["x"], found["y"]]), radius
    )
    hit = match >= 0
    _write_detections(view, found, truth["object_id"].to_numpy(), match, apart)
    # A galaxy's own noise: that of the sky in its ellipse.
    expected = flux / (rms * np.sqrt(4 * np.pi * np.maximum(a * b, 0.25)))
    bright = expected >= settings.limit_snr
    matched = int(hit.sum())
    return {
        "galaxies": len(x),
        "detected": len(found["x"]),
        "matched": matched,
        "completeness": _share(matched, len(x)),
        "completeness_interval": wilson_interval(matched, len(x)),
        "purity": _share(matched, len(found["x"])),
        "purity_interval": wilson_interval(matched, len(found["x"])),
        "above_limit": {
            "limit_snr": settings.limit_snr,
            "galaxies": int(bright.sum()),
            "matched": int((hit & bright).sum()),
            "completeness": _share(int((hit & bright).sum()), int(bright.sum())),
            "completeness_interval": wilson_interval(int((hit & bright).sum()), int(bright.sum())),
        },
        "by_flux": _by_flux(flux, hit, settings.bins),
        "separation": _percentiles(apart[hit], {"median": 50, "p95": 95}),
        "flux_ratio": _percentiles(found["flux"][match[hit]] / flux[hit], {"median": 50}),
        "rms": rms,
        "seconds": time.monotonic() - started,
    }


def detect_sources(
    windows: Windows, settings: MeasureFieldSettings
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Return sep's columns of every source of a view, and the median noise of its sky.

    Sources are found in overlapping tiles; one counts in the tile whose core has its center.
    """
    height, width, _ = windows.shape
    tile, margin = settings.tile, settings.margin
    parts: list[NDArray[np.float64]] = []
    noises: list[float] = []
    corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    with bar(total=len(corners), what="finding sources", unit="tiles") as shown:
        for y0, x0 in corners:
            pixels = windows.read(y0 - margin, x0 - margin, tile + 2 * margin, tile + 2 * margin)
            sources = find_sources(
                luma(pixels),
                threshold=settings.threshold,
                min_area=settings.min_area,
                deblend_contrast=settings.deblend_contrast,
                mesh=settings.mesh,
            )
            rms = float(np.median(sources.rms))
            noises.append(rms)
            part = np.column_stack([sources.table[name] for name in _COLUMNS]).astype(np.float64)
            part[:, 0] += max(x0 - margin, 0)
            part[:, 1] += max(y0 - margin, 0)
            keep = sources.table["flux"] >= settings.min_snr * rms * np.sqrt(sources.table["npix"])
            keep &= _core(part[:, 0], x0, tile, width) & _core(part[:, 1], y0, tile, height)
            parts.append(part[keep])
            shown.update()
    found = np.concatenate(parts)
    return {name: found[:, index] for index, name in enumerate(_COLUMNS)}, float(np.median(noises))


def _core(place: NDArray[np.float64], start: int, tile: int, length: int) -> NDArray[np.bool_]:
    """Return which centers belong to the tile from `start`; the outermost take what is beyond."""
    first = -np.inf if start == 0 else start - 0.5
    last = np.inf if start + tile >= length else start + tile - 0.5
    return (place >= first) & (place < last)


def match_nearest(
    truth: NDArray[np.float64], found: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Match points that are each other's nearest.

    Parameters
    ----------
    truth, found : ndarray
        ``(N, 2)`` and ``(M, 2)`` float64.
    radius : ndarray
        ``(N,)`` float64: farthest match of each true point.

    Returns
    -------
    match : ndarray
        ``(N,)`` int64: index into `found`, or -1.
    separation : ndarray
        ``(N,)`` float64: distance to the nearest of `found`, infinite where there is none.
    """
    if not len(found):
        return np.full(len(truth), -1), np.full(len(truth), np.inf)
    apart, nearest = cKDTree(found).query(truth)
    _, back = cKDTree(truth).query(found)
    mutual = (back[nearest] == np.arange(len(truth))) & (apart <= radius)
    return np.where(mutual, nearest, -1), apart


def wilson_interval(successes: int, trials: int) -> list[float] | None:
    """Return the 95 % score interval of a proportion, or None without trials.

    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if not trials:
        return None
    z2 = _CONFIDENCE_Z**2
    share = successes / trials
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = (
        _CONFIDENCE_Z
        * (share * (1 - share) / trials + z2 / (4 * trials**2)) ** 0.5
        / (1 + z2 / trials)
    )
    return [max(center - half, 0.0), min(center + half, 1.0)]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _by_flux(flux: NDArray[np.float64], hit: NDArray[np.bool_], bins: int) -> list[dict[str, Any]]:
    """Return completeness in bins of true flux with equally many galaxies."""
    order = np.argsort(flux, kind="stable")
    return [
        {
            "flux": [float(flux[part[0]]), float(flux[part[-1]])],
            "galaxies": len(part),
            "matched": int(hit[part].sum()),
            "completeness": _share(int(hit[part].sum()), len(part)),
            "completeness_interval": wilson_interval(int(hit[part].sum()), len(part)),
        }
        for part in np.array_split(order, min(bins, len(order)))
    ]


def _percentiles(values: NDArray[np.float64], wanted: dict[str, int]) -> dict[str, float | None]:
    return {
        name: float(np.percentile(values, percent)) if len(values) else None
        for name, percent in wanted.items()
    }


def _write_detections(
    view: Path,
    found: dict[str, NDArray[np.float64]],
    object_id: NDArray[np.int64],
    match: NDArray[np.int64],
    apart: NDArray[np.float64],
) -> None:
    hit = np.flatnonzero(match >= 0)
    count = len(found["x"])
    known = np.zeros(count, bool)
    known[match[hit]] = True
    objects = np.zeros(count, np.int64)
    objects[match[hit]] = object_id[hit]
    separation = np.zeros(count)
    separation[match[hit]] = apart[hit]
    table = pa.table(
        {
            **found,
            "npix": found["npix"].astype(np.int64),
            "object_id": pa.array(objects, mask=~known),
            "separation": pa.array(separation, mask=~known),
        }
    )
    with atomic_path(view / DETECTIONS_FILE) as temporary:
        pq.write_table(table, temporary, compression="zstd")
