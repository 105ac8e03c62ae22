"""Stars: a point-spread function each, and diffraction spikes where they are bright."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from parhelion.catalog import luma
from parhelion.sky._field_model import FieldModel
from parhelion.sky._psf import BETA
from parhelion.sky._render import Layer, Rendered
from parhelion.sky._settings import WidefieldSettings

_STREAM = 5  # of the key
_FWHM = 2.5  # pixels, where no point-spread function is given
_FAINTEST = 5.0  # peak of the faintest star, in RMS of the sky
_RANGE = 2000.0  # brightest to faintest
_SPIKE = 0.04  # of the peak, where a spike begins
_FALL = 1.6  # exponent of its fall with distance
_DARK = 0.25  # display units: below, a spike is not seen
_LONGEST = 700.0  # pixels
_REDDENING = 0.3  # most that a star's color changes the outer channels


@dataclass(frozen=True)
class Stars:
    """Parameters of every star, ``(N,)`` each.

    Attributes
    ----------
    x, y : ndarray
        Center, 0-based pixels, float64.
    peak : ndarray
        Height of its core, display units.
    tint : ndarray
        ``(N, C)`` float32 factors of the channels.
    reach : ndarray
        Length of its spikes or radius of its wings, in pixels.
    fwhm : float
        Of its core, in pixels.
    spikes : int
        0, 4 or 6.
    angle : float
        Of the first spike, radians.
    gaussian : bool
        Whether the core is a Gaussian, else a Moffat.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    peak: NDArray[np.float64]
    tint: NDArray[np.float32]
    reach: NDArray[np.float64]
    fwhm: float
    spikes: int
    angle: float
    gaussian: bool

    @property
    def layer(self) -> Layer:
        """The stars as objects of a scene."""
        return Layer(self.x, self.y, self.reach * 2**0.5 + 2, self.draw)

    def draw(self, index: int) -> Rendered:
        """Render one star on nothing."""
        x, y = float(self.x[index]), float(self.y[index])
        reach = int(np.ceil(self.reach[index]))
        x0, y0 = int(np.rint(x)) - reach, int(np.rint(y)) - reach
        gray = np.empty((2 * reach + 1, 2 * reach + 1), np.float32)
        _shine(
            gray, y - y0, x - x0, self.peak[index], self.reach[index], self.fwhm, self.spikes,
            self.angle, self.gaussian,
        )  # fmt: skip
        light = gray[..., None] * self.tint[index]
        shown = luma(light)
        peak = float(self.peak[index])
        return Rendered(light, y0, x0, float(shown.sum(dtype=np.float64)), float(shown.max()), peak)


def draw_stars(settings: WidefieldSettings, model: FieldModel) -> Stars:
    """Draw the stars of a view: places uniform, brightness by a power law."""
    channels = len(model.level)
    philox = np.random.Philox(key=np.array([settings.seed, _STREAM], np.uint64))
    u = np.random.Generator(philox).random((settings.stars, 4))
    law = settings.star_law
    peak = _FAINTEST * model.rms * (1 - u[:, 2] * (1 - _RANGE**-law)) ** (-1 / law)
    fwhm = float(np.mean(settings.psf)) if settings.psf else _FWHM
    wings = fwhm * 2.0 * np.sqrt(np.maximum((peak / _DARK) ** (1 / BETA) - 1, 1))
    ratio = np.maximum(_SPIKE * peak / _DARK, 1.0)
    spikes = fwhm * (ratio ** (1 / _FALL) - 1) if settings.spikes else np.zeros_like(peak)
    slope = np.linspace(1, -1, channels) if channels > 1 else np.zeros(1)
    return Stars(
        x=u[:, 0] * settings.size - 0.5,
        y=u[:, 1] * settings.size - 0.5,
        peak=peak,
        tint=(1 + _REDDENING * (2 * u[:, 3:] - 1) * slope).astype(np.float32),
        reach=np.minimum(np.maximum(wings, 1.3 * spikes) + 3, _LONGEST),
        fwhm=fwhm,
        spikes=settings.spikes,
        angle=float(np.deg2rad(settings.spike_angle)),
        gaussian=settings.psf_shape == "gaussian",
    )


@njit(nogil=True, cache=True)
def _shine(out: Any, y: float, x: float, peak: float, reach: float, fwhm: float, spikes: int,
           angle: float, gaussian: bool) -> None:  # fmt: skip
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    thick = 2 * (0.35 * fwhm) ** 2
    # Opposite arms are one line: 4 spikes are 2 lines, 6 are 3.
    lines = spikes // 2
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            dy, dx = row - y, column - x
            r2 = dy * dy + dx * dx
            r = np.sqrt(r2)
            if r >= reach:
                out[row, column] = 0
                continue
            if gaussian:
                value = np.exp(-4 * np.log(2.0) * r2 / (fwhm * fwhm))
            else:
                value = (1 + r2 / (alpha * alpha)) ** -BETA
            for line in range(lines):
                turn = angle + np.pi * line / lines
                across = dy * np.cos(turn) - dx * np.sin(turn)
                spread = across * across / thick
                if spread < 12:
                    along = abs(dx * np.cos(turn) + dy * np.sin(turn))
                    value += _SPIKE * (1 + along / fwhm) ** -_FALL * np.exp(-spread)
            # The last third fades to nothing.
            t = min(max((reach - r) / (0.33 * reach), 0.0), 1.0)
            out[row, column] = np.float32(peak * value * t * t * (3 - 2 * t))
