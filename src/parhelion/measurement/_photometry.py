"""Brightness and color of the object in each image, to be compared as distributions."""

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import ROUNDING_RMS, luma

#: What is measured, and how its axis reads.
PHOTOMETRY = {
    "brightness": "mean brightness of the image (0 to 255)",
    "sky": "level of the sky at the border (0 to 255)",
    "object_brightness": "mean brightness of the object above the sky (0 to 255)",
    "object_area": "share of the image that the object covers",
    "green_red": "color green − red of the object (mag of pixel values)",
    "blue_green": "color blue − green of the object (mag of pixel values)",
    "saturation": "saturation of the object's color (0 to 1)",
}
#: Width of the border that the sky is taken from, as a share of the side.
_BORDER = 1 / 16
#: Isophote of the object, in standard deviations of the sky.
_ISOPHOTE = 3.0
#: Normal standard deviations in a median absolute deviation.
_MAD = 1.4826
_BATCH = 256


def photometry(images: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Measure each image; pixel values are taken as they are, whatever stretch made them.

    The sky is the median of the image's border, in each channel; the object is what exceeds it
    by three of its standard deviations (from the median absolute deviation, at least that of
    rounding) in luma. A color is ``-2.5 log10`` of the ratio of two channels' sums over the
    object; its saturation is one less the ratio of the least sum to the largest.

    Parameters
    ----------
    images : ndarray
        ``(N, H, W, 3)`` uint8, at least 8 pixels high and wide.

    Returns
    -------
    values : dict
        For each name of `PHOTOMETRY` ``(N,)`` float64. Colors and the object's brightness are
        NaN where no object, or none of its light in a channel, was found.
    """
    parts = [_measure(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in PHOTOMETRY}


def border_sky(
    images: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return luma, and the level and noise of the sky at each image's border.

    Parameters
    ----------
    images : ndarray
        ``(N, H, W, 3)`` uint8.

    Returns
    -------
    gray : ndarray
        ``(N, H, W)`` float32 luma, 0 to 255.
    level : ndarray
        ``(N,)`` float32, the border's median.
    noise : ndarray
        ``(N,)`` float64, from the border's median absolute deviation; at least that of rounding.
    """
    gray = luma(images)
    border = gray[:, _border(*images.shape[1:3])]
    level = np.median(border, axis=1)
    spread = _MAD * np.median(np.abs(border - level[:, None]), axis=1)
    return gray, level, np.maximum(spread, ROUNDING_RMS).astype(np.float64)


def _border(height: int, width: int) -> NDArray[np.bool_]:
    edge = max(1, round(min(height, width) * _BORDER))
    border = np.ones((height, width), bool)
    border[edge:-edge, edge:-edge] = False
    return border


def _measure(images: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    height, width = images.shape[1:3]
    gray, level, noise = border_sky(images)
    sky = np.median(images[:, _border(height, width)], axis=1)  # (N, 3)
    seen = gray > (level + _ISOPHOTE * noise)[:, None, None]
    area = seen.sum((1, 2))
    light = np.where(seen[..., None], images - sky[:, None, None], 0).sum((1, 2))  # (N, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.where(light > 0, 2.5 * np.log10(np.maximum(light, 1e-9)), np.nan)
        weights = np.where(seen, gray - level[:, None, None], 0).sum((1, 2))
        values = {
            "brightness": gray.mean((1, 2)),
            "sky": level,
            "object_brightness": np.where(area > 0, weights / np.maximum(area, 1), np.nan),
            "object_area": area / (height * width),
            "green_red": logarithm[:, 0] - logarithm[:, 1],
            "blue_green": logarithm[:, 1] - logarithm[:, 2],
            "saturation": np.where(
                light.min(1) > 0, 1 - light.min(1) / np.maximum(light.max(1), 1e-9), np.nan
            ),
        }
    return {name: value.astype(np.float64) for name, value in values.items()}
