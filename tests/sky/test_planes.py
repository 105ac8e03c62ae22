"""Views as FITS."""

import numpy as np
import pytest
from astropy.io import fits

from parhelion.provenance import read_mark
from parhelion.sky._frame import part_cards, view_cards
from parhelion.sky._planes import write_planes

CARDS = part_cards(view_cards(9, ra=10.0, dec=5.0, pixel_scale=1.0), x=0, y=0, height=9)


@pytest.mark.parametrize("channels", [1, 3])
def test_planes_are_the_picture_bottom_up(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, channels)).astype(np.uint8)
    path = tmp_path / "a.fits"
    write_planes(
        path, [pixels[:4], pixels[4:5], pixels[5:]], height=9, width=9, channels=channels,
        wcs=CARDS, recipe={"seed": 1}, made=True,
    )  # fmt: skip
    assert path.stat().st_size % 2880 == 0
    with fits.open(path) as hdus:
        hdus.verify("exception")
        data, header = hdus[0].data, hdus[0].header
        assert header["ORIGIN"].startswith("Parhelion")
        assert header["SYNTHETC"] is True
        assert header["CTYPE1"] == "RA---TAN"
        expected = pixels[::-1, :, 0] if channels == 1 else pixels[::-1].transpose(2, 0, 1)
        np.testing.assert_array_equal(data, expected)
    mark = read_mark(path)
    assert mark is not None
    assert mark.recipe == {"seed": 1}


def test_rows_that_are_missing_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="strips have 4 rows, not 9"):
        write_planes(
            tmp_path / "a.fits", [np.zeros((4, 9, 1), np.uint8)], height=9, width=9, channels=1,
            wcs=CARDS, recipe={}, made=True,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
