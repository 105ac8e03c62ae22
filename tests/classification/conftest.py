"""Galaxies of three kinds that the tests draw, in a split catalog, and a classifier of them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.classification import ClassifierSettings, train_classifier

KINDS = ("round", "flat", "patchy", "odd")
SIZE = 32
#: Of every kind, how many images each part has.
PARTS = {"train": 24, "validation": 8, "test": 8}


def draw(kind: str, seed: int) -> NDArray[np.uint8]:
    """A round reddish, a flat bluish or a patchy bluish galaxy on noisy sky; odd: noise alone."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    light = np.zeros((SIZE, SIZE))
    if kind == "round":
        light += 200 * np.exp(-np.hypot(x, y) / rng.uniform(3, 4))
    if kind == "flat":
        angle = rng.uniform(0, np.pi)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        light += 200 * np.exp(-np.hypot(along, 6 * across) / 5)
    if kind == "patchy":
        for at_x, at_y in rng.uniform(-9, 9, (6, 2)):
            light += 120 * np.exp(-np.hypot(x - at_x, y - at_y) / 1.5)
    color = np.array([1.0, 0.8, 0.6] if kind == "round" else [0.6, 0.8, 1.0])
    sky = rng.normal(12, 3, (SIZE, SIZE, 3))
    return np.clip(light[..., None] * color + sky, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """40 images of each of four kinds: 24 to train on, 8 for validation, 8 for test."""
    root = tmp_path_factory.mktemp("labeled")
    (root / "images").mkdir()
    rows = []
    splits = [part for part, count in PARTS.items() for _ in range(count)]
    for kind in KINDS:
        for seed, part in enumerate(splits):
            pixels = draw(kind, seed)
            path = f"images/{kind}-{seed:02d}.png"
            Image.fromarray(pixels).save(root / path)
            rows.append(
                row(
                    image_id=image_id(pixels),
                    path=path,
                    width=SIZE,
                    height=SIZE,
                    format="PNG",
                    label=kind,
                    split=part,
                    source="drawn",
                )
            )
    return write_catalog(root, rows, rejected=[])


@pytest.fixture(scope="session")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A mapping of three of the labels to two classes."""
    path = tmp_path_factory.mktemp("mapping") / "shapes.toml"
    path.write_text(
        "[classes]\nround = 'smooth'\nflat = 'smooth'\npatchy = 'irregular'\n", encoding="utf-8"
    )
    return str(path)


@pytest.fixture(scope="session")
def settings(mapping: str) -> ClassifierSettings:
    """A run of seconds."""
    return ClassifierSettings(
        image_size=32,
        classes=mapping,
        images=640,
        batch=16,
        learning_rate=3e-3,
        warmup=64,
        ema_half_life=100,
        validate_every=160,
        log_every=32,
        device="cpu",
        precision="fp32",
        workers=2,
    )


@pytest.fixture(scope="session")
def run(
    labeled: Catalog, settings: ClassifierSettings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A trained classifier."""
    return train_classifier(labeled, tmp_path_factory.mktemp("classifier") / "run", settings)
