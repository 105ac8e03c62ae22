"""Small images that the tests draw themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, image_id, row, write_catalog


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # Tiny networks lose more to the hand-over between threads than they gain.
    torch.set_num_threads(1)


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


@pytest.fixture
def galaxies(tmp_path: Path) -> Catalog:
    """A catalog of 24 drawn galaxies of 32 pixels, labeled ``round`` and ``flat`` in turn."""
    root = tmp_path / "galaxies"
    (root / "images").mkdir(parents=True)
    rows = []
    for seed in range(24):
        pixels = draw_galaxy(seed)
        path = f"images/{seed:03d}.png"
        Image.fromarray(pixels).save(root / path)
        rows.append(
            row(
                image_id=image_id(pixels),
                path=path,
                width=32,
                height=32,
                format="PNG",
                label=("round", "flat")[seed % 2],
                source="drawn",
            )
        )
    return write_catalog(root, rows, rejected=[])
