"""Whole gray levels that keep the light of what lies between them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from parhelion._strips import bands

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

#: Side of the squares whose sums are kept.
_SIDE = 4
#: Share of a remainder that chance may take from its rank: so that a smooth sky, whose remainders
#: hardly differ, shows no pattern.
_CHANCE = 0.25
#: Distinguishes this draw from others.
_STREAM = 41


def whole_levels(strips: Iterator[Floats]) -> Iterator[Pixels]:
    """Yield an image in whole gray levels, of which each square of 4 pixels a side keeps its sum.

    Rounded, a faint smooth sky would lose its mean, and so the light of what lies on it; made whole
    by chance alone it would be twice as noisy as rounded. Here as many pixels of a square go up as
    its sum asks for, those with the largest remainders, roughly (largest remainders, Hamilton).

    Parameters
    ----------
    strips : iterator of ndarray
        ``(h, W, C)`` float32 in [0, 255], from top to bottom; heights may be any.

    Yields
    ------
    strip : ndarray
        ``(4, W, C)`` uint8, the last one maybe lower; each value next to what was given, and the
        same wherever strips begin.
    """
    for number, rows in enumerate(bands(strips, _SIDE)):
        yield _whole(rows, _SIDE * number)


def _whole(rows: Floats, top: int) -> Pixels:
    """Return a row of squares ``(h, W, C)``, h at most 4, in whole levels."""
    height, width, channels = rows.shape
    below = np.floor(rows)
    left = rows - below
    chance = np.random.default_rng([_STREAM, top]).random(rows.shape, np.float32)
    beyond = [(0, 0), (0, -width % _SIDE), (0, 0)]  # what has no remainder does not go up

    def by_square(values: Floats) -> Floats:
        parts = np.pad(values, beyond).reshape(height, -1, _SIDE, channels)
        return parts.transpose(1, 3, 0, 2).reshape(-1, channels, height * _SIDE)

    ranks = by_square(left * (1 - _CHANCE * chance)).argsort(-1)[..., ::-1]
    asked = np.rint(by_square(left).sum(-1, keepdims=True))
    goes_up = np.zeros(ranks.shape, np.float32)
    np.put_along_axis(goes_up, ranks, np.arange(height * _SIDE) < asked, -1)
    raised = goes_up.reshape(-1, channels, height, _SIDE).transpose(2, 0, 3, 1)
    raised = raised.reshape(height, -1, channels)[:, :width]
    levels: Pixels = np.clip(below + raised, 0, 255).astype(np.uint8)
    return levels
