"""What SSIM needs of each image: windows and blocks, checked against plain NumPy."""

import numpy as np
import pytest
from drawn_blobs import blobs, extremes
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from parhelion.measurement._ssim_prepare import (
    BLOCK,
    C2,
    block_sizes,
    bytes_per_image,
    empty_prepared,
    prepare,
    stride_of,
    strip_rows,
)


@pytest.mark.parametrize(
    "images", [blobs(0, 3, 21, 34, 1), blobs(1, 2, 7, 7, 1), extremes()], ids=["wide", "one", "x"]
)
def test_windows_and_blocks_are_numpy_s(images: NDArray[np.uint8]) -> None:
    gray = images[..., 0]
    count, height, width = gray.shape
    stride = stride_of(width)
    out = empty_prepared(count, height, width)
    prepare(gray, out)
    windows = sliding_window_view(gray.astype(float), (7, 7), axis=(1, 2))
    mean, variance = windows.mean((3, 4)), windows.var((3, 4), ddof=1)
    down, across = mean.shape[1:]
    m = out.m.reshape(count, down, stride)
    v = out.v.reshape(count, down, stride)
    level = out.level[:, None, None]
    np.testing.assert_allclose(m[..., :across] / 49 + level, mean, atol=1e-4)
    np.testing.assert_allclose(v[..., :across] / 24 - C2 / 2, variance, atol=2e-3)
    assert np.isinf(v[..., across:]).all()  # windows over the end of a row count for nothing
    assert (m[..., across:] == 0).all()

    deviation = np.sqrt(variance)
    tiles = [
        (slice(None), slice(r, r + BLOCK), slice(c, c + BLOCK))
        for r in range(0, down, BLOCK)
        for c in range(0, across, BLOCK)
    ]
    for b, tile in enumerate(tiles):
        for part, values in ((0, mean[tile]), (3, deviation[tile])):
            expected = [values.mean((1, 2)), values.min((1, 2)), values.max((1, 2))]
            np.testing.assert_allclose(out.blocks[:, part : part + 3, b].T, expected, atol=2e-3)
        assert block_sizes(height, width)[b] == mean[0][tile[1:]].size


def test_rows_start_at_cache_lines_and_memory_is_what_is_said() -> None:
    out = empty_prepared(3, 40, 50)
    assert out.x.ctypes.data % 64 == 0
    assert stride_of(50) == 64
    held = sum(part.nbytes for part in (out.x, out.m, out.v, out.blocks))
    assert held == 3 * bytes_per_image(40, 50) - 3 * 4 * 64 * (3 * 40 + 1 - 41 - 34 - 34)


@pytest.mark.parametrize(("width", "rows"), [(7, 32), (64, 32), (256, 16), (1024, 8), (5000, 8)])
def test_strips_are_whole_blocks(width: int, rows: int) -> None:
    assert strip_rows(width) == rows
