"""Scoring what a search of a wide view found against the objects of its truth catalog."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._intervals import wilson_interval
from parhelion.measurement._field_figures import (
    astrometry,
    percentiles,
    photometry,
    share_of,
    shares_by,
)
from parhelion.measurement._field_match import match_nearest, matched_by_chance
from parhelion.measurement._field_settings import MeasureFieldSettings
from parhelion.measurement._field_truth import Truth

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Found:
    """What a search found, in pixels of the view, and which objects of the truth that is.

    Attributes
    ----------
    table : dict
        Columns of the detections, ``(M,)`` float64 each; `x`, `y`, `a` and `flux` at least.
    match : ndarray
        ``(N,)`` int64: of each object the detection, or -1.
    apart : ndarray
        ``(N,)`` float64: pixels to the nearest detection.
    radius : ndarray
        ``(N,)`` float64: farthest match.
    rms : float
        Noise of the searched picture's sky.
    """

    table: dict[str, NDArray[np.float64]]
    match: NDArray[np.int64]
    apart: NDArray[np.float64]
    radius: NDArray[np.float64]
    rms: float

    @property
    def real(self) -> NDArray[np.bool_]:
        """``(M,)`` bool: which detections are objects of the truth."""
        real = np.zeros(len(self.table["x"]), bool)
        real[self.match[self.match >= 0]] = True
        return real


def matched(
    truth: Truth,
    table: dict[str, NDArray[np.float64]],
    rms: float,
    zoom: float,
    settings: MeasureFieldSettings,
) -> Found:
    """Match detections with the truth; a reduced picture's pixels are larger, so is the radius."""
    least = settings.min_radius * max(1.0, 1 / zoom)
    radius = np.maximum(least, settings.radius * truth.a)
    places = np.column_stack([table["x"], table["y"]])
    return Found(table, *match_nearest(truth.places, places, radius), radius, rms)


def score(
    truth: Truth, found: Found, part: Box | None, noise: float, settings: MeasureFieldSettings
) -> dict[str, Any]:
    """Return the figures of what lies in a part of the view; see `measure_field`.

    Parameters
    ----------
    truth : Truth
        All objects of the view.
    found : Found
        What was found, in the part at least.
    part : tuple of int, optional
        y0, x0, y1, x1 in pixels of the view; without, everything counts.
    noise : float
        RMS of the unzoomed view's sky, for the completeness above the limit.
    settings : MeasureFieldSettings
        `bins` and `limit_snr`.
    """
    bins, table = settings.bins, found.table
    inside, counted = (_inside(item["x"], item["y"], part) for item in (vars(truth), table))
    galaxies, stars = inside & ~truth.star, inside & truth.star
    hit = (found.match >= 0)[galaxies]
    real = found.real[counted]
    flux, a = truth.flux[galaxies], truth.a[galaxies]
    index = np.flatnonzero(galaxies)[hit]
    own = {name: values[found.match[index]] for name, values in table.items()}
    seen = {name: values[counted] for name, values in table.items()}
    bright = truth.snr(noise)[galaxies] >= settings.limit_snr
    figures: dict[str, Any] = {
        "galaxies": len(hit),
        "detected": len(real),
        **share_of(hit, "completeness"),
        "purity": float(real.mean()) if len(real) else None,
        "purity_interval": wilson_interval(int(real.sum()), len(real)),
        "matched_by_chance": matched_by_chance(
            truth.places[galaxies], np.column_stack([seen["x"], seen["y"]]), found.radius[galaxies]
        ),
        "above_limit": {
            "limit_snr": settings.limit_snr,
            "galaxies": int(bright.sum()),
            **share_of(hit[bright], "completeness"),
        },
        "by_flux": shares_by(flux, hit, bins, axis="flux", count="galaxies", name="completeness"),
        "by_size": shares_by(a, hit, bins, axis="a", count="galaxies", name="completeness"),
        "purity_by_flux": shares_by(
            seen["flux"], real, bins, axis="flux", count="detected", name="purity"
        ),
        "purity_by_size": shares_by(
            seen["a"], real, bins, axis="a", count="detected", name="purity"
        ),
        "separation": percentiles(found.apart[index], {"median": 50, "p95": 95}),
        "astrometry": astrometry(
            own["x"] - truth.x[index],
            own["y"] - truth.y[index],
            truth.flux[index],
            bins,
            truth.east_north(own["x"], own["y"], index),
        ),
        "photometry": photometry(own["flux"], truth.flux[index], bins),
        "rms": found.rms,
    }
    figures["flux_ratio"] = {"median": figures["photometry"]["median"]}
    if stars.any():
        star_hit = (found.match >= 0)[stars]
        figures["stars"] = {"count": len(star_hit), **share_of(star_hit, "completeness")}
    return figures


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], part: Box | None) -> NDArray[np.bool_]:
    if part is None:
        return np.ones(len(x), bool)
    y0, x0, y1, x1 = part
    return (x >= x0 - 0.5) & (x < x1 - 0.5) & (y >= y0 - 0.5) & (y < y1 - 0.5)
