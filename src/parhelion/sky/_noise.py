"""Blank sky of any part of a view, from counter-based random numbers.

Every pixel's white noise is a hash of the seed and of its place, so that it is the same whoever
renders it, in whatever order and with whatever tiles; nothing is stored and nothing repeats. The
hash is compiled and keeps to 32 bits, since that is what processors do eight or sixteen at a time.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

from parhelion.sky._field_model import REACH, FieldModel

_TAPS = 2 * REACH + 1
_BITS = 12  # of the hash, to a table of normal deviates; two draws are added
_SPAN = 8.0  # normal deviates that the table of levels covers, to each side
_STEPS = 256  # entries to a deviate: finer than the field's own levels


class Sky:
    """The blank sky of a view.

    Parameters
    ----------
    model : FieldModel
        Its level, noise and correlation.
    seed : int
        Key of the noise.
    scale : tuple of float
        Factor of the noise, one for all channels or one to each.
    """

    def __init__(self, model: FieldModel, seed: int, scale: tuple[float, ...] = (1.0,)) -> None:
        self.channels = len(model.level)
        factors = scale * self.channels if len(scale) == 1 else scale
        self._seed = np.uint64(seed)
        self._mixing = model.mixing.astype(np.float32)
        self._kernels = model.kernels.astype(np.float32)
        deviates = (np.arange(int(2 * _SPAN * _STEPS)) + 0.5) / _STEPS - _SPAN
        self._levels = np.array(
            [
                level + factor * (np.interp(deviates, normal, value) - level)
                for level, factor, normal, value in zip(
                    model.level, factors, model.normal, model.value, strict=True
                )
            ],
            np.float32,
        )

    def paint(
        self, y0: int, x0: int, light: NDArray[np.float32] | None, height: int, width: int
    ) -> NDArray[np.uint8]:
        """Return the window from (y0, x0) with `light` added, ``(height, width, C)`` uint8.

        Parameters
        ----------
        light : ndarray or None
            ``(height, width, C)`` float32 display units, or None where nothing shines.
        """
        out = np.empty((height, width, self.channels), np.uint8)
        lit = light is not None
        added = light if light is not None else np.zeros((1, 1, self.channels), np.float32)
        _paint(out, added, lit, y0, x0, self._seed, self._mixing, self._kernels,
               self._levels, _deviates())  # fmt: skip
        return out

    def window(self, y0: int, x0: int, height: int, width: int) -> NDArray[np.float32]:
        """Return the blank sky from (y0, x0), ``(height, width, C)`` float32 display units."""
        out = np.empty((height, width, self.channels), np.float32)
        _window(out, y0, x0, self._seed, self._mixing, self._kernels, self._levels, _deviates())
        return out


@lru_cache(1)
def _deviates() -> NDArray[np.float32]:
    """Return normal deviates of half variance, equally probable: two add up to a normal one."""
    middles = (np.arange(2**_BITS) + 0.5) / 2**_BITS
    values: NDArray[np.float64] = ndtri(middles)
    scaled: NDArray[np.float32] = (values / np.std(values) / np.sqrt(2.0)).astype(np.float32)
    return scaled


@njit(nogil=True, cache=True)
def _mix64(value: Any) -> Any:
    """Scramble 64 bits: the finalizer of SplitMix64 (Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(nogil=True, cache=True)
def _white_row(row: Any, y: int, x0: int, channel: int, seed: Any, deviates: Any) -> None:
    """Fill a row of standard normal deviates, from (y, x0) of one channel.

    Two keys to a row, one before and one between the rounds: rows that happen to share a
    stretch of the first differ by the second.
    """
    place = (np.uint64(y + 2**31) << np.uint64(8)) + np.uint64(channel + 1)
    key = _mix64(
        _mix64(seed + np.uint64(0x9E3779B97F4A7C15)) ^ (place * np.uint64(0xD1342543DE82EF95))
    )
    one = np.uint32(key & np.uint64(0xFFFFFFFF))
    two = np.uint32(key >> np.uint64(32))
    first = np.uint32(np.uint64(x0 + 2**31) & np.uint64(0xFFFFFFFF))
    mask = np.uint32(2**_BITS - 1)
    for i in range(len(row)):
        h = np.uint32((first + np.uint32(i)) * np.uint32(0x9E3779B1) + one)
        h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x21F0AAAD))
        h = np.uint32(h ^ two)
        h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(0x735A2D97))
        h = np.uint32(h ^ (h >> np.uint32(15)))
        row[i] = deviates[h & mask] + deviates[(h >> np.uint32(16)) & mask]


@njit(nogil=True, cache=True)
def _along(ring: Any, slot: int, y: int, x0: int, seed: Any, mixing: Any, kernels: Any,
           deviates: Any, white: Any, mixed: Any) -> None:  # fmt: skip
    """Fill one row of the ring: white noise, mixed between channels, filtered along x."""
    channels, width = ring.shape[1], ring.shape[2]
    for c in range(channels):
        _white_row(white[c], y, x0 - REACH, c, seed, deviates)
    for c in range(channels):
        weight = mixing[c, 0]
        source = white[0]
        for i in range(width + 2 * REACH):
            mixed[i] = source[i] * weight
        for d in range(1, c + 1):
            weight = mixing[c, d]
            source = white[d]
            for i in range(width + 2 * REACH):
                mixed[i] += source[i] * weight
        k = kernels[1, c]
        k0, k1, k2, k3, k4, k5, k6 = k[0], k[1], k[2], k[3], k[4], k[5], k[6]
        target = ring[slot, c]
        for i in range(width):
            target[i] = (
                mixed[i] * k0 + mixed[i + 1] * k1 + mixed[i + 2] * k2 + mixed[i + 3] * k3
                + mixed[i + 4] * k4 + mixed[i + 5] * k5 + mixed[i + 6] * k6
            )  # fmt: skip


@njit(nogil=True, cache=True)
def _across(ring: Any, oldest: int, c: int, kernels: Any, levels: Any, row: Any) -> None:
    """Fill one row of sky: the ring filtered along y, and mapped to the field's levels."""
    k = kernels[0, c]
    k0, k1, k2, k3, k4, k5, k6 = k[0], k[1], k[2], k[3], k[4], k[5], k[6]
    r0, r1, r2 = ring[oldest % 7, c], ring[(oldest + 1) % 7, c], ring[(oldest + 2) % 7, c]
    r3, r4 = ring[(oldest + 3) % 7, c], ring[(oldest + 4) % 7, c]
    r5, r6 = ring[(oldest + 5) % 7, c], ring[(oldest + 6) % 7, c]
    table = levels[c]
    last = np.float32(len(table) - 1)
    scale, middle, zero = np.float32(_STEPS), np.float32(_SPAN * _STEPS), np.float32(0.0)
    for i in range(len(row)):
        deviate = (
            r0[i] * k0 + r1[i] * k1 + r2[i] * k2 + r3[i] * k3 + r4[i] * k4 + r5[i] * k5
            + r6[i] * k6
        )  # fmt: skip
        place = min(max(deviate * scale + middle, zero), last)
        row[i] = table[np.int32(place)]


@njit(nogil=True, cache=True)
def _paint(out: Any, light: Any, lit: bool, y0: int, x0: int, seed: Any, mixing: Any,
           kernels: Any, levels: Any, deviates: Any) -> None:  # fmt: skip
    height, width, channels = out.shape
    ring = np.empty((_TAPS, channels, width), np.float32)
    white = np.empty((channels, width + 2 * REACH), np.float32)
    mixed = np.empty(width + 2 * REACH, np.float32)
    row = np.empty(width, np.float32)
    low, high, half = np.float32(0.0), np.float32(255.0), np.float32(0.5)
    for step in range(height + 2 * REACH):
        _along(
            ring, step % _TAPS, y0 - REACH + step, x0, seed, mixing, kernels, deviates, white, mixed
        )
        y = step - 2 * REACH
        if y < 0:
            continue
        for c in range(channels):
            _across(ring, step + 1, c, kernels, levels, row)
            if lit:
                for i in range(width):
                    row[i] += light[y, i, c]
            for i in range(width):
                out[y, i, c] = np.uint8(np.int32(min(max(row[i], low), high) + half))


@njit(nogil=True, cache=True)
def _window(out: Any, y0: int, x0: int, seed: Any, mixing: Any, kernels: Any, levels: Any,
            deviates: Any) -> None:  # fmt: skip
    height, width, channels = out.shape
    ring = np.empty((_TAPS, channels, width), np.float32)
    white = np.empty((channels, width + 2 * REACH), np.float32)
    mixed = np.empty(width + 2 * REACH, np.float32)
    row = np.empty(width, np.float32)
    for step in range(height + 2 * REACH):
        _along(
            ring, step % _TAPS, y0 - REACH + step, x0, seed, mixing, kernels, deviates, white, mixed
        )
        if step >= 2 * REACH:
            for c in range(channels):
                _across(ring, step + 1, c, kernels, levels, row)
                for i in range(width):
                    out[step - 2 * REACH, i, c] = row[i]
