"""Framing: the centre of each image, of chosen rows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parhelion.catalog import row, write_catalog
from parhelion.measurement._framing import centre, framed_pixels


@pytest.mark.parametrize(
    ("shape", "crop", "expected"),
    [
        ((8, 8), 1.0, (8, 8)),
        ((8, 8), 0.5, (4, 4)),
        ((8, 12), 0.5, (4, 4)),
        ((9, 9), 0.01, (1, 1)),
    ],
)
def test_centre_has_the_size_asked_for(
    shape: tuple[int, int], crop: float, expected: tuple[int, int]
) -> None:
    assert centre(np.zeros((*shape, 3), np.uint8), crop).shape == (*expected, 3)


def test_centre_is_in_the_middle() -> None:
    image = np.zeros((8, 12, 3), np.uint8)
    image[2:6, 4:8] = 9
    assert (centre(image, 0.5) == 9).all()


def test_rows_are_read_in_the_order_given(tmp_path: Path) -> None:
    rows = []
    for i in range(5):
        image = np.full((8, 8, 3), 200, np.uint8)
        image[2:6, 2:6] = i
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        rows.append(row(image_id=str(i), path=f"{i}.png", width=8, height=8, format="PNG"))
    catalog = write_catalog(tmp_path, rows)
    found = framed_pixels(catalog, 4, crop=0.5, rows=np.array([3, 0, 3]))
    assert found.shape == (3, 4, 4, 3)
    assert found[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert framed_pixels(catalog, 4, crop=0.5, workers=1)[:, 3, 3, 2].tolist() == [0, 1, 2, 3, 4]
