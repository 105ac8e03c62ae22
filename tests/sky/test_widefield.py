"""The wide view: the same whatever the tiles, marked, with a truth catalog that is true."""

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from parhelion.errors import InputError, SettingsError
from parhelion.provenance import read_mark
from parhelion.sky import WidefieldSettings, read_truth, read_view, view_image, widefield
from parhelion.sky._strips import Preview

FILES = ("view.png", "preview.jpg", "truth.parquet", "truth.fits", "sky.reg", "sky_files/8/0_0.jpg")
MARKED = FILES[:4] + FILES[5:]


def settings(real_field: Path, **changes) -> WidefieldSettings:
    options = {"count": 40, "size": 300, "seed": 7, "like": str(real_field), "min_area": 30}
    return WidefieldSettings(**(options | changes))


def test_tiles_and_workers_leave_no_trace(tmp_path: Path, made, real_field):
    ways = {"a": (1024, 1), "b": (64, 3), "c": (150, 2)}
    asked = {"format": ("png", "deepzoom"), "zoom_tile": 32, "stars": 5, "psf": (2.0,)}
    for name, (tile, workers) in ways.items():
        options = settings(real_field, tile=tile, workers=workers, **asked)
        widefield(made, tmp_path / name, options)
    names = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a/sky_files").rglob("*.jpg"))
    assert len(names) > 100
    for file in (*FILES, *names):
        assert len({(tmp_path / name / file).read_bytes() for name in ways}) == 1, file
    other = widefield(made, tmp_path / "d", settings(real_field, seed=8))
    assert other.image.read_bytes() != (tmp_path / "a/view.png").read_bytes()


def test_png_and_tiff_show_the_same(tmp_path: Path, made, real_field):
    png = widefield(made, tmp_path / "png", settings(real_field))
    tiff = widefield(made, tmp_path / "tiff", settings(real_field, format=("tiff",)))
    assert (png.image.name, tiff.image.name) == ("view.png", "view.tiff")
    with Image.open(png.image) as one, Image.open(tiff.image) as two:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_every_file_says_that_it_is_made(tmp_path: Path, made, real_field):
    view = widefield(
        made, tmp_path / "out", settings(real_field, format=("png", "deepzoom"), zoom_tile=64)
    )
    for file in MARKED:
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
    preview = Preview(size, 1)
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
    small = settings(real_field, size=100, count=5, format=("tiff",))
    widefield(made, tmp_path / "out", small)
    with pytest.raises(InputError, match="already holds a wide view"):
        widefield(made, tmp_path / "out", small)
    again = settings(real_field, size=100, count=5, overwrite=True)
    widefield(made, tmp_path / "out", again)
    assert view_image(tmp_path / "out").name == "view.png"
    assert not (tmp_path / "out/view.tiff").exists()


@pytest.mark.parametrize(
    "name", ["index.html", "view.png", "sky.fits", "truth.fits", "sky_files/0/0_0.jpg", "viewer/x"]
)
def test_files_that_are_not_a_views_are_kept(tmp_path: Path, made, real_field, name):
    mine = tmp_path / "data" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(InputError, match=rf"already holds {name.split('/')[0]}, which a view"):
        widefield(made, tmp_path / "data", settings(real_field, size=100, count=5))
    assert mine.read_text() == "mine"


def test_an_input_is_not_replaced(tmp_path: Path, made, real_field):
    view = widefield(made, tmp_path / "out", settings(real_field, size=100, count=5))
    kept = {path: path.read_bytes() for path in view.folder.iterdir()}
    for changes in (
        {"like": str(view.image)},
        {"placement": str(view.truth), "count": None},
        {"draw_from": str(view.folder / "truth.fits")},
    ):
        asked = settings(real_field, size=100, overwrite=True, **changes)
        with pytest.raises(InputError, match="is to be read, but a view in --out"):
            widefield(made, view.folder, asked)
    assert {path: path.read_bytes() for path in view.folder.iterdir()} == kept


def test_a_view_stays_until_all_that_replaces_it_was_read(tmp_path: Path, made, real_field):
    view = widefield(made, tmp_path / "out", settings(real_field, size=100, count=5))
    kept = {path: path.read_bytes() for path in view.folder.iterdir()}
    (tmp_path / "drawn.csv").write_text("flux,axis\n2000,4\n")
    for changes in ({"like": "nowhere.fits"}, {"draw_from": str(tmp_path / "drawn.csv")}):
        asked = settings(real_field, size=100, count=5, overwrite=True, **changes)
        with pytest.raises(InputError):
            widefield(made, view.folder, asked)
        assert {path: path.read_bytes() for path in view.folder.iterdir()} == kept


@pytest.mark.parametrize("stage", ["write_pyramid", "write_truth", "write_json"])
def test_whole_tiles_are_kept_until_all_else_is_there(
    tmp_path: Path, made, real_field, monkeypatch, stage
):
    asked = {"format": ("deepzoom", "tiff"), "zoom_tile": 64, "stars": 3}
    widefield(made, tmp_path / "whole", settings(real_field, **asked))

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"parhelion.sky._widefield.{stage}", killed)
        with pytest.raises(KeyboardInterrupt):
            widefield(made, tmp_path / "cut", settings(real_field, **asked))
    with pytest.raises(InputError, match="was interrupted; --resume continues it"):
        widefield(made, tmp_path / "cut", settings(real_field, **asked))
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut/sky_files").rglob("*")}
    widefield(made, tmp_path / "cut", settings(real_field, resume=True, **asked))
    assert written == {path: path.stat().st_mtime_ns for path in written}
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == names
    for name in ("view.tiff", "truth.parquet", "preview.jpg", "sky.dzi"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_description_names_what_is_there(tmp_path: Path, made, real_field):
    asked = settings(real_field, size=100, count=5, format=("fits", "png", "deepzoom"), stars=2)
    view = widefield(made, tmp_path / "out", asked)
    described = read_view(view.folder)
    assert described["files"] == view.files
    for name in view.files.values():
        assert (view.folder / name).exists()
    assert described["counts"]["galaxies"] == view.galaxies == 5
    assert described["counts"]["stars"] == view.stars == 2
    assert described["made"] is True
    assert described["deepzoom"]["max_level"] == 7
    assert (view.folder / "sky_files/7/0_0.jpg").is_file()
    assert view_image(view.folder) == view.image == view.folder / "view.png"
    assert read_truth(view.folder)["kind"].to_pylist() == ["galaxy"] * 5 + ["star"] * 2
    (view.folder / "sky.json").write_text("{}")
    with pytest.raises(InputError, match="does not describe a wide view"):
        read_view(view.folder)
    with pytest.raises(InputError, match="is not a finished wide view"):
        read_view(tmp_path)


def test_places_of_a_table_are_kept(tmp_path: Path, made, real_field):
    wanted = made.rows()[3]["image_id"]
    text = f"x,y,image_id,size,angle\n50,40,{wanted},6,0\n120.5,99,,,\n500,3,,,\n"
    (tmp_path / "places.csv").write_text(text)
    asked = settings(real_field, size=200, count=None, placement=str(tmp_path / "places.csv"))
    view = widefield(made, tmp_path / "out", asked)
    assert view.galaxies == 2
    assert view.dropped["outside the view"] == 1
    first, second = read_truth(view.folder).to_pylist()
    assert (first["x"], first["y"], first["image_id"]) == (50, 40, wanted)
    assert (first["rotation"], first["flipped"]) == (0, False)
    assert (second["x"], second["y"]) == (120.5, 99)
    mark = read_mark(view.image)
    assert mark is not None
    assert mark.recipe is not None
    assert mark.recipe["placement"] == "places.csv"
    assert len(mark.recipe["placement_id"]) == 32
    with pytest.raises(SettingsError, match=r"--count \(=3\) must be left out"):
        again = settings(real_field, size=200, count=3, placement=str(tmp_path / "places.csv"))
        widefield(made, tmp_path / "other", again)


def test_sizes_and_fluxes_come_from_a_table(tmp_path: Path, made, real_field):
    (tmp_path / "drawn.csv").write_text("flux,size\n2000,4\n2000,4\n")
    asked = settings(real_field, draw_from=str(tmp_path / "drawn.csv"), max_gain=50.0)
    truth = read_truth(widefield(made, tmp_path / "out", asked).folder)
    # Drawn alike, up to the smoothing of 8 %.
    for name, spread in (("zoom", 0.35), ("flux", 0.35)):
        values = truth[name].to_numpy()
        assert values.std() / values.mean() < spread
    (tmp_path / "drawn.csv").write_text("flux,axis\n2000,4\n")
    with pytest.raises(InputError, match="has no column 'size'"):
        widefield(made, tmp_path / "other", asked)


def test_values_to_each_band_need_as_many_bands(tmp_path: Path, made, real_field):
    with Image.open(real_field) as image:
        image.convert("L").save(tmp_path / "gray.png")
    with pytest.raises(SettingsError, match="--noise has 3 values, but the field has 1 band"):
        widefield(made, tmp_path / "out", settings(tmp_path / "gray.png", noise=(1.0, 2.0, 3.0)))


@pytest.mark.parametrize(
    ("size", "asked", "formats"),
    [
        (8192, ("auto",), ("png",)),
        (8193, ("auto",), ("deepzoom",)),
        (100, ("fits", "auto", "png"), ("png", "fits")),
    ],
)
def test_formats(size, asked, formats):
    assert WidefieldSettings(size=size, format=asked).formats == formats


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("format", {"format": ("fits",), "size": 20_001}),
        ("format", {"format": ()}),
        ("zoom-tile", {"zoom_tile": 100}),
        ("psf", {"psf": (1.0, 2.0)}),
        ("noise", {"noise": (-1.0,)}),
        ("flux-law", {"flux_law": 1.0, "draw_from": "x.csv"}),
        ("resume", {"resume": True, "overwrite": True}),
        ("spikes", {"spikes": 5}),
        ("dec", {"dec": 91.0}),
    ],
)
def test_settings_that_cannot_work_together(flag, values):
    with pytest.raises(SettingsError, match=f"--{flag}"):
        WidefieldSettings(**values)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("placement", "clustered"),
        ("cluster_members", 5.0),
        ("draw_from", "x.csv"),
        ("flux_law", 1.5),
        ("scale", 2.0),
        ("max_enlarge", 2.0),
        ("max_gain", 2.0),
        ("color_jitter", 0.1),
        ("psf", (2.0,)),
        ("noise", (0.5,)),
        ("stars", 3),
        ("spikes", 6),
    ],
)
def test_a_grid_refuses_what_it_would_not_heed(flag, value):
    WidefieldSettings(layout="grid", **{flag: getattr(WidefieldSettings, flag)})
    wanted = rf"--layout \(=grid\) must be sky with --{flag.replace('_', '-')}$"
    with pytest.raises(SettingsError, match=wanted):
        WidefieldSettings(layout="grid", **{flag: value})


@pytest.mark.parametrize(
    ("name", "value"), [("count", 0), ("size", 1), ("seed", -1), ("tile", 1), ("workers", 0)]
)
def test_bad_settings_name_their_flag(name, value):
    with pytest.raises(SettingsError, match=f"--{name}"):
        WidefieldSettings(**{name: value})
