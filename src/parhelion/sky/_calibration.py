"""Making drawn sizes and fluxes come out as measured ones.

How large and bright a galaxy is found to be depends on its profile, on the isophote and on sep's
filter; a stamp at another scale than the field's is measured otherwise than in the field. So a
sample is painted, measured as the field was, and the sizes and fluxes corrected by what is found.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import find_sources, luma
from parhelion.sky._field_model import THRESHOLD
from parhelion.sky._noise import Sky
from parhelion.sky._placement import Placement
from parhelion.sky._render import Rendered, add_light

_CELL = 96  # pixels to a galaxy
_SIDE = 10  # cells to a row
_BOUNDS = (0.5, 2.0)  # beyond, something else is wrong than the isophote
_LEAST = 10  # galaxies that must be found again

#: Galaxies in a sample.
SAMPLE = _SIDE**2


def measured_ratios(
    sky: Sky, sample: Placement, render: Callable[[int], Rendered]
) -> tuple[float, float]:
    """Return the median ratios of measured to drawn semi-major axis and flux.

    Parameters
    ----------
    sky : Sky
        The sky to paint on.
    sample : Placement
        At least `SAMPLE` objects; their places do not matter.
    render : callable
        Gives an object's light by its number.
    """
    side = _SIDE * _CELL
    light = np.zeros((side, side, sky.channels), np.float32)
    middles = np.arange(_SIDE) * _CELL + _CELL // 2
    centers = np.array([(y, x) for y in middles for x in middles])
    for index, (y, x) in enumerate(centers):
        drawn = render(index)
        shift_y, shift_x = y - round(sample.y[index]), x - round(sample.x[index])
        moved = dataclasses.replace(drawn, y0=drawn.y0 + shift_y, x0=drawn.x0 + shift_x)
        add_light(light, moved, 0, 0)
    pixels = sky.paint(0, 0, light, side, side)
    table = find_sources(luma(pixels), threshold=THRESHOLD).table
    found = _brightest(centers, np.column_stack([table["y"], table["x"]]), table["flux"])
    hit = np.flatnonzero(found >= 0)
    if len(hit) < _LEAST:
        return 1.0, 1.0
    size = float(np.median(table["a"][found[hit]] / sample.a[hit]))
    flux = float(np.median(table["flux"][found[hit]] / sample.flux[hit]))
    return float(np.clip(size, *_BOUNDS)), float(np.clip(flux, *_BOUNDS))


def corrected(placement: Placement, ratios: tuple[float, float]) -> Placement:
    """Return the placement with its sizes and fluxes divided by the ratios.

    Where a size hits the limit of enlargement, the flux follows at the same surface brightness.
    """
    size, flux = ratios
    wanted = placement.zoom / size
    zoom = np.minimum(wanted, placement.most_zoom)
    return dataclasses.replace(
        placement, zoom=zoom, flux=placement.flux / flux * (zoom / wanted) ** 2
    )


def _brightest(
    centers: NDArray[np.int64], places: NDArray[np.float64], flux: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the brightest source within 5 pixels of each center, or -1."""
    found = np.full(len(centers), -1)
    for index, center in enumerate(centers):
        near = np.flatnonzero(np.hypot(*(places - center).T) < 5)
        if len(near):
            found[index] = near[np.argmax(flux[near])]
    return found
