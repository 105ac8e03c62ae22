"""A network that enlarges, small enough to train in a test."""

from pathlib import Path

import pytest
from tiny_upscaler import TINY

from parhelion.augmentation import train_upscaler
from parhelion.catalog import Catalog


@pytest.fixture
def upscaler(parts: Catalog, tmp_path: Path) -> Path:
    """The folder of an upscaler after four steps."""
    return train_upscaler([parts], tmp_path / "upscaler", TINY)
