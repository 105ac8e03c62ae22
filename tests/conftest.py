"""Small images that the tests draw themselves."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion.catalog import Catalog, image_id, row, write_catalog


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # Tiny networks lose more to the hand-over between threads than they gain.
    torch.set_num_threads(1)


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


@pytest.fixture
def parts(galaxies: Catalog) -> Catalog:
    """The drawn galaxies, split: 16 to learn from, 4 to watch, 4 to test on."""
    rows = galaxies.rows()
    for number, item in enumerate(rows):
        item["split"] = "train" if number < 16 else "validation" if number < 20 else "test"
    return write_catalog(galaxies.root, rows)
