"""The format-only control: it finds what containers tell, and nothing where they are alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parhelion.catalog import Catalog
from parhelion.detection import DetectorSettings
from parhelion.detection._data import gather
from parhelion.detection._format_baseline import (
    Container,
    container,
    format_accuracy,
    format_features,
    format_only,
)
from parhelion.training import PixelStore


def test_a_container_is_described(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (20, 10)).save(path, quality=100)
    found = container(path)
    # At quality 100 all 64 entries of both tables are 1.
    assert found == Container(path.stat().st_size, 20, 10, "JPEG", 128)
    other = tmp_path / "b.fits"
    other.write_bytes(b"SIMPLE")
    assert container(other) == Container(6, 0, 0, "other", 0)


def test_features_by_hand() -> None:
    row = format_features([Container(100, 20, 10, "PNG", 0)])[0]
    assert row.tolist() == [pytest.approx(np.log(100)), 4.0, 20, 10, 0, 0, 1, 0, 0, 0]


def test_what_separates_is_found_and_what_is_alike_is_chance() -> None:
    is_made = np.array([False] * 10 + [True] * 30)
    telling = np.where(is_made, 2.0, 1.0)[:, None] + np.zeros((40, 2))
    assert format_accuracy(telling, is_made, telling, is_made) == 1.0
    alike = np.ones((40, 2))
    # Thirty of forty are made, yet to call all of them made is no skill.
    assert format_accuracy(alike, is_made, alike, is_made) == pytest.approx(0.5)


def _figures(*catalogs: Catalog) -> dict[str, float]:
    samples = gather(catalogs)
    train = [sample for sample in samples if sample.split == "train"]
    test = [sample for sample in samples if sample.split == "test"]
    settings = DetectorSettings(image_size=32, workers=2)
    return format_only(train, test, PixelStore(32, 64), settings)


def test_the_chain_takes_the_container_away(make_catalog: Callable[..., Catalog]) -> None:
    # The same kind of picture on both sides, stored without loss in two formats.
    figures = _figures(
        make_catalog("observed", 160, made=False, suffix="tiff", lattice=False),
        make_catalog("made", 160, made=True, suffix="png", lattice=False),
    )
    assert figures["format_only_raw_accuracy"] == 1.0
    # Chance on 40 + 40 images, give or take 0.15, nearly three standard deviations.
    assert figures["format_only_accuracy"] == pytest.approx(0.5, abs=0.15)


def test_what_an_earlier_jpeg_took_from_the_pixels_is_shown(
    make_catalog: Callable[..., Catalog],
) -> None:
    figures = _figures(
        make_catalog("observed", 160, made=False, suffix="jpg", lattice=False),
        make_catalog("made", 160, made=True, suffix="png", lattice=False),
    )
    # The noise is gone for good, and the file gets smaller when it is encoded again: the
    # control has to say so.
    assert figures["format_only_accuracy"] > 0.75
