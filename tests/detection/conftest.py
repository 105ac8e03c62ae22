"""Drawn galaxies, and the same drawn small and enlarged as a generator's last layer would."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.detection import Detector, DetectorSettings, load_detector, train_detector

SIZE = 32
TINY: dict[str, Any] = {
    "backbone": "test_resnet",
    "image_size": SIZE,
    "images": 960,
    "batch": 16,
    "learning_rate": 1e-3,
    "validate_every": 320,
    "log_every": 64,
    "augment_probability": 0.25,
    "device": "cpu",
    "precision": "fp32",
    "workers": 2,
}


def draw(seed: int, size: int, made: bool) -> NDArray[np.uint8]:
    """Draw a round galaxy on noisy sky; a made one has the lattice of an upsampling layer."""
    rng = np.random.default_rng([seed, made])
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    scale = size * rng.uniform(0.08, 0.15)
    light = rng.uniform(100, 200) * np.exp(-np.hypot(x, y) / scale)
    pixels = light[..., None] * rng.uniform(0.6, 1, 3) + rng.normal(25, 3, (size, size, 3))
    if made:
        across, down = (np.cos(np.pi / 2 * np.arange(size)) for _ in range(2))
        pixels += 9 * (across + down[:, None])[..., None]
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write(
    root: Path, count: int, *, made: bool, suffix: str = "png", lattice: bool | None = None
) -> Catalog:
    """Write a split catalog of drawn images: half train, a quarter each of the others."""
    root.mkdir(parents=True)
    rows = []
    for number in range(count):
        pixels = draw(number, SIZE, made if lattice is None else lattice)
        name = f"{number:03d}.{suffix}"
        Image.fromarray(pixels).save(root / name, quality=95)
        part = number * 4 // count
        rows.append(
            row(
                image_id=image_id(pixels),
                group_id=f"{root.name}-{number}",
                path=name,
                width=SIZE,
                height=SIZE,
                format=suffix.upper(),
                origin="gan" if made else "observed",
                split=("train", "train", "validation", "test")[part],
                recipe={"seed": number} if made else None,
            )
        )
    return write_catalog(root, rows, rejected=[])


@pytest.fixture
def galaxy() -> NDArray[np.uint8]:
    """One drawn observed image, 32 pixels."""
    return draw(0, SIZE, made=False)


@pytest.fixture
def make_catalog(tmp_path: Path) -> Callable[..., Catalog]:
    """A function that writes a catalog of the given name; see `write`."""

    def make(name: str, count: int = 8, **options: Any) -> Catalog:
        return write(tmp_path / name, count, **options)

    return make


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Catalog]:
    """80 observed images in JPEG and 80 made ones in PNG."""
    root = tmp_path_factory.mktemp("drawn")
    return [
        write(root / "observed", 80, made=False, suffix="jpg"),
        write(root / "made", 80, made=True),
    ]


@pytest.fixture(scope="session")
def run(drawn: list[Catalog], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained detector."""
    out = tmp_path_factory.mktemp("runs") / "detector"
    return train_detector(drawn, out, DetectorSettings(**TINY))


@pytest.fixture(scope="session")
def detector(run: Path) -> Detector:
    """A trained detector."""
    return load_detector(run, device="cpu", batch=4)
