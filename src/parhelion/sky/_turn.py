"""Turning, mirroring, scaling and moving a galaxy's light, by cubic splines; compiled."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from parhelion.sky._placement import BLUR

_REST = 6  # pixels of zeros in which the splines come to rest: their pole is -0.27


def turn(
    light: NDArray[np.float32],
    *,
    center: tuple[float, float],
    to: tuple[float, float],
    zoom: float,
    angle: float,
    flipped: bool,
) -> tuple[NDArray[np.float32], int, int]:
    """Mirror, turn, scale and move a stamp.

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
    reach = int(np.ceil(3 * sigma)) if sigma > 0 else 0
    margin = reach + _REST
    padded = np.pad(light, [(margin, margin), (margin, margin), (0, 0)])
    if reach:
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        kernel = (taps / taps.sum()).astype(np.float32)
        padded = _blur(_blur(padded, kernel), kernel)  # each turns the axes, too
    _spline(padded)
    middle = np.array(center) + margin
    mirror = -1.0 if flipped else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    # From an offset (dy, dx) in the view to one in the stamp: turned back, mirrored, unscaled.
    matrix = np.array([[cos, -sin], [mirror * sin, mirror * cos]]) / zoom
    height, width = padded.shape[:2]
    # The outermost zeros need not be drawn.
    inner = [np.array([2.0, 2.0]), np.array([height - 3.0, width - 3.0])]
    corners = np.array([[a[0], b[1]] for a in inner for b in inner]) - middle
    offsets = corners @ np.linalg.inv(matrix).T + np.array(to)
    first = np.floor(offsets.min(axis=0)).astype(int)
    last = np.ceil(offsets.max(axis=0)).astype(int)
    turned = np.zeros((*(last - first + 1), padded.shape[2]), np.float32)
    start = middle + matrix @ (first - np.array(to))
    _sample(padded, matrix, start, turned)
    return turned, int(first[0]), int(first[1])


@njit(nogil=True, cache=True)
def _blur(image: Any, kernel: Any) -> Any:
    """Return the image blurred along y, with its axes turned: ``(W, H, C)``."""
    height, width, channels = image.shape
    reach = len(kernel) // 2
    out = np.zeros((width, height, channels), np.float32)
    for y in range(height):
        first, last = max(y - reach, 0), min(y + reach, height - 1)
        for source in range(first, last + 1):
            weight = kernel[source - y + reach]
            for x in range(width):
                for c in range(channels):
                    out[x, y, c] += image[source, x, c] * weight
    return out


@njit(nogil=True, cache=True)
def _spline(image: Any) -> None:
    """Turn samples into coefficients of cubic B-splines (Unser 1999), in place; borders are 0."""
    height, width, channels = image.shape
    pole = np.float32(np.sqrt(3.0) - 2.0)
    gain = np.float32(6.0)
    end = np.float32(pole / (pole * pole - 1.0))
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                before = image[y - 1, x, c] if y else np.float32(0)
                image[y, x, c] = image[y, x, c] * gain + pole * before
    for x in range(width):
        for c in range(channels):
            image[height - 1, x, c] *= end
    for y in range(height - 2, -1, -1):
        for x in range(width):
            for c in range(channels):
                image[y, x, c] = pole * (image[y + 1, x, c] - image[y, x, c])
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                before = image[y, x - 1, c] if x else np.float32(0)
                image[y, x, c] = image[y, x, c] * gain + pole * before
        for c in range(channels):
            image[y, width - 1, c] *= end
        for x in range(width - 2, -1, -1):
            for c in range(channels):
                image[y, x, c] = pole * (image[y, x + 1, c] - image[y, x, c])


@njit(nogil=True, cache=True)
def _weights(t: Any, w: Any) -> None:
    """Fill the four cubic B-spline weights at a fraction `t` of a pixel."""
    u = 1.0 - t
    w[0] = np.float32(u * u * u / 6.0)
    w[1] = np.float32((4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0)
    w[2] = np.float32((4.0 - 6.0 * u * u + 3.0 * u * u * u) / 6.0)
    w[3] = np.float32(t * t * t / 6.0)


@njit(nogil=True, cache=True)
def _sample(image: Any, matrix: Any, start: Any, out: Any) -> None:
    height, width, channels = image.shape
    wy, wx = np.empty(4, np.float32), np.empty(4, np.float32)
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            y = start[0] + matrix[0, 0] * row + matrix[0, 1] * column
            x = start[1] + matrix[1, 0] * row + matrix[1, 1] * column
            top, left = int(np.floor(y)), int(np.floor(x))
            if top < 1 or left < 1 or top + 2 >= height or left + 2 >= width:
                continue
            _weights(y - top, wy)
            _weights(x - left, wx)
            for c in range(channels):
                total = np.float32(0)
                for i in range(4):
                    part = np.float32(0)
                    for j in range(4):
                        part += wx[j] * image[top - 1 + i, left - 1 + j, c]
                    total += wy[i] * part
                out[row, column, c] = total
