"""Cut-outs of drawn fields: how many, where, and which belong together."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray
from PIL import Image
from skimage.data import hubble_deep_field

from parhelion.catalog import CutoutSettings, cutouts, image_id, open_catalog
from parhelion.catalog._overlaps import overlap_groups
from parhelion.errors import CatalogError, InputError, SettingsError
from parhelion.provenance import read_mark

SMALL = {"min_area": 20, "threshold": 3.0}


def draw_field(
    blobs: list[tuple[float, float, float, float]],
    shape: tuple[int, int] = (200, 240),
    seed: int = 0,
    noise: float = 2.0,
) -> NDArray[np.uint8]:
    """Gray field with round Gaussians (x, y, sigma, peak) on a sky of 20."""
    rng = np.random.default_rng(seed)
    image = rng.normal(20, noise, shape)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    for x, y, sigma, peak in blobs:
        image += peak * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def test_three_blobs_give_three_cutouts(tmp_path: Path):
    blobs = [(60, 50, 3, 120), (170, 60, 4, 100), (100, 140, 5, 80)]
    pixels = draw_field(blobs)
    field = save(tmp_path / "field.png", pixels)
    catalog = cutouts([field], tmp_path / "out", CutoutSettings(**SMALL))
    assert len(catalog) == 3
    assert open_catalog(tmp_path / "out").table.equals(catalog.table)
    for row, recipe, file in zip(catalog.rows(), catalog.recipes(), catalog.files(), strict=True):
        x0, y0, x1, y1 = recipe["box"]
        cut = np.asarray(Image.open(file))
        np.testing.assert_array_equal(cut, pixels[y0:y1, x0:x1])
        assert row["image_id"] == image_id(cut[..., None])
        assert (row["width"], row["height"], row["format"]) == (x1 - x0, y1 - y0, "PNG")
        assert (row["origin"], row["source"], row["split"]) == ("observed", "field.png", None)
        assert recipe["field_id"] == image_id(pixels[..., None])
        assert abs((x0 + x1 - 1) / 2 - recipe["x"]) <= 0.5
        assert abs((y0 + y1 - 1) / 2 - recipe["y"]) <= 0.5
        assert x1 - x0 == pytest.approx(max(8 * recipe["a"], 20), abs=0.51)
        assert not recipe["blended"]
        assert not recipe["shifted"]
        mark = read_mark(file)
        assert mark is not None
        assert not mark.made
        assert mark.recipe == recipe
    measured = sorted((r["x"], r["y"], r["flux"]) for r in catalog.recipes())
    expected = sorted((x, y, 2 * np.pi * s**2 * p) for x, y, s, p in blobs)
    np.testing.assert_allclose(np.array(measured)[:, :2], np.array(expected)[:, :2], atol=0.3)
    np.testing.assert_allclose(np.array(measured)[:, 2], np.array(expected)[:, 2], rtol=0.1)
    assert len(set(catalog.column("group_id"))) == 3


def test_same_field_same_bytes(tmp_path: Path):
    field = save(tmp_path / "f.png", draw_field([(60, 50, 3, 120), (170, 60, 4, 100)]))
    first = cutouts([field], tmp_path / "a", CutoutSettings(**SMALL))
    second = cutouts([field], tmp_path / "b", CutoutSettings(**SMALL))
    assert first.table.equals(second.table)
    for one, two in zip(first.files(), second.files(), strict=True):
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(("edges", "count"), [("skip", 1), ("shift", 2)])
def test_a_box_beyond_the_edge_is_skipped_or_shifted(tmp_path: Path, edges, count):
    # The second source is whole, but half its box is outside.
    field = save(tmp_path / "f.png", draw_field([(120, 100, 4, 100), (11, 100, 3, 120)]))
    catalog = cutouts([field], tmp_path / "out", CutoutSettings(edges=edges, scale=10, **SMALL))
    assert len(catalog) == count
    shifted = [recipe for recipe in catalog.recipes() if recipe["shifted"]]
    assert len(shifted) == count - 1
    for recipe in shifted:
        assert recipe["box"][0] == 0
    skipped = json.loads((tmp_path / "out/settings.json").read_text())["given"]["skipped"]
    assert skipped.get("at an edge", 0) == 2 - count


def test_a_field_smaller_than_the_box_has_no_cutout(tmp_path: Path):
    field = save(tmp_path / "f.png", draw_field([(16, 16, 4, 100)], shape=(32, 32)))
    with pytest.raises(InputError, match="at an edge"):
        cutouts([field], tmp_path / "out", CutoutSettings(edges="shift", min_size=40, **SMALL))


def test_blends_are_flagged_and_fainter_neighbors_are_not_cut(tmp_path: Path):
    field = save(tmp_path / "f.png", draw_field([(100, 100, 4, 150), (114, 100, 3, 60)]))
    catalog = cutouts([field], tmp_path / "out", CutoutSettings(**SMALL))
    assert [recipe["blended"] for recipe in catalog.recipes()] == [True]
    assert catalog.recipes()[0]["x"] == pytest.approx(100, abs=0.6)
    both = cutouts([field], tmp_path / "both", CutoutSettings(neighbor=100.0, **SMALL))
    assert len(both) == 2
    assert len(set(both.column("group_id"))) == 1


@pytest.mark.parametrize(
    ("blobs", "reason"),
    [
        ([(120, 100, 1.2, 200)], "too small"),
        ([(120, 100, 12, 2000)], "saturated"),
    ],
)
def test_artifacts_are_left_out(tmp_path: Path, blobs, reason):
    field = save(tmp_path / "f.png", draw_field(blobs))
    with pytest.raises(InputError, match=reason):
        cutouts([field], tmp_path / "out", CutoutSettings(min_area=60, threshold=3.0))


def test_faint_sources_are_left_out(tmp_path: Path):
    field = save(tmp_path / "f.png", draw_field([(120, 100, 4, 30)], noise=2.0))
    assert len(cutouts([field], tmp_path / "a", CutoutSettings(min_snr=10, **SMALL))) == 1
    with pytest.raises(InputError, match="1 sources too faint"):
        cutouts([field], tmp_path / "b", CutoutSettings(min_snr=200, **SMALL))


def test_fields_that_cannot_be_read_are_rejected(tmp_path: Path):
    good = save(tmp_path / "good.png", draw_field([(120, 100, 4, 100)]))
    twin = save(tmp_path / "twin.png", draw_field([(120, 100, 4, 100)]))
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    catalog = cutouts([good, bad, twin], tmp_path / "out", CutoutSettings(**SMALL))
    assert len(catalog) == 1
    rejected = pq.read_table(tmp_path / "out/rejected.parquet").to_pylist()
    assert [item["source"] for item in rejected] == ["bad.png", "twin.png"]
    assert rejected[1]["reason"] == "the same pixels as good.png"
    with pytest.raises(InputError, match=r"bad\.png"):
        cutouts([bad], tmp_path / "none", CutoutSettings(**SMALL))


def test_an_existing_catalog_is_kept_unless_told_otherwise(tmp_path: Path):
    one = save(tmp_path / "one.png", draw_field([(60, 50, 4, 120), (150, 120, 4, 90)]))
    two = save(tmp_path / "two.png", draw_field([(120, 100, 4, 100)]))
    cutouts([one], tmp_path / "out", CutoutSettings(**SMALL))
    with pytest.raises(CatalogError, match="already holds a catalog"):
        cutouts([two], tmp_path / "out", CutoutSettings(**SMALL))
    catalog = cutouts([two], tmp_path / "out", CutoutSettings(overwrite=True, **SMALL))
    assert len(catalog) == 1
    assert len(list((tmp_path / "out/images").iterdir())) == 1


def test_a_field_in_the_catalog_that_is_replaced_stays(tmp_path: Path):
    field = save(tmp_path / "one.png", draw_field([(60, 50, 4, 120), (150, 120, 4, 90)]))
    catalog = cutouts([field], tmp_path / "out", CutoutSettings(**SMALL))
    again = CutoutSettings(overwrite=True, **SMALL)
    with pytest.raises(CatalogError, match="lies in the catalog that --out"):
        cutouts([field, catalog.files()[0]], tmp_path / "out", again)
    assert all(file.is_file() for file in open_catalog(tmp_path / "out").files())
    # A field beside the cut-outs is no part of the catalog.
    beside = save(tmp_path / "out/field.png", draw_field([(120, 100, 4, 100)]))
    assert len(cutouts([beside], tmp_path / "out", again)) == 1
    assert beside.is_file()


def celestial(ra: float, dec: float) -> fits.Header:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [100.0, 80.0]
    wcs.wcs.cdelt = [-2e-4, 2e-4]
    return wcs.to_header()


def test_sky_positions_follow_the_wcs(tmp_path: Path):
    # FITS counts rows from below: what decoding shows at row y is stored at height - 1 - y.
    pixels = draw_field([(60, 50, 4, 120), (170, 140, 4, 100)]).astype(np.float32)
    header = celestial(150.0, 30.0)
    path = tmp_path / "f.fits"
    fits.PrimaryHDU(pixels[::-1].copy(), header).writeto(path)
    catalog = cutouts([path], tmp_path / "out", CutoutSettings(min_size=24, **SMALL))
    assert len(catalog) == 2
    for recipe in catalog.recipes():
        ra, dec = WCS(header).pixel_to_world_values(recipe["x"], 199 - recipe["y"])
        assert recipe["ra"] == pytest.approx(float(ra), abs=1e-6)
        assert recipe["dec"] == pytest.approx(float(dec), abs=1e-6)
        x0, y0, *_ = recipe["box"]
        cards = fits.Header(list(recipe["wcs"].items()))
        ra, dec = WCS(cards).pixel_to_world_values(recipe["x"] - x0, recipe["y"] - y0)
        assert recipe["ra"] == pytest.approx(float(ra), abs=1e-6)
        assert recipe["dec"] == pytest.approx(float(dec), abs=1e-6)


def test_fields_that_show_the_same_sky_share_groups(tmp_path: Path):
    blobs = [(60, 50, 4, 120), (170, 140, 4, 100)]
    paths = []
    for index, (seed, ra) in enumerate([(0, 150.0), (1, 150.0), (2, 151.0)]):
        paths.append(tmp_path / f"{index}.fits")
        pixels = draw_field(blobs, seed=seed).astype(np.float32)
        fits.PrimaryHDU(pixels, celestial(ra, 30.0)).writeto(paths[-1])
    catalog = cutouts(paths, tmp_path / "out", CutoutSettings(**SMALL))
    groups: dict[str, set[str]] = {}
    for row in catalog.rows():
        groups.setdefault(row["group_id"], set()).add(row["source"])
    assert len(catalog) == 6
    assert sorted(map(sorted, groups.values())) == [
        ["0.fits", "1.fits"],
        ["0.fits", "1.fits"],
        ["2.fits"],
        ["2.fits"],
    ]


def test_boxes_that_share_one_pixel_are_one_group_and_touching_ones_are_not():
    boxes = np.array([[0, 0, 10, 10], [9, 9, 19, 19], [19, 9, 29, 19], [18, 0, 28, 10]])
    # 0 and 1 share pixel (9, 9); 1 and 2 touch; 1 and 3 share (18, 9); 2 and 3 share a row.
    assert overlap_groups(["f"] * 4, boxes, [None] * 4, list("abcd")) == [0, 0, 0, 0]
    assert overlap_groups(["f"] * 3, boxes[:3], [None] * 3, list("abc")) == [0, 0, 2]
    assert overlap_groups(["f", "g"], boxes[:2], [None] * 2, list("ab")) == [0, 1]


def test_the_same_pixels_are_one_group_wherever_they_are():
    boxes = np.array([[0, 0, 4, 4], [50, 50, 54, 54], [90, 90, 94, 94]])
    assert overlap_groups(["f", "f", "g"], boxes, [None] * 3, ["a", "b", "a"]) == [0, 1, 0]


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 0), ("min_size", 2), ("max_size", 5), ("neighbor", 0)]
)
def test_bad_settings_name_their_flag(name, value):
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}"):
        CutoutSettings(**{name: value})


def test_the_hubble_deep_field_gives_many_galaxies_that_can_be_split(tmp_path: Path):
    field = save(tmp_path / "hdf.png", hubble_deep_field())
    catalog = cutouts([field], tmp_path / "out")
    assert 200 <= len(catalog) <= 320
    # A test part of 15 % must have room for the largest group.
    largest = max(Counter(catalog.column("group_id")).values())
    assert largest < 0.1 * len(catalog)
