"""The ways that every image takes: they forget what the file was."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.detection._chain import CHAINS, judged, reencode, through


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


@pytest.mark.parametrize("chain", CHAINS)
def test_a_fixed_chain_scales_and_encodes(galaxy: NDArray[np.uint8], chain: str) -> None:
    scale, quality = CHAINS[chain]
    after = through(galaxy, chain)
    assert after.shape == (*(round(side * scale) for side in galaxy.shape[:2]), 3)
    if scale == 1:
        assert np.array_equal(after, reencode(galaxy, quality)[0])
    gray = galaxy[..., :1]
    assert np.array_equal(through(gray, chain), through(np.repeat(gray, 3, -1), chain))


def test_a_chain_leaves_at_least_a_pixel() -> None:
    assert through(np.zeros((1, 1, 3), np.uint8), "resize-70").shape == (1, 1, 3)
