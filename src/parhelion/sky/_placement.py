"""Where each galaxy goes, how large, how bright and how turned."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from parhelion.errors import InputError
from parhelion.sky._positions import Given, Points

_STREAM, _TINTS = 2, 4  # of the key
_COLUMNS = 8  # random numbers to an object, so that each has its own stretch of the stream
# Smoothing of the drawn sizes and fluxes, in e-folds: no two galaxies are quite alike.
_JITTER = 0.08
# Scatter of the match between drawn and given surface brightness, as a share of the ranks.
_SCATTER = 0.1
#: Blur of a galaxy that is much reduced, as a Gaussian's RMS in pixels of the view: a little
#: more than the box of a pixel itself (12**-0.5), so that nothing aliases.
BLUR = 0.35


@dataclass(frozen=True)
class Placement:
    """Parameters of every object, ``(N,)`` each.

    Attributes
    ----------
    x, y : ndarray
        Center, 0-based pixels of the view, float64.
    stamp : ndarray
        Index of its stamp, int64.
    angle : ndarray
        Turn from +x towards +y, radians; after the flip.
    flipped : ndarray
        Whether mirrored left to right, bool.
    zoom : ndarray
        Size in the view to size in the stamp.
    a : ndarray
        Semi-major axis to come out, in pixels.
    flux : ndarray
        Luma flux to give it above its isophote, in display units.
    most_zoom, most_gain : ndarray
        Limits of its enlargement and brightening; infinite where a table asks for the value.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    stamp: NDArray[np.int64]
    angle: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    zoom: NDArray[np.float64]
    a: NDArray[np.float64]
    flux: NDArray[np.float64]
    most_zoom: NDArray[np.float64]
    most_gain: NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Sizes and fluxes to draw from.

    Attributes
    ----------
    a, flux : ndarray
        ``(K,)`` float64: semi-major axes in pixels and luma fluxes, drawn together.
    law : float or None
        Slope of the number counts that fluxes follow instead, between the least and the
        greatest; sizes are then those of sources of like flux.
    """

    a: NDArray[np.float64]
    flux: NDArray[np.float64]
    law: float | None = None

    def draw(self, share: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return size and flux at shares from 0 to 1 of the population."""
        if self.law is None:
            source = (share * len(self.a)).astype(np.int64)
            return self.a[source], self.flux[source]
        order = np.argsort(self.flux, kind="stable")
        known = np.log(self.flux[order])
        # The truncated power law, by its inverse.
        range_ = np.exp((known[0] - known[-1]) * self.law)
        flux = np.exp(known[0]) * (1 - share * (1 - range_)) ** (-1 / self.law)
        nearest = np.searchsorted((known[1:] + known[:-1]) / 2, np.log(flux))
        return self.a[order[nearest]], flux


def place(
    population: Population,
    stamp_a: NDArray[np.float64],
    stamp_flux: NDArray[np.float64],
    *,
    count: int,
    size: int,
    seed: int,
    max_enlarge: float,
    max_gain: float = np.inf,
    points: Points | None = None,
) -> Placement:
    """Draw the parameters of `count` objects.

    Places are uniform unless given. Size and flux are drawn together from the population, smoothed
    by 8 %. Stamps are all used equally often, and go to draws of like surface brightness, so that
    little has to be brightened or dimmed. Where a stamp would be enlarged more than allowed,
    its size is capped, and its flux with it at the same surface brightness.

    Parameters
    ----------
    population : Population
        Sizes and fluxes to follow.
    stamp_a, stamp_flux : ndarray
        ``(M,)`` float64: semi-major axis of the stamps, and flux above their isophotes.
    points : tuple of ndarray, optional
        ``(count,)`` float64 x and y.
    """
    philox = np.random.Philox(key=np.array([seed, _STREAM], np.uint64))
    draws = np.random.Generator(philox).random((count, _COLUMNS))
    normal = ndtri(np.clip(draws[:, 4:7], 1e-9, 1 - 1e-9))
    a, flux = population.draw(draws[:, 7])
    a = a * np.exp(_JITTER * normal[:, 0])
    flux = flux * np.exp(_JITTER * normal[:, 1])
    stamp = _match(flux / a**2, stamp_flux / stamp_a**2, normal[:, 2])
    zoom = _zoom(a, stamp_a[stamp])
    capped = np.minimum(zoom, max_enlarge)
    x, y = points or (draws[:, 0] * size - 0.5, draws[:, 1] * size - 0.5)
    return Placement(
        x=x,
        y=y,
        stamp=stamp,
        angle=2 * np.pi * draws[:, 2],
        flipped=draws[:, 3] < 0.5,
        zoom=capped,
        a=a * capped / zoom,
        flux=flux * (capped / zoom) ** 2,
        most_zoom=np.full(count, max_enlarge),
        most_gain=np.full(count, max_gain),
    )


def obey(
    placement: Placement, given: Given, image_ids: list[str], stamp_a: NDArray[np.float64]
) -> Placement:
    """Return the placement with what a table says of its objects in place of what was drawn.

    Parameters
    ----------
    image_ids : list of str
        Those of the stamps.
    stamp_a : ndarray
        ``(M,)`` float64: semi-major axes of the stamps.

    Raises
    ------
    InputError
        If the table names an image that is not there, or shows no usable galaxy.
    """
    known = {name: index for index, name in reversed(list(enumerate(image_ids)))}
    stamp = placement.stamp.copy()
    for index, name in enumerate(given.image_id):
        if name and name not in known:
            raise InputError(
                f"--placement: image_id {name!r} of object {index} is not among the "
                f"{len(known)} usable galaxies of the catalog"
            )
        stamp[index] = known.get(name, stamp[index])
    sized, lit = np.isfinite(given.size), np.isfinite(given.flux)
    a = np.where(sized, given.size, placement.a)
    most_zoom = np.where(sized, np.inf, placement.most_zoom)
    return replace(
        placement,
        stamp=stamp,
        angle=np.where(np.isfinite(given.angle), given.angle, placement.angle),
        # A mirrored image has no angle to speak of.
        flipped=placement.flipped & ~np.isfinite(given.angle),
        zoom=np.minimum(_zoom(a, stamp_a[stamp]), most_zoom),
        a=a,
        flux=np.where(lit, given.flux, placement.flux),
        most_zoom=most_zoom,
        most_gain=np.where(lit, np.inf, placement.most_gain),
    )


def tints(count: int, channels: int, *, seed: int, jitter: float) -> NDArray[np.float32]:
    """Return each object's factor of each channel, ``(count, channels)`` float32, mean log 0.

    Colors move between red and blue, as galaxies' do, and not to green or magenta.
    """
    philox = np.random.Philox(key=np.array([seed, _TINTS], np.uint64))
    normal = ndtri(np.clip(np.random.Generator(philox).random((count, 1)), 1e-9, 1 - 1e-9))
    slope = np.linspace(1, -1, channels) if channels > 1 else np.zeros(1)
    factors: NDArray[np.float32] = np.exp(jitter * normal * slope).astype(np.float32)
    return factors


def _match(
    wanted: NDArray[np.float64], given: NDArray[np.float64], scatter: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return a stamp for each object: like ranks in surface brightness, with some scatter."""
    count, stamps = len(wanted), len(given)
    rank = np.empty(count)
    rank[np.argsort(wanted, kind="stable")] = (np.arange(count) + 0.5) / count
    order = np.argsort(rank + _SCATTER * scatter, kind="stable")
    sorted_stamps = np.argsort(given, kind="stable")
    chosen = np.empty(count, np.int64)
    chosen[order] = sorted_stamps[np.arange(count) * stamps // count]
    return chosen


def _zoom(a: NDArray[np.float64], stamp_a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the zoom that gives size `a`.

    Shrinking blurs (see `turn`), hence
    ``a**2 = (zoom * stamp_a)**2 + BLUR**2 * (1 - zoom**2)`` for a zoom below 1.
    """
    plain = a / stamp_a
    least = 0.01
    blurred = np.sqrt(np.maximum(a**2 - BLUR**2, least) / np.maximum(stamp_a**2 - BLUR**2, least))
    return np.where(plain < 1, np.minimum(blurred, 1.0), plain)
