"""Pictures written by strips: the pixels, the mark, and no trace of the strips."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from parhelion.errors import InputError
from parhelion.provenance import read_mark, write_strips

PIXELS = np.random.default_rng(0).integers(0, 256, (600, 300, 3)).astype(np.uint8)
RECIPE = {"operation": "test", "name": "é"}


def write(path: Path, pixels: np.ndarray, step: int) -> bytes:
    height, width, channels = pixels.shape
    write_strips(
        path,
        (pixels[y : y + step] for y in range(0, height, step)),
        height=height,
        width=width,
        channels=channels,
        recipe=RECIPE,
        made=True,
    )
    return path.read_bytes()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_pixels_and_mark_come_back(tmp_path: Path, suffix: str, channels: int):
    path, pixels = tmp_path / f"a{suffix}", PIXELS[..., :channels]
    write(path, pixels, 100)
    with Image.open(path) as image:
        back = np.asarray(image)
    np.testing.assert_array_equal(back.reshape(pixels.shape), pixels)
    mark = read_mark(path)
    assert mark is not None
    assert mark.made
    assert mark.recipe == RECIPE


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_the_file_does_not_depend_on_the_strips(tmp_path: Path, suffix: str):
    files = {write(tmp_path / f"{step}{suffix}", PIXELS, step) for step in (1, 77, 256, 600)}
    assert len(files) == 1


def test_tiff_is_tiled(tmp_path: Path):
    write(tmp_path / "a.tiff", PIXELS, 100)
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        assert file.pages[0].is_tiled
        assert file.pages[0].tile == (256, 256)


def test_missing_rows_leave_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match="600 rows, not 700"):
        write_strips(
            tmp_path / "a.png",
            [PIXELS],
            height=700,
            width=300,
            channels=3,
            recipe=RECIPE,
            made=True,
        )
    assert not list(tmp_path.iterdir())


def test_other_formats_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"must be \.png or \.tiff"):
        write(tmp_path / "a.jpg", PIXELS, 100)
