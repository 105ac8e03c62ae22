"""Deep-zoom tiles: every level, and views that were interrupted."""

import io
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from parhelion.errors import InputError
from parhelion.sky._deepzoom import UNFINISHED, DeepZoom, forget
from parhelion.sky._reduce import halve
from parhelion.sky._render import Layer, Rendered, Scene


class Killed(Exception):
    pass


def draw(scene_size: int, count: int = 30) -> Scene:
    """Gray squares on black: JPEG stores color at half the resolution."""
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, scene_size - 1, (2, count))

    def square(index: int) -> Rendered:
        light = np.full((5, 5, 3), 150 + index, np.float32)
        return Rendered(light, round(y[index]) - 2, round(x[index]) - 2, 1.0 + index, 2.0, 3.0)

    return Scene(None, [Layer(x, y, np.full(count, 4.0), square)], channels=3)


def zoom(out: Path, size: int, **changes) -> DeepZoom:
    options = {"channels": 3, "tile": 16, "quality": 100, "mark": {}, "made": True}
    return DeepZoom(out, size, **(options | changes))


def write(out: Path, scene: Scene, size: int, **changes):
    options = {"block": 50, "workers": 2, "recipe": {"seed": 1}}
    return zoom(out, size).write(scene, **(options | changes))


def assemble(folder: Path, level: int, side: int) -> np.ndarray:
    out = np.zeros((side, side, 3), np.uint8)
    files = list((folder / str(level)).glob("*.jpg"))
    across = -(-side // 16)
    assert len(files) == across**2
    for file in files:
        column, row = (int(part) for part in file.stem.split("_"))
        with Image.open(file) as image:
            tile = np.asarray(image)
        place = out[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
        assert place.shape == tile.shape
        place[:] = tile
    return out


@pytest.mark.parametrize("fine", [0, 2, 4])
def test_levels_halve_down_to_one_pixel(tmp_path: Path, monkeypatch, fine):
    # A block is 128 pixels; previews of 2,048 would leave all levels to the coarse ones.
    size = 300
    monkeypatch.setattr(
        "parhelion.sky._deepzoom.PREVIEW", 2048 if not fine else size // 2**fine + 1
    )
    scene = draw(size)
    preview = write(tmp_path, scene, size)
    assert preview.shape[0] == -(-size // 2**fine)
    pixels = scene.tile(0, 0, size, size)
    for level in range(9, -1, -1):
        got = assemble(tmp_path / "sky_files", level, len(pixels))
        np.testing.assert_allclose(got, pixels.astype(float), atol=4)
        if len(pixels) == len(preview):
            np.testing.assert_array_equal(preview, pixels)
        pixels = halve(pixels)
    assert not (tmp_path / "sky_files/10").exists()
    root = ElementTree.parse(tmp_path / "sky.dzi").getroot()
    assert (root.get("TileSize"), root.get("Overlap"), root.get("Format")) == ("16", "0", "jpg")
    assert root[0].attrib == {"Width": "300", "Height": "300"}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.jpg")}


def test_an_interrupted_view_is_continued_to_the_same_bytes(tmp_path: Path, monkeypatch):
    size = 300
    monkeypatch.setattr("parhelion.sky._deepzoom.PREVIEW", 100)
    whole = draw(size)
    write(tmp_path / "whole", whole, size)
    scene = draw(size)
    plain, calls = scene.tile, 0

    def fails(*where):
        nonlocal calls
        calls += 1
        if calls == 20:
            raise Killed
        return plain(*where)

    monkeypatch.setattr(scene, "tile", fails)
    with pytest.raises(Killed):
        write(tmp_path / "cut", scene, size, workers=1)
    notes = list((tmp_path / "cut" / UNFINISHED / "notes").glob("*.npz"))
    assert 0 < len(notes) < 9
    assert not (tmp_path / "cut/sky.dzi").exists()
    with pytest.raises(InputError, match="interrupted view with another seed"):
        write(tmp_path / "cut", draw(size), size, recipe={"seed": 2})
    again = draw(size)
    rendered, plain_again = [], again.tile
    monkeypatch.setattr(again, "tile", lambda *where: rendered.append(where) or plain_again(*where))
    write(tmp_path / "cut", again, size)
    # Nine blocks of at most 3 x 3 parts: those with a note were not rendered again.
    assert len(rendered) < 60
    assert snapshot(tmp_path / "cut") == snapshot(tmp_path / "whole")
    np.testing.assert_array_equal(again.flux, whole.flux)
    np.testing.assert_array_equal(np.sort(again.flux), 1.0 + np.arange(30))


def test_whole_tiles_are_not_rendered_again(tmp_path: Path, monkeypatch):
    size = 300
    whole = draw(size)
    preview = write(tmp_path, whole, size)
    tiles = snapshot(tmp_path)
    again = draw(size)
    monkeypatch.setattr(again, "tile", None)
    np.testing.assert_array_equal(write(tmp_path, again, size), preview)
    for name in ("flux", "peak", "gain"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    assert snapshot(tmp_path) == tiles
    assert sorted(path.name for path in (tmp_path / UNFINISHED).iterdir()) == [
        "notes",
        "preview.npy",
        "recipe.json",
    ]
    # Notes alone, without their tiles, are not enough.
    shutil.rmtree(tmp_path / "sky_files")
    write(tmp_path, draw(size), size)
    assert snapshot(tmp_path) == tiles
    forget(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sky.dzi", "sky_files"]


def test_gray_tiles(tmp_path: Path):
    flat = np.full((40, 40, 1), 7, np.float32)
    layer = Layer(
        np.array([20.0]), np.array([20.0]), np.array([40.0]),
        lambda _: Rendered(flat, 0, 0, 1.0, 1.0, 1.0),
    )  # fmt: skip
    scene = Scene(None, [layer], channels=1)
    preview = zoom(tmp_path, 40, channels=1).write(scene, block=16, workers=1, recipe={})
    assert preview.shape == (40, 40, 1)
    with Image.open(io.BytesIO((tmp_path / "sky_files/6/0_0.jpg").read_bytes())) as image:
        assert image.mode == "L"
