"""Tiles of a wide view: blank sky plus the light of every galaxy that reaches in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter

from parhelion.catalog import luma
from parhelion.sky._field_model import FieldModel
from parhelion.sky._noise import blank_sky
from parhelion.sky._placement import BLUR, Placement
from parhelion.sky._store import StampStore

#: Brightest that a galaxy's core may come out on its own: short of 255, where cores clip flat.
CEILING = 250.0


@dataclass(frozen=True)
class Rendered:
    """A galaxy as it is added to the view.

    Attributes
    ----------
    light : ndarray
        ``(h, w, C)`` float32 display units.
    y0, x0 : int
        Where its first pixel lies in the view; may be negative.
    flux, peak : float
        Sum and maximum of its luma.
    """

    light: NDArray[np.float32]
    y0: int
    x0: int
    flux: float
    peak: float


class Scene:
    """Everything that is needed to render any part of a view.

    Parameters
    ----------
    model : FieldModel
        The sky.
    store : StampStore
        The galaxies' light.
    placement : Placement
        Where they go.
    seed, max_gain
        See `WidefieldSettings`.

    Attributes
    ----------
    placement : Placement
        As given.
    flux, peak : ndarray
        ``(N,)`` float64: the luma that each galaxy got; NaN until the tile with its center is
        rendered.
    """

    def __init__(
        self,
        model: FieldModel,
        store: StampStore,
        placement: Placement,
        *,
        seed: int,
        max_gain: float,
    ) -> None:
        self._model, self._store, self.placement = model, store, placement
        self._seed, self._max_gain = seed, max_gain
        self.flux = np.full(len(placement.x), np.nan)
        self.peak = np.full(len(placement.x), np.nan)
        shapes = np.array([stamp.shape[:2] for stamp in store.stamps], np.float64)
        # No pixel of a stamp is farther from its center than its diagonal.
        diagonal = np.hypot(shapes[:, 0], shapes[:, 1])[placement.stamp]
        self._reach = diagonal * placement.zoom + 8.0

    def tile(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.uint8]:
        """Render the window from (y0, x0), ``(height, width, C)`` uint8."""
        place = self.placement
        view = blank_sky(self._model, self._seed, y0, x0, height, width)
        near = (place.x + self._reach >= x0) & (place.x - self._reach < x0 + width)
        near &= (place.y + self._reach >= y0) & (place.y - self._reach < y0 + height)
        # In the order of their numbers, so that sums round the same in every tile.
        for index in np.flatnonzero(near):
            drawn = self.render(int(index))
            row, column = int(np.rint(place.y[index])), int(np.rint(place.x[index]))
            if y0 <= row < y0 + height and x0 <= column < x0 + width:
                self.flux[index], self.peak[index] = drawn.flux, drawn.peak
            add_light(view, drawn, y0, x0)
        np.rint(view, out=view)
        np.clip(view, 0, 255, out=view)
        return np.ascontiguousarray(view.transpose(1, 2, 0).astype(np.uint8))

    def render(self, index: int) -> Rendered:
        """Render one galaxy on nothing."""
        place = self.placement
        stamp = int(place.stamp[index])
        info = self._store.stamps[stamp]
        light, y0, x0 = turn(
            self._store.light(stamp),
            center=(info.y, info.x),
            to=(float(place.y[index]), float(place.x[index])),
            zoom=float(place.zoom[index]),
            angle=float(place.angle[index]),
            flipped=bool(place.flipped[index]),
        )
        gray = luma(light)
        total = max(float(gray.sum(dtype=np.float64)), 1e-6)
        # Flux as drawn, unless noise would show or a core would clip.
        room = (CEILING - self._model.level) / np.maximum(light.max(axis=(0, 1)), 1e-6)
        gain = min(
            float(place.flux[index]) / (total * info.share), self._max_gain, float(room.min())
        )
        light *= np.float32(gain)
        return Rendered(light, y0, x0, gain * total, gain * float(gray.max()))


def turn(
    light: NDArray[np.float32],
    *,
    center: tuple[float, float],
    to: tuple[float, float],
    zoom: float,
    angle: float,
    flipped: bool,
) -> tuple[NDArray[np.float32], int, int]:
    """Mirror, turn, scale and move a stamp, by cubic splines.

    Where it shrinks, a Gaussian of ``BLUR * sqrt(1 / zoom**2 - 1)`` pixels (`BLUR` pixels of the
    result, less what a pixel has already) removes what would alias.

    Parameters
    ----------
    light : ndarray
        ``(h, w, C)`` float32, 0 along its border.
    center, to : tuple of float
        (y, x) of the galaxy in `light`, and where it goes.
    zoom, angle, flipped
        See `Placement`.

    Returns
    -------
    turned : ndarray
        ``(H, W, C)`` float32.
    y0, x0 : int
        Where its first pixel goes.
    """
    sigma = BLUR * max(1.0 / zoom**2 - 1.0, 0.0) ** 0.5
    # Zeros around it, for the blur to spread into and for the splines to come to rest.
    margin = int(np.ceil(3 * sigma)) + 3
    padded = np.pad(light, [(margin, margin), (margin, margin), (0, 0)])
    if sigma > 0:
        padded = gaussian_filter(padded, (sigma, sigma, 0), truncate=3.0)
    middle = np.array(center) + margin
    mirror = -1.0 if flipped else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    # From an offset (dy, dx) in the view to one in the stamp: turned back, mirrored, unscaled.
    matrix = np.array([[cos, -sin], [mirror * sin, mirror * cos]]) / zoom
    height, width = padded.shape[:2]
    corners = np.array([[y, x] for y in (0, height - 1) for x in (0, width - 1)]) - middle
    offsets = corners @ np.linalg.inv(matrix).T + np.array(to)
    first = np.floor(offsets.min(axis=0)).astype(int)
    last = np.ceil(offsets.max(axis=0)).astype(int)
    turned = np.empty((*(last - first + 1), padded.shape[2]), np.float32)
    start = middle + matrix @ (first - np.array(to))
    for c in range(padded.shape[2]):
        affine_transform(padded[..., c], matrix, start, output=turned[..., c], order=3)
    return turned, int(first[0]), int(first[1])


def add_light(view: NDArray[np.float32], drawn: Rendered, y0: int, x0: int) -> None:
    """Add a galaxy to the window ``(C, H, W)`` from (y0, x0), in place."""
    height, width = drawn.light.shape[:2]
    top, left = max(drawn.y0, y0), max(drawn.x0, x0)
    bottom = min(drawn.y0 + height, y0 + view.shape[1])
    right = min(drawn.x0 + width, x0 + view.shape[2])
    if top >= bottom or left >= right:
        return
    part = drawn.light[top - drawn.y0 : bottom - drawn.y0, left - drawn.x0 : right - drawn.x0]
    view[:, top - y0 : bottom - y0, left - x0 : right - x0] += part.transpose(2, 0, 1)
