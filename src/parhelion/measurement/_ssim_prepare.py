"""SSIM, the part that is known per image: local means, variances, and blocks for bounds.

SSIM (Wang et al. 2004, eq. 13) as `skimage.metrics.structural_similarity` defines it by
default for a data range of 255: means, variances and covariance in 7 x 7 uniform windows,
sample covariance, K1 = 0.01, K2 = 0.03, averaged over the windows that lie inside the image.

Of each pair only the covariance is new; local means and variances are computed once per
image. Pixels are whole numbers, of which each image's mean level (rounded) is taken away, so
that sums of 49 products stay below 2**24: float32 holds them exactly, and running sums do not
drift. Rows are padded to a multiple of 16 columns. A window that runs over the end of a row
has infinite variance, so that it adds nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parhelion.measurement._jit import compiled

WINDOW = 7
#: Side, in windows, of the blocks whose means and extremes give the upper bounds.
BLOCK = 8
_U = np.uintp
_LANES = 16
_PIXELS = WINDOW**2
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
#: Covariances and variances are scaled by half of (49 - 1): ``2 cov + C2`` becomes
#: ``sum(x x') - sum(x) sum(x') / 49 + FLOOR``.
FLOOR = (_PIXELS - 1) / 2 * C2
ONE_49TH = np.float32(1 / _PIXELS)

Floats = NDArray[np.float32]


class Prepared(NamedTuple):
    """What SSIM needs of each of N images; rows are `stride` long.

    Attributes
    ----------
    x : ndarray
        ``(N, (H + 1) * stride)`` float32: a row of zeros, then pixels less their level.
    m : ndarray
        ``(N, (H - 6) * stride)`` float32: sums of `x` in windows.
    v : ndarray
        Like `m`: scaled variance plus half of the constant; infinite where no window is.
    level : ndarray
        ``(N,)`` float32: what was taken away.
    blocks : ndarray
        ``(N, 6, blocks)`` float32: mean, least and greatest local mean, and mean, least and
        greatest local standard deviation, in blocks of 8 x 8 windows, a row after the other.
    """

    x: Floats
    m: Floats
    v: Floats
    level: Floats
    blocks: Floats


def stride_of(width: int) -> int:
    """Return the length of a padded row."""
    return -(-width // _LANES) * _LANES


def strip_rows(width: int) -> int:
    """Return how many rows are compared at a time: so few that strips stay in a core's cache."""
    return BLOCK * max(1, min(4, 4096 // (BLOCK * stride_of(width))))


def bytes_per_image(height: int, width: int) -> int:
    """Return the memory of one prepared image."""
    return 4 * stride_of(width) * (3 * height + 1) + 24 * len(block_sizes(height, width))


def block_sizes(height: int, width: int) -> Floats:
    """Return how many windows each block has, as ``(blocks,)`` float32."""
    sides = []
    for length in (height - WINDOW + 1, width - WINDOW + 1):
        edges = np.append(np.arange(0, length, BLOCK), length)
        sides.append(np.diff(edges).astype(np.float32))
    return np.outer(*sides).ravel()


def empty_prepared(count: int, height: int, width: int) -> Prepared:
    """Return memory for `count` images."""
    stride = stride_of(width)
    windows = (height - WINDOW + 1) * stride
    return Prepared(
        _aligned(count, (height + 1) * stride),
        _aligned(count, windows),
        _aligned(count, windows),
        np.zeros(count, np.float32),
        np.zeros((count, 6, len(block_sizes(height, width))), np.float32),
    )


def _aligned(count: int, length: int) -> Floats:
    """Return zeros that start at a cache line, as do all rows: a vector is then one load."""
    memory = np.zeros(count * length * 4 + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + count * length * 4].view(np.float32).reshape(count, length)


@compiled
def prepare(images: NDArray[np.uint8], out: Prepared) -> None:
    """Compute what SSIM needs of ``(N, H, W)`` uint8 images, into the first N rows of `out`."""
    count, height, width = images.shape
    stride = out.x.shape[1] // (height + 1)
    column, square = np.zeros(stride, np.int32), np.zeros(stride, np.int32)
    sigma = np.zeros(stride, np.float32)
    low = np.zeros((2, stride), np.float32)
    high, total = np.zeros_like(low), np.zeros_like(low)
    for n in range(count):
        image, x, m, v = images[n], out.x[n], out.m[n], out.v[n]
        level = np.int32(np.rint(image.sum() / (height * width)))
        out.level[n] = level
        for r in range(height):
            row = x[(r + 1) * stride : (r + 1) * stride + width]
            for c in range(width):
                row[c] = np.float32(np.int32(image[r, c]) - level)
        column[:] = 0
        square[:] = 0
        for r in range(height):
            for c in range(width):
                new = np.int32(image[r, c]) - level
                column[c] += new
                square[c] += new * new
            if r < WINDOW - 1:
                continue
            top = r - WINDOW + 1
            _window_row(
                column,
                square,
                m[top * stride : (top + 1) * stride],
                v[top * stride : (top + 1) * stride],
                sigma,
                width,
            )
            _extremes(m[top * stride :], sigma, width, top % BLOCK == 0, low, high, total)
            if top % BLOCK == BLOCK - 1 or r == height - 1:
                _blocks(low, high, total, width, top, np.float32(level), out.blocks[n])
            for c in range(width):
                old = np.int32(image[top, c]) - level
                column[c] -= old
                square[c] -= old * old


@compiled
def _window_row(
    column: NDArray[np.int32],
    square: NDArray[np.int32],
    m: Floats,
    v: Floats,
    sigma: Floats,
    width: int,
) -> None:
    """Turn sums over seven rows into means, variances and deviations of a row of windows."""
    v[:] = np.inf
    for c in range(_U(width - WINDOW + 1)):
        s, q = np.int32(0), np.int32(0)
        for k in range(_U(WINDOW)):
            s += column[c + k]
            q += square[c + k]
        # Whole numbers up to the division, so that a flat window has no variance at all.
        spread = np.float32(np.int32(_PIXELS) * q - s * s) / np.float32(_PIXELS)
        m[c] = np.float32(s)
        v[c] = np.float32(0.5) * (spread + np.float32(FLOOR))
        sigma[c] = np.sqrt(spread / np.float32(_PIXELS - 1))


@compiled
def _extremes(
    m: Floats,
    sigma: Floats,
    width: int,
    first: bool,
    low: Floats,
    high: Floats,
    total: Floats,
) -> None:
    """Add a row of windows to the least, greatest and sum of each column of a block."""
    if first:
        low[:] = np.inf
        high[:] = -np.inf
        total[:] = 0
    for part in range(2):
        row = m if part == 0 else sigma
        least, most, whole = low[part], high[part], total[part]
        for c in range(_U(width - WINDOW + 1)):
            least[c] = min(least[c], row[c])
            most[c] = max(most[c], row[c])
            whole[c] += row[c]


@compiled
def _blocks(
    low: Floats,
    high: Floats,
    total: Floats,
    width: int,
    last: int,
    level: np.float32,
    out: Floats,
) -> None:
    """Gather the columns of a row of blocks, whose last row of windows is `last`."""
    windows = width - WINDOW + 1
    across = (windows + BLOCK - 1) // BLOCK
    start = (last // BLOCK) * across
    rows = last % BLOCK + 1
    for part in range(2):
        scale = ONE_49TH if part == 0 else np.float32(1)
        shift = level if part == 0 else np.float32(0)
        for b in range(across):
            begin, end = b * BLOCK, min(windows, (b + 1) * BLOCK)
            least, most, whole = np.float32(np.inf), np.float32(-np.inf), np.float32(0)
            for c in range(begin, end):
                least = min(least, low[part, c])
                most = max(most, high[part, c])
                whole += total[part, c]
            mean = whole / np.float32(rows * (end - begin))
            out[3 * part, start + b] = mean * scale + shift
            # Brightness is not negative; rounding must not make it so.
            out[3 * part + 1, start + b] = max(np.float32(0), least * scale + shift)
            out[3 * part + 2, start + b] = max(np.float32(0), most * scale + shift)
