"""Windows of large images: the same pixels, whatever the file."""

from pathlib import Path

import numpy as np
import pytest

from parhelion.catalog import open_windows
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


def test_what_is_no_image_is_refused(tmp_path: Path):
    path = tmp_path / "x.tiff"
    path.write_bytes(b"no tiff")
    with pytest.raises(DecodeError, match=r"x\.tiff"):
        open_windows(path)
