"""Windows of large images: the same pixels, whatever the file."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from parhelion.catalog import decode, open_windows
from parhelion.errors import DecodeError
from parhelion.provenance import write_image, write_strips

PIXELS = np.random.default_rng(0).integers(0, 256, (300, 530, 3)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["tiled.tiff", "plain.tiff", "plain.png"])
def test_a_window_is_that_part_of_the_image(tmp_path: Path, kind: str, channels: int):
    path, pixels = tmp_path / kind, PIXELS[..., :channels]
    if kind == "tiled.tiff":
        write_strips(
            path, [pixels], height=300, width=530, channels=channels, recipe={}, made=False
        )
    else:
        write_image(path, pixels, recipe={}, made=False)
    with open_windows(path) as windows:
        assert windows.shape == pixels.shape
        for y0, x0, height, width in [(0, 0, 300, 530), (250, 250, 20, 270), (299, 529, 1, 1)]:
            part = windows.read(y0, x0, height, width)
            np.testing.assert_array_equal(part, pixels[y0 : y0 + height, x0 : x0 + width])
        # What is outside the image is not part of the window.
        np.testing.assert_array_equal(windows.read(-10, 520, 20, 50), pixels[:10, 520:])


@pytest.mark.parametrize(
    ("channels", "tags"),
    [
        (3, {"photometric": "rgb", "compression": "zlib", "predictor": 2}),
        (1, {"photometric": "miniswhite"}),
        (1, {"photometric": "palette", "colormap": np.arange(768, dtype=np.uint16)[::-1] * 85}),
        (3, {"photometric": "rgb", "extratags": [(274, "H", 1, 6, True)]}),
        (3, {"photometric": "ycbcr"}),
    ],
)
def test_a_tiled_file_is_seen_as_it_decodes(tmp_path: Path, channels: int, tags: dict[str, Any]):
    """Inverted, by a palette, turned, in other colors: what is stored is not what is shown."""
    path, data = tmp_path / "x.tiff", np.squeeze(PIXELS[:70, :90, :channels])
    if "colormap" in tags:
        tags = {**tags, "colormap": tags["colormap"].reshape(3, 256)}
    tifffile.imwrite(path, data, tile=(32, 32), metadata=None, **tags)
    whole = decode(path)[0].pixels
    with open_windows(path) as windows:
        assert windows.shape == whole.shape
        np.testing.assert_array_equal(windows.read(20, 30, 40, 40), whole[20:60, 30:70])


def test_a_tile_of_a_compression_that_tifffile_lacks(tmp_path: Path):
    pixels, path, buffer = PIXELS[:16, :16], tmp_path / "x.tiff", io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", compression="tiff_lzw")
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as striped:
        (begin,), (count,) = striped.pages[0].dataoffsets, striped.pages[0].databytecounts
    # The one strip becomes the one tile; the tag then says how it is compressed.
    tile = iter([buffer.getvalue()[begin : begin + count]])
    as_tile = {"shape": (16, 16, 3), "dtype": "uint8", "tile": (16, 16), "photometric": "rgb"}
    tifffile.imwrite(path, tile, metadata=None, compression="zlib", **as_tile)
    with tifffile.TiffFile(path, mode="r+b") as tiled:
        tiled.pages[0].tags[259].overwrite(5)
    with open_windows(path) as windows:
        np.testing.assert_array_equal(windows.read(0, 0, 16, 16), pixels)


@pytest.mark.parametrize("compression", ["zlib", None])
def test_a_damaged_tile_is_named(tmp_path: Path, compression: str | None):
    path = tmp_path / "x.tiff"
    tags = {"photometric": "rgb", "compression": compression, "metadata": None}
    tifffile.imwrite(path, PIXELS, tile=(64, 64), **tags)
    with tifffile.TiffFile(path) as tiff:
        begin = tiff.pages[0].dataoffsets[9]
    data = bytearray(path.read_bytes())
    if compression is None:
        del data[begin:]  # cut off
    else:
        data[begin : begin + 40] = b"\0" * 40
    path.write_bytes(data)
    with open_windows(path) as windows:
        np.testing.assert_array_equal(windows.read(0, 0, 64, 64), PIXELS[:64, :64])
        with pytest.raises(DecodeError, match=r"x\.tiff cannot be read .* tile 9 is damaged"):
            windows.read(64, 0, 64, 64)


def test_what_is_no_image_is_refused(tmp_path: Path):
    path = tmp_path / "x.tiff"
    path.write_bytes(b"no tiff")
    with pytest.raises(DecodeError, match=r"x\.tiff"):
        open_windows(path)
