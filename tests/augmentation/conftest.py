"""A network that enlarges, small enough to train in a test."""

from pathlib import Path

import pytest
from tiny_upscaler import TINY

from parhelion.augmentation import train_upscaler
from parhelion.catalog import Catalog, write_catalog


@pytest.fixture
def parts(galaxies: Catalog) -> Catalog:
    """The drawn galaxies, split: 16 to learn from, 4 to watch, 4 to test on."""
    rows = galaxies.rows()
    for number, item in enumerate(rows):
        item["split"] = "train" if number < 16 else "validation" if number < 20 else "test"
    return write_catalog(galaxies.root, rows)


@pytest.fixture
def upscaler(parts: Catalog, tmp_path: Path) -> Path:
    """The folder of an upscaler after four steps."""
    return train_upscaler([parts], tmp_path / "upscaler", TINY)
