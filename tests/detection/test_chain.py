"""The path that every image takes: it forgets what the file was."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parhelion.detection._chain import judged, reencode


def test_any_image_comes_out_square_in_color() -> None:
    pixels = np.arange(20 * 12, dtype=np.uint8).reshape(20, 12, 1)
    seen = judged(pixels, 16, 90)
    assert seen.shape == (16, 16, 3)
    assert seen.dtype == np.uint8


def test_the_file_format_leaves_no_trace(galaxy: NDArray[np.uint8]) -> None:
    seen = []
    for format in ("PNG", "BMP", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(galaxy).save(buffer, format)
        with Image.open(buffer) as image:
            seen.append(judged(np.array(image), 32, 90))
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])


def test_quality_and_subsampling_change_the_pixels(galaxy: NDArray[np.uint8]) -> None:
    fine, data = reencode(galaxy, 98, 0)
    coarse, small = reencode(galaxy, 60, 2)
    assert len(small) < len(data)
    error = [np.abs(seen.astype(int) - galaxy).mean() for seen in (fine, coarse)]
    assert error[0] < error[1]


def test_the_result_may_be_written_to(galaxy: NDArray[np.uint8]) -> None:
    assert reencode(galaxy, 90)[0].flags.writeable
