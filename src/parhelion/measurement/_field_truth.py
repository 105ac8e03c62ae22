"""The truth catalog of a wide view as arrays, with its WCS where it has one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import celestial_wcs
from parhelion.errors import InputError
from parhelion.sky import read_truth, read_view

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Objects of a view: a row of each array is one; see `parhelion.sky.read_truth`.

    Attributes
    ----------
    object_id : ndarray
        ``(N,)`` int64.
    x, y, a, b : ndarray
        ``(N,)`` float64: pixels of the view.
    flux : ndarray
        ``(N,)`` float64: luma above the sky.
    star : ndarray
        ``(N,)`` bool: no galaxy.
    wcs : WCS or None
        Of the view's pixels, from 0.
    """

    object_id: NDArray[np.int64]
    x: Values
    y: Values
    a: Values
    b: Values
    flux: Values
    star: NDArray[np.bool_]
    wcs: Any

    @property
    def places(self) -> Values:
        """``(N, 2)`` float64: x and y."""
        return np.column_stack([self.x, self.y])

    def snr(self, rms: float) -> Values:
        """Return flux to noise in the ellipse of 2 `a` by 2 `b` (of 0.5 by 0.5 pixels at least)."""
        return self.flux / (rms * np.sqrt(4 * np.pi * np.maximum(self.a * self.b, 0.25)))

    def east_north(
        self, x: Values, y: Values, index: NDArray[np.int64]
    ) -> tuple[Values, Values] | None:
        """Return how far places are east and north of the objects `index`, in arcseconds."""
        if self.wcs is None:
            return None
        ra, dec = (np.asarray(v) for v in self.wcs.wcs_pix2world(x, y, 0))
        ra0, dec0 = self.wcs.wcs_pix2world(self.x[index], self.y[index], 0)
        turn = np.mod(ra - ra0 + 180, 360) - 180
        return 3600 * turn * np.cos(np.deg2rad(dec0)), 3600 * (dec - dec0)


def read_objects(view: Path) -> Truth:
    """Read the truth catalog of a view, and its WCS where it has one.

    Raises
    ------
    InputError
        If there is no truth catalog, it is empty, or lacks a column.
    """
    table = read_truth(view)
    if not table.num_rows:
        raise InputError(f"the truth catalog of {view} is empty; there is nothing to find")
    names = ("x", "y", "a", "b", "flux")
    missing = [name for name in ("object_id", *names) if name not in table.column_names]
    if missing:
        raise InputError(f"the truth catalog of {view} has no column {missing[0]!r}")
    x, y, a, b, flux = (
        table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in names
    )
    star = np.zeros(table.num_rows, bool)
    if "kind" in table.column_names:
        star = np.array([kind == "star" for kind in table["kind"].to_pylist()])
    return Truth(
        table["object_id"].to_numpy(),
        x,
        y,
        np.nan_to_num(a),
        np.nan_to_num(b),
        flux,
        star,
        _wcs(view),
    )


def _wcs(view: Path) -> Any:
    """Return the WCS of a view, or None where nothing describes it."""
    if not (view / "sky.json").is_file():
        return None
    cards = read_view(view).get("wcs")
    return celestial_wcs(cards) if cards else None
