"""The figures of a match: completeness, purity, and how far places and fluxes are off."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._intervals import wilson_interval

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CONFIDENCE_Z = 1.959964  # of 95 % of a normal distribution
_ROBUST = 1.4826  # median absolute deviation to standard deviation, of a normal distribution


def share_of(hit: Mask, name: str) -> dict[str, Any]:
    """Return the share of `hit` under `name`, its interval, and what it is of."""
    matched, count = int(hit.sum()), len(hit)
    return {
        "matched": matched,
        name: matched / count if count else None,
        f"{name}_interval": wilson_interval(matched, count),
    }


def shares_by(values: Values, hit: Mask, bins: int, *, axis: str, count: str, name: str) -> Any:
    """Return the share of `hit` in bins of `values` with equally many members.

    Each bin has, under `axis`, its least and greatest value; under `count`, how many it holds;
    and what `share_of` returns.
    """
    return [
        {
            axis: [float(values[part[0]]), float(values[part[-1]])],
            count: len(part),
            **share_of(hit[part], name),
        }
        for part in _equal_bins(values, bins)
    ]


def astrometry(
    dx: Values, dy: Values, flux: Values, bins: int, east_north: tuple[Values, Values] | None
) -> dict[str, Any]:
    """Return the residuals of places, measured less true, of matched objects.

    Parameters
    ----------
    dx, dy : ndarray
        ``(N,)`` float64, pixels of the view.
    flux : ndarray
        ``(N,)`` float64, true.
    bins : int
        Bins of `flux`.
    east_north : tuple of ndarray, optional
        The residuals on the sky, in arcseconds towards east and north, where there is a WCS.

    Returns
    -------
    figures : dict
        `count`; for `dx` and `dy` (and `east`, `north` in arcseconds) `mean` with its standard
        error `mean_error`, and `rms`; `rms` of both axes together; `by_flux`, the same `rms` in
        bins.
    """
    figures: dict[str, Any] = {
        "count": len(dx),
        "dx": _offsets(dx),
        "dy": _offsets(dy),
        "rms": _rms(np.hypot(dx, dy)),
        "by_flux": [
            {
                "flux": [float(flux[part[0]]), float(flux[part[-1]])],
                "count": len(part),
                "rms": _rms(np.hypot(dx[part], dy[part])),
            }
            for part in _equal_bins(flux, bins)
        ],
    }
    if east_north is not None:
        east, north = east_north
        figures["arcsec"] = {
            "east": _offsets(east),
            "north": _offsets(north),
            "rms": _rms(np.hypot(east, north)),
        }
    return figures


def photometry(measured: Values, true: Values, bins: int) -> dict[str, Any]:
    """Return how measured fluxes of matched objects compare with true ones.

    Returns
    -------
    figures : dict
        `count`; `median` of measured to true, with a 95 % interval from the order of the values;
        `bias` (the median less 1); `scatter` (1.4826 times the median absolute deviation); and the
        same `by_flux`, in bins of true flux with equally many objects.
    """
    usable = true > 0
    ratio, true = measured[usable] / true[usable], true[usable]
    return {
        **_ratios(ratio),
        "by_flux": [
            {"flux": [float(true[part[0]]), float(true[part[-1]])], **_ratios(ratio[part])}
            for part in _equal_bins(true, bins)
        ],
    }


def percentiles(values: Values, wanted: dict[str, int]) -> dict[str, float | None]:
    """Return percentiles by name; None where there are no values."""
    return {
        name: float(np.percentile(values, percent)) if len(values) else None
        for name, percent in wanted.items()
    }


def _equal_bins(values: Values, bins: int) -> list[NDArray[np.int64]]:
    """Return which values are in each bin, in order of value; none is empty."""
    order = np.argsort(values, kind="stable")
    return list(np.array_split(order, min(bins, len(order)))) if len(order) else []


def _offsets(values: Values) -> dict[str, float | None]:
    if not len(values):
        return {"mean": None, "mean_error": None, "rms": None}
    error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
    return {"mean": float(values.mean()), "mean_error": error, "rms": _rms(values)}


def _rms(values: Values) -> float | None:
    return float(np.sqrt(np.mean(values**2))) if len(values) else None


def _ratios(ratio: Values) -> dict[str, Any]:
    count = len(ratio)
    if not count:
        empty = dict.fromkeys(("median", "median_interval", "bias", "scatter"))
        return {"count": 0, **empty}
    median = float(np.median(ratio))
    # Ranks that bracket the median, by the normal approximation of the binomial distribution.
    ordered = np.sort(ratio)
    reach = _CONFIDENCE_Z * count**0.5 / 2
    low = max(int(np.floor(count / 2 - reach)), 0)
    high = min(int(np.ceil(count / 2 + reach)), count - 1)
    return {
        "count": count,
        "median": median,
        "median_interval": [float(ordered[low]), float(ordered[high])],
        "bias": median - 1,
        "scatter": _ROBUST * float(np.median(np.abs(ratio - median))),
    }
