"""From settings to a scene: population, places, corrections, stars."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from parhelion.errors import InputError, SettingsError
from parhelion.sky._calibration import SAMPLE, corrected, measured_ratios
from parhelion.sky._field_model import FieldModel
from parhelion.sky._grid import Grid, grid_order
from parhelion.sky._noise import Sky
from parhelion.sky._placement import Placement, Population, obey, place, tints
from parhelion.sky._positions import Given, clustered, numbers, read_columns, read_given
from parhelion.sky._psf import Psf, make_psf
from parhelion.sky._render import Galaxies, Layer, Scene, galaxy_reach
from parhelion.sky._settings import WidefieldSettings
from parhelion.sky._stars import Stars, draw_stars
from parhelion.sky._store import StampStore
from parhelion.sky._truth import truth_table


@dataclass(frozen=True)
class Composition:
    """A scene with what its truth catalog needs besides.

    Attributes
    ----------
    scene : Scene
        What to render.
    placement : Placement
        Its galaxies.
    stars : Stars or None
        Its stars.
    psf : Psf or None
        What spreads the galaxies' light.
    kind : str
        What the truth catalog calls a galaxy: ``galaxy``, or ``tile`` of a grid.
    outside : int
        Rows of the table of positions that are not in the view.
    """

    scene: Scene
    placement: Placement
    stars: Stars | None
    psf: Psf | None
    kind: str
    outside: int

    def truth(self, store: StampStore, wcs: dict[str, Any]) -> pa.Table:
        """Return the truth catalog of what was rendered."""
        return truth_table(
            store.stamps, self.placement, self.stars, self.scene, psf=self.psf, kind=self.kind,
            wcs=wcs,
        )  # fmt: skip


def compose(
    model: FieldModel, store: StampStore, settings: WidefieldSettings, wcs: dict[str, Any]
) -> Composition:
    """Place the objects, with sizes and fluxes corrected by those of a painted sample.

    Raises
    ------
    InputError
        If a table that the settings name cannot be used.
    """
    check_bands(settings, len(model.level))
    if settings.layout == "grid":
        return _grid(model, store, settings)
    given = None
    if settings.placement not in ("uniform", "clustered"):
        given = read_given(settings.placement, settings.size, wcs)
        if settings.count is not None and settings.count != len(given):
            raise SettingsError(
                f"--count (={settings.count}) must be left out: {settings.placement} has "
                f"{len(given)} positions in the view"
            )
    count = len(given) if given is not None else galaxy_count(settings, model)
    population = _population(model, settings)
    psf = make_psf(settings.psf, settings.psf_shape, len(model.level))
    placement = _place(store, settings, population, count, given)
    # The sample has a seed of its own: the correction is the field's and the stamps', not the
    # view's.
    sample = place(
        population, *_sizes(store), count=SAMPLE, size=settings.size, seed=0,
        max_enlarge=settings.max_enlarge, max_gain=settings.max_gain,
    )  # fmt: skip
    plain = np.ones((SAMPLE, len(model.level)), np.float32)
    drawn = Galaxies(store, sample, level=model.level, tints=plain, psf=None)
    placement = corrected(placement, measured_ratios(Sky(model, 0), sample, drawn.draw))
    galaxies = Galaxies(
        store,
        placement,
        level=model.level,
        tints=tints(count, len(model.level), seed=settings.seed, jitter=settings.color_jitter),
        psf=psf,
    )
    shapes = np.array([stamp.shape[:2] for stamp in store.stamps], np.float64)[placement.stamp]
    reach = galaxy_reach(shapes, placement.zoom, psf)
    layers = [Layer(placement.x, placement.y, reach, galaxies.draw)]
    stars = draw_stars(settings, model) if settings.stars else None
    if stars is not None:
        layers.append(stars.layer)
    scene = Scene(Sky(model, settings.seed, settings.noise), layers, channels=len(model.level))
    return Composition(
        scene, placement, stars, psf, "galaxy", given.outside if given is not None else 0
    )


def galaxy_count(settings: WidefieldSettings, model: FieldModel) -> int:
    """Return how many galaxies to place where no table says."""
    return settings.count or max(1, round(model.density * settings.size**2))


def check_bands(settings: WidefieldSettings, channels: int) -> None:
    """Refuse values to each band that are more or fewer than the field's bands."""
    for flag in ("psf", "noise"):
        given = len(getattr(settings, flag))
        if given > 1 and given != channels:
            raise SettingsError(
                f"--{flag} has {given} values, but the field has {channels} band(s)"
            )


def _grid(model: FieldModel, store: StampStore, settings: WidefieldSettings) -> Composition:
    count, channels = galaxy_count(settings, model), len(model.level)
    order = grid_order(count, len(store.stamps), settings.seed)
    paths = [store.stamps[index].path for index in order]
    grid = Grid(store.root, paths, size=settings.size, seed=settings.seed, channels=channels)
    placement = grid.placement(store.stamps, order)
    scene = Scene(None, [grid.layer(placement)], channels=channels)
    return Composition(scene, placement, None, None, "tile", 0)


def _population(model: FieldModel, settings: WidefieldSettings) -> Population:
    a, flux = model.a, model.flux
    if settings.draw_from is not None:
        columns = read_columns(settings.draw_from, "draw-from")
        where = f"--draw-from: {settings.draw_from}"
        missing = {"flux", "size"} - set(columns)
        if missing:
            raise InputError(f"{where} has no column {min(missing)!r}; it needs flux and size")
        a, flux = (numbers(columns, name, where) for name in ("size", "flux"))
        usable = (a > 0) & (flux > 0)
        if not usable.any():
            raise InputError(f"{where} has no row with a flux and a size above 0")
        a, flux = a[usable], flux[usable]
    return Population(a * settings.scale, flux * settings.scale**2, settings.flux_law)


def _place(
    store: StampStore, settings: WidefieldSettings, population: Population, count: int,
    given: Given | None,
) -> Placement:  # fmt: skip
    points = None if given is None else (given.x, given.y)
    if settings.placement == "clustered":
        points = clustered(
            count, settings.size, seed=settings.seed, members=settings.cluster_members,
            radius=settings.cluster_radius,
        )  # fmt: skip
    placement = place(
        population, *_sizes(store), count=count, size=settings.size, seed=settings.seed,
        max_enlarge=settings.max_enlarge, max_gain=settings.max_gain, points=points,
    )  # fmt: skip
    if given is None:
        return placement
    ids = [stamp.image_id for stamp in store.stamps]
    return obey(placement, given, ids, _sizes(store)[0])


def _sizes(store: StampStore) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (
        np.array([stamp.a for stamp in store.stamps]),
        np.array([stamp.flux for stamp in store.stamps]),
    )
