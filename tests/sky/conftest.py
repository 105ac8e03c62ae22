"""A drawn real field, and galaxies to paint views like it."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.sky import FieldModel, measure_model

LEVEL = np.array([12.0, 14.0, 16.0])


def draw_real_field(seed: int = 0, size: int = 384) -> NDArray[np.uint8]:
    """Sky of known level and noise (RMS 4, one third shared), with 36 round galaxies."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 4 * 3**-0.5, (size, size, 1))
    image = LEVEL + shared + rng.normal(0, 4 * (2 / 3) ** 0.5, (size, size, 3))
    yy, xx = np.mgrid[:size, :size]
    for index in range(36):
        y, x = 32 + 64 * (index // 6), 32 + 64 * (index % 6)
        sigma, peak = 2 + 0.08 * index, 60 + 3 * (index % 30)
        image += (peak * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2)))[..., None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def real_field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("field") / "real.png"
    Image.fromarray(draw_real_field()).save(path)
    return path


@pytest.fixture(scope="session")
def model() -> FieldModel:
    return measure_model(draw_real_field(), min_area=30, where="drawn")


@pytest.fixture
def made(galaxies: Catalog) -> Catalog:
    """The drawn galaxies as if a network had made them, and one image with none."""
    rows = galaxies.rows()
    blank = np.random.default_rng(0).normal(12, 3, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(blank).save(galaxies.root / "images/blank.png")
    rows.append(
        row(
            image_id=image_id(blank),
            path="images/blank.png",
            width=32,
            height=32,
            format="PNG",
        )
    )
    for item in rows:
        item["origin"] = "gan"
        item["recipe"] = json.dumps({"operation": "generate", "model_id": "net-1"})
    return write_catalog(galaxies.root, rows)
