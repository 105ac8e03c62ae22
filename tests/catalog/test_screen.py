import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from drawn_galaxy import draw_galaxy
from parhelion.catalog import (
    Catalog,
    CutoutSettings,
    ScreenSettings,
    cutouts,
    image_id,
    row,
    screen,
    write_catalog,
)
from parhelion.catalog._lettering import lettering
from parhelion.cli import main
from parhelion.errors import CatalogError


def _lettered(size: int = 20, side: int = 160, level: int = 230) -> NDArray[np.uint8]:
    picture = Image.fromarray(draw_galaxy(5, side))
    font, color = ImageFont.load_default(size), (level, level, level)
    ImageDraw.Draw(picture).text((10, side - 30), "Nebula 2013", fill=color, font=font)
    return np.asarray(picture, np.uint8)


@pytest.mark.parametrize("size", [10, 14, 20, 28])
@pytest.mark.parametrize("is_dark", [False, True])
def test_a_caption_is_found(size: int, is_dark: bool) -> None:
    gray = _lettered(size).mean(-1).astype(np.float32)
    found = lettering(255 - gray if is_dark else gray)
    assert found
    assert all(top >= 125 for top, *_ in found)


def test_stars_are_no_letters() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200]
    sky = rng.normal(12, 3, (200, 200))
    for _ in range(150):
        top, left, sigma = *rng.uniform(0, 200, 2), rng.uniform(1, 2.5)
        sky += 200 * np.exp(-((y - top) ** 2 + (x - left) ** 2) / (2 * sigma**2))
    assert lettering(np.clip(sky, 0, 255).astype(np.float32)) == []


@pytest.fixture
def mixed(tmp_path: Path) -> Catalog:
    """A good image and its smaller near-duplicate, a tiny, a blank, a lettered, a broken one."""
    root = tmp_path / "mixed"
    (root / "images").mkdir(parents=True)
    good = draw_galaxy(0, 64)
    images = {
        "small-twin": (np.asarray(Image.fromarray(good).resize((56, 56))), "one"),
        "good": (good, "one"),
        "tiny": (draw_galaxy(1, 20), None),
        "blank": (np.full((64, 64, 3), 30, np.uint8), None),
        "lettered": (_lettered(), None),
        "broken": (draw_galaxy(2, 64), None),
    }
    rows = []
    for name, (pixels, group) in images.items():
        path = f"images/{name}.png"
        Image.fromarray(pixels).save(root / path)
        height, width = pixels.shape[:2]
        sizes = {"width": width, "height": height, "format": "PNG"}
        rows.append(row(image_id=image_id(pixels), path=path, group_id=group, label=name, **sizes))
    (root / "images" / "broken.png").write_bytes(b"no picture")
    return write_catalog(root, rows, rejected=[])


def test_each_is_found_for_its_reason(mixed: Catalog) -> None:
    found = [(finding.label, finding.reason) for finding in screen(mixed)]
    assert found == [
        ("small-twin", "duplicate"),
        ("tiny", "tiny"),
        ("blank", "blank"),
        ("lettered", "lettering"),
        ("broken", "unreadable"),
    ]


def test_what_is_unfit_is_set_aside(mixed: Catalog, tmp_path: Path) -> None:
    found = screen(mixed, tmp_path / "fit")
    fit = Catalog(tmp_path / "fit", pq.read_table(tmp_path / "fit" / "catalog.parquet"))
    assert fit.column("label") == ["good"]
    assert fit.files()[0].read_bytes() == mixed.files()[1].read_bytes()
    rejected = pq.read_table(tmp_path / "fit" / "rejected.parquet").to_pylist()
    assert [item["path"] for item in rejected] == [finding.path for finding in found]
    assert len(mixed.files()) == 6
    some = ScreenSettings(reasons=("tiny",))
    screen(mixed, tmp_path / "some", some)
    assert pq.read_table(tmp_path / "some" / "catalog.parquet").num_rows == 5
    with pytest.raises(CatalogError, match="already holds a catalog"):
        screen(mixed, tmp_path / "some", some)


def test_nothing_is_written_when_nothing_is_fit(mixed: Catalog, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no image of .* is fit"):
        screen(mixed, tmp_path / "fit", ScreenSettings(least=1000))
    assert not (tmp_path / "fit").exists()


def _one_group(root: Path, images: dict[str, NDArray[np.uint8]]) -> Catalog:
    """A catalog of images that share a group."""
    (root / "images").mkdir(parents=True)
    rows = []
    for name, pixels in images.items():
        path = f"images/{name}.png"
        Image.fromarray(pixels).save(root / path)
        height, width = pixels.shape[:2]
        sizes = {"width": width, "height": height, "format": "PNG"}
        rows.append(row(image_id=image_id(pixels), path=path, group_id="one", label=name, **sizes))
    return write_catalog(root, rows, rejected=[])


def test_a_group_alone_makes_no_duplicates(tmp_path: Path) -> None:
    # As the planes of a file, or an image and its negative, which no thumbnail takes for it.
    good = draw_galaxy(0, 64)
    planes = {"first": good, "other": draw_galaxy(1, 80), "negative": 255 - good}
    assert screen(_one_group(tmp_path / "planes", planes)) == []


def test_cutouts_that_overlap_all_stay(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:100, :220]
    sky = rng.normal(20, 2, (100, 220))
    for number, left in enumerate(range(40, 200, 35)):
        sky += 150 * np.exp(-((y - 50) ** 2 + (x - left) ** 2) / (2 * (3 + 0.4 * number) ** 2))
    Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8)).save(tmp_path / "field.png")
    settings = CutoutSettings(min_area=20, threshold=3.0, min_size=50)
    cut = cutouts([tmp_path / "field.png"], tmp_path / "cut", settings)
    assert len(cut) > 2
    assert len(set(cut.column("group_id"))) == 1
    assert screen(cut) == []


def test_of_twins_the_largest_that_is_fit_stays(tmp_path: Path) -> None:
    # A caption so small and dim that it is nearly the same image.
    lettered = _lettered(10, 240, 120)
    clean = np.asarray(Image.fromarray(draw_galaxy(5, 240)).resize((100, 100)))
    smaller = np.asarray(Image.fromarray(draw_galaxy(5, 240)).resize((80, 80)))
    catalog = _one_group(
        tmp_path / "twins",
        {"lettered": lettered, "smaller": smaller, "clean": clean, "copy": clean},
    )
    found = {(finding.label, finding.reason): finding.detail for finding in screen(catalog)}
    assert set(found) == {
        ("lettered", "lettering"),
        ("lettered", "duplicate"),
        ("smaller", "duplicate"),
        ("copy", "duplicate"),
    }
    assert found["copy", "duplicate"] == "near-duplicate of images/clean.png"
    # Where lettering is welcome, the largest is the lettered one.
    twins = screen(catalog, settings=ScreenSettings(reasons=("duplicate",)))
    assert [finding.label for finding in twins if finding.reason == "duplicate"] == [
        "smaller",
        "clean",
        "copy",
    ]
    screen(catalog, tmp_path / "fit")
    fit = pq.read_table(tmp_path / "fit" / "catalog.parquet")
    assert fit.column("label").to_pylist() == ["clean"]


def test_the_verb(mixed: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screen", str(mixed.root)]) == 0
    assert "images/tiny.png: tiny, 20 x 20 pixels" in capsys.readouterr().out
    assert main(["screen", str(mixed.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == dict.fromkeys(
        ("blank", "duplicate", "lettering", "tiny", "unreadable"), 1
    )
    assert told["found"] == [asdict(finding) for finding in screen(mixed)]
