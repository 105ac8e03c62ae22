"""Blank sky of any part of a view, from counter-based random numbers.

The white noise of a block of the view comes from Philox (Salmon et al. 2011,
doi:10.1145/2063384.2063405) with the seed as its key and the block's place as its counter, so
that a pixel is the same whoever renders it, in whatever order and with whatever tiles.
"""

import numpy as np
from numpy.typing import NDArray

from parhelion.sky._field_model import REACH, FieldModel

_BLOCK = 256
_STREAM = 1  # of the key; placement has another


def blank_sky(
    model: FieldModel, seed: int, y0: int, x0: int, height: int, width: int
) -> NDArray[np.float32]:
    """Return the sky of the window from (y0, x0), ``(C, height, width)`` float32 display units."""
    channels = len(model.level)
    white = _white(seed, channels, y0 - REACH, x0 - REACH, height + 2 * REACH, width + 2 * REACH)
    mixing, kernels = model.mixing.astype(np.float32), model.kernels.astype(np.float32)
    sky = np.empty((channels, height, width), np.float32)
    for c in range(channels):
        # Sums are spelled out: a matrix product may round differently at another width.
        mixed = white[0] * mixing[c, 0]
        for d in range(1, c + 1):
            mixed += white[d] * mixing[c, d]
        filtered = _filter(_filter(mixed, kernels[0, c], axis=0), kernels[1, c], axis=1)
        sky[c] = np.interp(filtered, model.normal[c], model.value[c])
    return sky


def _white(
    seed: int, channels: int, y0: int, x0: int, height: int, width: int
) -> NDArray[np.float32]:
    """Return independent standard normal deviates, ``(channels, height, width)`` float32."""
    white = np.empty((channels, height, width), np.float32)
    for row in range(y0 // _BLOCK, (y0 + height - 1) // _BLOCK + 1):
        for column in range(x0 // _BLOCK, (x0 + width - 1) // _BLOCK + 1):
            top, left = row * _BLOCK, column * _BLOCK
            block = _block(seed, channels, row, column)
            y, x = max(top, y0), max(left, x0)
            bottom, right = min(top + _BLOCK, y0 + height), min(left + _BLOCK, x0 + width)
            white[:, y - y0 : bottom - y0, x - x0 : right - x0] = block[
                :, y - top : bottom - top, x - left : right - left
            ]
    return white


def _block(seed: int, channels: int, row: int, column: int) -> NDArray[np.float32]:
    # One more, since the margin of the view's first blocks reaches to -1.
    counter = np.array([0, 0, column + 1, row + 1], np.uint64)
    philox = np.random.Philox(counter=counter, key=np.array([seed, _STREAM], np.uint64))
    shape = (channels, _BLOCK, _BLOCK)
    return np.random.Generator(philox).standard_normal(shape, dtype=np.float32)


def _filter(
    image: NDArray[np.float32], kernel: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """Correlate along one axis and drop the margin, tap by tap in a fixed order."""
    length = image.shape[axis] - 2 * REACH
    parts = [
        image[tap : tap + length] if axis == 0 else image[:, tap : tap + length]
        for tap in range(2 * REACH + 1)
    ]
    total: NDArray[np.float32] = parts[0] * kernel[0]
    scratch = np.empty_like(total)
    for part, weight in zip(parts[1:], kernel[1:], strict=True):
        np.multiply(part, weight, out=scratch)
        total += scratch
    return total
