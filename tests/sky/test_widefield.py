"""The wide view: the same whatever the tiles, marked, with a truth catalog that is true."""

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.errors import InputError, SettingsError
from parhelion.provenance import read_mark
from parhelion.sky import WidefieldSettings, read_truth, view_image, widefield
from parhelion.sky._widefield import _Preview

FILES = ("view.png", "preview.jpg", "truth.parquet", "truth.fits")


def settings(real_field: Path, **changes) -> WidefieldSettings:
    options = {"count": 40, "size": 300, "seed": 7, "like": str(real_field), "min_area": 30}
    return WidefieldSettings(**(options | changes))


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


def test_tiles_and_workers_leave_no_trace(tmp_path: Path, made, real_field):
    ways = {"a": (1024, 1), "b": (64, 3), "c": (150, 2)}
    for name, (tile, workers) in ways.items():
        widefield(made, tmp_path / name, settings(real_field, tile=tile, workers=workers))
    for file in FILES:
        assert len({(tmp_path / name / file).read_bytes() for name in ways}) == 1, file
    other = widefield(made, tmp_path / "d", settings(real_field, seed=8))
    assert other.image.read_bytes() != (tmp_path / "a/view.png").read_bytes()


def test_png_and_tiff_show_the_same(tmp_path: Path, made, real_field):
    png = widefield(made, tmp_path / "png", settings(real_field))
    tiff = widefield(made, tmp_path / "tiff", settings(real_field, format="tiff"))
    assert (png.image.name, tiff.image.name) == ("view.png", "view.tiff")
    with Image.open(png.image) as one, Image.open(tiff.image) as two:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_every_file_says_that_it_is_made(tmp_path: Path, made, real_field):
    view = widefield(made, tmp_path / "out", settings(real_field))
    for file in FILES:
        mark = read_mark(view.folder / file)
        assert mark is not None, file
        assert mark.made
        assert mark.recipe is not None
        assert mark.recipe["operation"] == "widefield"
        assert mark.recipe["seed"] == 7
        assert mark.recipe["count"] == 40
        assert mark.recipe["models"] == ["net-1"]
    saved = json.loads((view.folder / "settings.json").read_text())
    assert saved["settings"]["size"] == 300
    assert saved["given"]["dropped"] == view.dropped


def test_a_view_of_observed_galaxies_is_not_called_made(tmp_path: Path, galaxies, real_field):
    view = widefield(galaxies, tmp_path / "out", settings(real_field, count=5, size=100))
    mark = read_mark(view.image)
    assert mark is not None
    assert not mark.made
    assert mark.recipe is not None


def test_the_truth_is_what_was_painted(tmp_path: Path, made, real_field):
    view = widefield(made, tmp_path / "out", settings(real_field, count=20, size=600))
    assert view.dropped == {"no source at the center": 1}
    truth = read_truth(view.folder).to_pylist()
    assert view.galaxies == len(truth) == 20
    assert [item["object_id"] for item in truth] == list(range(20))
    rows = {item["image_id"]: item for item in made.rows()}
    with Image.open(view.image) as image:
        pixels = np.asarray(image).astype(float)
    sky = np.median(pixels, axis=(0, 1))
    light = (pixels - sky) @ [0.299, 0.587, 0.114]
    places = np.array([(item["x"], item["y"]) for item in truth])
    checked = 0
    for item in truth:
        assert item["path"] == rows[item["image_id"]]["path"]
        assert item["label"] == rows[item["image_id"]]["label"]
        assert item["a"] >= item["b"] > 0
        assert -np.pi / 2 < item["theta"] <= np.pi / 2
        x, y = item["x"], item["y"]
        reach = 40
        others = np.hypot(*(places - [x, y]).T)
        if np.sort(others)[1] < 2 * reach or min(x, y) < reach or max(x, y) > 599 - reach:
            continue
        x0, y0 = round(x), round(y)
        window = light[y0 - reach : y0 + reach + 1, x0 - reach : x0 + reach + 1]
        noise = 3.0 * np.sqrt(window.size)
        assert window.sum() == pytest.approx(item["flux"], abs=5 * noise, rel=0.02)
        yy, xx = np.mgrid[-4:5, -4:5]
        near = window[reach - 4 : reach + 5, reach - 4 : reach + 5].clip(0)
        center = (near * xx).sum() / near.sum(), (near * yy).sum() / near.sum()
        np.testing.assert_allclose(center, (x - x0, y - y0), atol=0.6)
        checked += 1
    assert checked >= 3


def test_truth_is_also_a_fits_table(tmp_path: Path, made, real_field):
    view = widefield(made, tmp_path / "out", settings(real_field))
    table = read_truth(view.folder)
    with fits.open(view.folder / "truth.fits") as hdus:
        data = hdus["TRUTH"].data
        assert data.names == table.column_names
        assert hdus["TRUTH"].columns["x"].unit == "pix"
        for name in ("object_id", "x", "y", "a", "flux", "flipped"):
            np.testing.assert_array_equal(data[name], table[name].to_numpy(zero_copy_only=False))
        assert list(data["label"]) == table["label"].to_pylist()


def test_the_fields_density_gives_the_count(tmp_path: Path, made, real_field):
    view = widefield(made, tmp_path / "out", settings(real_field, count=None, size=192))
    assert view.galaxies == round(36 / 384**2 * 192**2)


def test_the_preview_is_the_average():
    # Reduced by 3: the last row and column average what is left of the view, 1 of 3 pixels.
    size = 2 * 2048 + 3
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 1)).astype(np.uint8)
    preview = _Preview(size, 1)
    strips = [pixels[:1000], pixels[1000:1001], pixels[1001:]]
    for given, passed in zip(strips, preview.watch(iter(strips)), strict=True):
        assert passed is given
    small = preview.pixels().astype(float)
    side = -(-size // 3)
    assert small.shape == (side, side, 1)
    whole = pixels[: 3 * (side - 1), : 3 * (side - 1), 0].astype(float)
    means = whole.reshape(side - 1, 3, side - 1, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(small[:-1, :-1, 0], np.rint(means))
    rest = size - 3 * (side - 1)
    assert small[-1, -1, 0] == round(float(pixels[-rest:, -rest:].mean()))


def test_gray_fields_give_gray_views(tmp_path: Path, made, real_field):
    with Image.open(real_field) as image:
        image.convert("L").save(tmp_path / "gray.png")
    view = widefield(made, tmp_path / "out", settings(tmp_path / "gray.png", size=100, count=5))
    with Image.open(view.image) as image:
        assert image.mode == "L"


def test_nothing_to_place_is_an_error(tmp_path: Path, made, real_field):
    blank = made.select(path="images/blank.png")
    with pytest.raises(InputError, match="1 no source at the center"):
        widefield(blank, tmp_path / "out", settings(real_field))
    with pytest.raises(InputError, match="it is empty"):
        widefield(made.select(origin="diffusion"), tmp_path / "out", settings(real_field))


def test_an_existing_view_is_kept_unless_told_otherwise(tmp_path: Path, made, real_field):
    small = settings(real_field, size=100, count=5, format="tiff")
    widefield(made, tmp_path / "out", small)
    with pytest.raises(InputError, match="already holds a wide view"):
        widefield(made, tmp_path / "out", small)
    again = settings(real_field, size=100, count=5, overwrite=True)
    widefield(made, tmp_path / "out", again)
    assert view_image(tmp_path / "out").name == "view.png"
    assert not (tmp_path / "out/view.tiff").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("count", 0), ("size", 1), ("seed", -1), ("tile", 1), ("workers", 0)]
)
def test_bad_settings_name_their_flag(name, value):
    with pytest.raises(SettingsError, match=f"--{name}"):
        WidefieldSettings(**{name: value})
