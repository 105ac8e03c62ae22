"""Views as pyramidal TIFF."""

import numpy as np
import pytest
import tifffile

from parhelion.provenance import read_mark
from parhelion.sky._pyramid import write_pyramid
from parhelion.sky._reduce import halve


@pytest.mark.parametrize("channels", [1, 3])
def test_levels_are_halves_whatever_the_strips(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (700, 531, channels)).astype(np.uint8)
    what = {"height": 700, "width": 531, "channels": channels, "recipe": {"a": 1}, "made": True}
    write_pyramid(tmp_path / "a.tiff", [pixels[:333], pixels[333:334], pixels[334:]], **what)
    write_pyramid(tmp_path / "b.tiff", [pixels], **what)
    assert (tmp_path / "a.tiff").read_bytes() == (tmp_path / "b.tiff").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tiff", "b.tiff"]
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        assert len(file.pages) == 1
        levels = file.series[0].levels
        assert len(levels) == 3
        for level in levels:
            np.testing.assert_array_equal(
                level.asarray(), pixels[..., 0] if channels == 1 else pixels
            )
            pixels = halve(pixels)
    mark = read_mark(tmp_path / "a.tiff")
    assert mark is not None
    assert mark.made


def test_rows_that_are_missing_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="strips have 4 rows, not 9"):
        write_pyramid(
            tmp_path / "a.tiff", [np.zeros((4, 9, 1), np.uint8)], height=9, width=9, channels=1,
            recipe={}, made=True,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
