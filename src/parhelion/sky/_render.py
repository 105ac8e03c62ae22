"""Any part of a wide view: blank sky plus the light of every object that reaches in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import luma
from parhelion.sky._noise import Sky
from parhelion.sky._placement import Placement
from parhelion.sky._psf import Psf, spread
from parhelion.sky._store import StampInfo
from parhelion.sky._turn import turn

#: Brightest that a galaxy's core may come out on its own: short of 255, where cores clip flat.
CEILING = 250.0
_MARGIN = 8.0  # pixels that splines and blur may add to a galaxy's reach


@dataclass(frozen=True)
class Rendered:
    """An object as it is added to the view.

    Attributes
    ----------
    light : ndarray
        ``(h, w, C)`` float32 display units.
    y0, x0 : int
        Where its first pixel lies in the view; may be negative.
    flux, peak : float
        Sum and maximum of its luma.
    gain : float
        What its stamp's light was multiplied by.
    """

    light: NDArray[np.float32]
    y0: int
    x0: int
    flux: float
    peak: float
    gain: float


class Stamps(Protocol):
    """Where galaxies' light comes from."""

    def info(self, index: int) -> StampInfo:
        """Return what is known of a stamp."""
        ...

    def light(self, index: int) -> NDArray[np.float32]:
        """Return its light, ``(h, w, C)`` float32."""
        ...


@dataclass(frozen=True)
class Layer:
    """Objects of one kind, with numbers of their own from 0.

    Attributes
    ----------
    x, y : ndarray
        ``(N,)`` float64: centers.
    reach : ndarray
        ``(N,)`` float64: no light is farther from the center, in pixels.
    draw : callable
        Gives an object's light by its number.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    reach: NDArray[np.float64]
    draw: Callable[[int], Rendered]


class Galaxies:
    """Draws galaxies from their stamps.

    Parameters
    ----------
    stamps : Stamps
        Their light.
    placement : Placement
        Where they go.
    level : ndarray
        ``(C,)``: sky, above which a core has room up to `CEILING`.
    tints : ndarray
        ``(N, C)`` float32 factors.
    psf : Psf or None
        What spreads their light.
    gain : ndarray or None
        ``(N,)`` float64: of galaxies that were drawn before; else it follows from their flux.
    """

    def __init__(
        self,
        stamps: Stamps,
        placement: Placement,
        *,
        level: NDArray[np.float64],
        tints: NDArray[np.float32],
        psf: Psf | None,
        gain: NDArray[np.float64] | None = None,
    ) -> None:
        self._stamps, self._placement, self._level = stamps, placement, level
        self._tints, self._psf, self._gain = tints, psf, gain

    def draw(self, index: int) -> Rendered:
        """Render one galaxy on nothing."""
        place = self._placement
        stamp = int(place.stamp[index])
        info = self._stamps.info(stamp)
        light, y0, x0 = turn(
            self._stamps.light(stamp),
            center=(info.y, info.x),
            to=(float(place.y[index]), float(place.x[index])),
            zoom=float(place.zoom[index]),
            angle=float(place.angle[index]),
            flipped=bool(place.flipped[index]),
        )
        total = max(float(luma(light).sum(dtype=np.float64)), 1e-6)
        light *= self._tints[index]
        if self._psf is not None:
            light = spread(light, self._psf)
            y0, x0 = y0 - self._psf.reach, x0 - self._psf.reach
        if self._gain is None:
            # Flux as drawn, unless noise would show or a core would clip.
            room = (CEILING - self._level) / np.maximum(light.max(axis=(0, 1)), 1e-6)
            gain = min(
                float(place.flux[index]) / (total * info.share),
                float(place.most_gain[index]),
                float(room.min()),
            )
        else:
            gain = float(self._gain[index])
        light *= np.float32(gain)
        gray = luma(light)
        return Rendered(light, y0, x0, float(gray.sum(dtype=np.float64)), float(gray.max()), gain)


def galaxy_reach(
    shapes: NDArray[np.float64], zoom: NDArray[np.float64], psf: Psf | None
) -> NDArray[np.float64]:
    """Return how far light may be from each center, ``(N,)``, for stamps ``(N, 2)`` large."""
    # No pixel of a stamp is farther from its center than its diagonal.
    beyond = _MARGIN + (psf.reach * 2**0.5 if psf is not None else 0.0)
    reach: NDArray[np.float64] = np.hypot(shapes[:, 0], shapes[:, 1]) * zoom + beyond
    return reach


class Scene:
    """Everything that is needed to render any part of a view.

    Parameters
    ----------
    sky : Sky or None
        The blank sky; without one, objects are pasted over each other on black.
    layers : list of Layer
        The objects; they are numbered through.
    channels : int
        1 or 3.

    Attributes
    ----------
    flux, peak, gain : ndarray
        ``(N,)`` float64: what each object got; NaN until the tile with its center is rendered.
    """

    def __init__(self, sky: Sky | None, layers: list[Layer], *, channels: int) -> None:
        self._sky, self._layers, self._channels = sky, layers, channels
        self._first = np.cumsum([0, *(len(layer.x) for layer in layers)])
        self.x = np.concatenate([layer.x for layer in layers])
        self.y = np.concatenate([layer.y for layer in layers])
        self.reach = np.concatenate([layer.reach for layer in layers])
        self.flux, self.peak, self.gain = (np.full(len(self.x), np.nan) for _ in range(3))

    def tile(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.uint8]:
        """Render the window from (y0, x0), ``(height, width, C)`` uint8."""
        near = (self.x + self.reach >= x0) & (self.x - self.reach < x0 + width)
        near &= (self.y + self.reach >= y0) & (self.y - self.reach < y0 + height)
        light = None
        # In the order of their numbers, so that sums round the same in every tile.
        for index in np.flatnonzero(near):
            if light is None:
                light = np.zeros((height, width, self._channels), np.float32)
            drawn = self.draw(int(index))
            row, column = int(np.rint(self.y[index])), int(np.rint(self.x[index]))
            if y0 <= row < y0 + height and x0 <= column < x0 + width:
                self.flux[index], self.peak[index] = drawn.flux, drawn.peak
                self.gain[index] = drawn.gain
            add_light(light, drawn, y0, x0, paste=self._sky is None)
        if self._sky is not None:
            return self._sky.paint(y0, x0, light, height, width)
        if light is None:
            return np.zeros((height, width, self._channels), np.uint8)
        return np.rint(light).astype(np.uint8)

    def draw(self, index: int) -> Rendered:
        """Render one object on nothing."""
        layer = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._layers[layer].draw(index - int(self._first[layer]))


def add_light(
    light: NDArray[np.float32], drawn: Rendered, y0: int, x0: int, *, paste: bool = False
) -> None:
    """Add an object to the window ``(H, W, C)`` from (y0, x0), or paste it over, in place."""
    height, width = drawn.light.shape[:2]
    top, left = max(drawn.y0, y0), max(drawn.x0, x0)
    bottom = min(drawn.y0 + height, y0 + light.shape[0])
    right = min(drawn.x0 + width, x0 + light.shape[1])
    if top >= bottom or left >= right:
        return
    part = drawn.light[top - drawn.y0 : bottom - drawn.y0, left - drawn.x0 : right - drawn.x0]
    window = light[top - y0 : bottom - y0, left - x0 : right - x0]
    if paste:
        window[:] = part
    else:
        window += part
