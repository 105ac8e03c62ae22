"""Color jitter of a training image."""

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import LUMA

Pixels = NDArray[np.uint8]


def jitter_color(pixels: Pixels, brightness: float, contrast: float, saturation: float) -> Pixels:
    """Scale brightness, contrast about the mean, and saturation about the gray image."""
    values = pixels.astype(np.float32) * np.float32(brightness)
    values = (values - values.mean()) * np.float32(contrast) + values.mean()
    luma = values @ np.array(LUMA, np.float32)
    return to_uint8(luma[..., None] + (values - luma[..., None]) * np.float32(saturation))


def to_uint8(values: NDArray[np.float32]) -> Pixels:
    """Round and clip to 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
