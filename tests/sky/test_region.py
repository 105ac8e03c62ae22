"""Parts of a view rendered again, from nothing but its recipe and truth catalog."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from parhelion.catalog import DecodeSettings
from parhelion.cli import main
from parhelion.errors import InputError, SettingsError
from parhelion.provenance import read_mark
from parhelion.sky import (
    RegionSettings,
    WidefieldSettings,
    open_view,
    read_truth,
    render_region,
    widefield,
    write_region,
)

ASKED = {"count": 40, "size": 300, "seed": 7, "min_area": 30, "format": ("png", "deepzoom")}
RICH = {"stars": 8, "psf": (2.0, 2.5, 3.0), "noise": (1.0, 0.5, 2.0), "color_jitter": 0.3}


def paint(made, out, real_field, **changes):
    return widefield(made, out, WidefieldSettings(like=str(real_field), **(ASKED | changes)))


def pixels(view):
    with Image.open(view.folder / "view.png") as image:
        return np.asarray(image)


@pytest.mark.parametrize("changes", [{}, RICH, {"layout": "grid"}])
def test_a_region_is_bit_for_bit_the_view(tmp_path, made, real_field, changes):
    view = paint(made, tmp_path / "out", real_field, **changes)
    whole = pixels(view)
    for name in ("view.png", "sky.dzi", "preview.jpg"):
        (view.folder / name).unlink()
    part = render_region(view.folder, 40, 90, 251, 133)
    np.testing.assert_array_equal(part, whole[90:223, 40:291])


def test_the_catalog_may_have_moved_but_not_changed(tmp_path, made, real_field):
    view = paint(made, tmp_path / "out", real_field)
    moved = tmp_path / "moved"
    shutil.move(made.root, moved)
    with pytest.raises(InputError, match="is not at .* any more; say with --catalog"):
        render_region(view.folder, 0, 0, 300, 300)
    whole = render_region(view.folder, 0, 0, 300, 300, catalog=moved)
    np.testing.assert_array_equal(whole, pixels(view))
    used = read_truth(view.folder)["path"].to_pylist()
    shutil.copy(moved / used[0], moved / used[1])
    with pytest.raises(InputError, match="is not the image that the view was painted with"):
        render_region(view.folder, 0, 0, 300, 300, catalog=moved)
    (moved / used[1]).unlink()
    with pytest.raises(InputError, match="is gone, and the view needs it"):
        render_region(view.folder, 0, 0, 300, 300, catalog=moved)


def test_fits_of_a_region_has_the_views_sky(tmp_path, made, real_field):
    view = paint(made, tmp_path / "out", real_field)
    place = RegionSettings(x=40, y=90, width=250, height=130)
    path = write_region(view.folder, tmp_path / "part.fits", place)
    with fits.open(path) as hdus:
        header, data = hdus[0].header, hdus[0].data
    np.testing.assert_array_equal(data[:, ::-1].transpose(1, 2, 0), pixels(view)[90:220, 40:290])
    row = read_truth(view.folder).slice(3, 1).to_pylist()[0]
    x, y = WCS(header).celestial.wcs_world2pix(row["ra"], row["dec"], 0)
    assert (x, y) == pytest.approx((row["x"] - 40, 129 - (row["y"] - 90)), abs=1e-6)
    mark = read_mark(path)
    assert mark is not None
    assert mark.made
    assert mark.recipe is not None
    assert mark.recipe["region"] == {"x": 40, "y": 90, "width": 250, "height": 130}


def test_windows_of_any_view(tmp_path, made, real_field):
    png = paint(made, tmp_path / "png", real_field)
    zoom = paint(made, tmp_path / "zoom", real_field, format=("deepzoom",))
    with open_view(png.folder) as one, open_view(zoom.folder) as two:
        assert one.shape == two.shape == (300, 300, 3)
        np.testing.assert_array_equal(one.read(-5, 250, 60, 99), pixels(png)[:55, 250:])
        np.testing.assert_array_equal(two.read(-5, 250, 60, 99), pixels(png)[:55, 250:])


def test_a_picture_too_large_to_decode_is_rendered_again(tmp_path, made, real_field, monkeypatch):
    view = paint(made, tmp_path / "out", real_field, format=("png", "tiff"))
    whole = pixels(view)
    (view.folder / "view.png").write_bytes(b"not to be read")
    with open_view(view.folder) as windows:
        np.testing.assert_array_equal(windows.read(10, 20, 60, 99), whole[10:70, 20:119])
    (view.folder / "view.tiff").unlink()
    with pytest.raises(InputError, match=r"view\.png cannot be read"):
        open_view(view.folder)
    monkeypatch.setattr(DecodeSettings, "pixel_limit", 300**2 - 1)
    with open_view(view.folder) as windows:
        np.testing.assert_array_equal(windows.read(10, 20, 60, 99), whole[10:70, 20:119])


def test_the_verb(tmp_path, made, real_field, capsys):
    view = paint(made, tmp_path / "out", real_field)
    out = tmp_path / "part.png"
    place = ["--x", "10", "--y", "20", "--width", "30", "--height", "40"]
    assert main(["region", str(view.folder), *place, "--out", str(out)]) == 0
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels(view)[20:60, 10:40])
    assert main(["region", str(view.folder), "--x", "290", "--out", str(out)]) == 2
    assert "is not inside the view of 300 x 300" in capsys.readouterr().err
    with pytest.raises(SettingsError, match="--width"):
        RegionSettings(width=0)


@pytest.mark.parametrize("name", ["part.jpg", "part.webp", "part.fts", "part"])
def test_only_formats_that_keep_every_bit_are_written(tmp_path, name):
    # Before the view is opened: here there is none.
    with pytest.raises(InputError, match=r"must be one of \.fits, \.fit, \.png, \.tif, \.tiff$"):
        write_region(tmp_path / "view", tmp_path / name)
