"""A galaxy that the tests draw themselves."""

import numpy as np
from numpy.typing import NDArray


def draw_galaxy(seed: int, size: int = 32) -> NDArray[np.uint8]:
    """A colored, tilted exponential disk on noisy dark sky: ``(size, size, 3)`` uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    angle, axis_ratio = rng.uniform(0, np.pi), rng.uniform(0.3, 1)
    scale = size * rng.uniform(0.06, 0.12)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = (y * np.cos(angle) - x * np.sin(angle)) / axis_ratio
    light = rng.uniform(120, 220) * np.exp(-np.hypot(along, across) / scale)
    color = rng.uniform(0.5, 1, 3)
    sky = rng.normal(12, 3, (size, size, 3))
    return np.clip(light[..., None] * color + sky, 0, 255).astype(np.uint8)
