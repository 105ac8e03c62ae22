"""Zoomed windows are the same pixels however they are read."""

import numpy as np
import pytest

from parhelion.errors import SettingsError
from parhelion.measurement import MeasureFieldSettings
from parhelion.measurement._field_zoom import ZoomedView, zoomed_box


class Held:
    def __init__(self, pixels):
        self.pixels, self.shape = pixels, pixels.shape

    def read(self, y0, x0, height, width):
        return self.pixels[max(y0, 0) : y0 + height, max(x0, 0) : x0 + width]


def view(height=30, width=40, channels=3):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return Held(pixels)


def test_reduced_pixels_are_means():
    held = Held(np.array([[0, 4, 9], [8, 4, 9], [7, 7, 7]], np.uint8)[..., None])
    picture = ZoomedView(held, 0.5, (0, 0, 3, 3))
    assert picture.shape == (1, 1, 1)  # the last row and column fill no cell
    assert picture.read(0, 0, 5, 5).tolist() == [[[4]]]


@pytest.mark.parametrize("zoom", [0.5, 1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_windows_agree_with_the_whole(zoom, channels):
    box = (4, 2, 28, 38)
    picture = ZoomedView(view(channels=channels), zoom, box)
    height, width, _ = picture.shape
    assert (height, width) == (24 * zoom, 36 * zoom)
    whole = picture.read(-3, -3, height + 9, width + 9)
    assert whole.shape == (height, width, channels)
    for y, x, h, w in [(0, 0, 5, 7), (3, 5, 6, 4), (height - 4, width - 5, 9, 9), (-2, -1, 6, 5)]:
        part = picture.read(y, x, h, w)
        expected = whole[max(y, 0) : y + h, max(x, 0) : x + w]
        np.testing.assert_array_equal(part, expected)
    assert picture.read(height + 2, 0, 5, 5).size == 0


@pytest.mark.parametrize("block", [1, 5, 8])
def test_reduced_pixels_are_read_in_blocks(monkeypatch, block):
    held = view(height=41, width=50)
    step = 4
    expected = held.pixels[:40, :48].reshape(10, step, 12, step, 3).mean((1, 3))
    monkeypatch.setattr("parhelion.measurement._field_zoom._BLOCK", block)
    asked = []
    plain = held.read
    held.read = lambda *window: asked.append(window) or plain(*window)
    picture = ZoomedView(held, 1 / step, (0, 0, 41, 50))
    np.testing.assert_array_equal(picture.read(-1, 0, 99, 99), np.rint(expected))
    assert max(max(height, width) for _, _, height, width in asked) == max(block // step, 1) * step


def test_enlarging_keeps_places():
    # A bright pixel at (10, 20) is centered on (10.5 * 4 - 0.5, 20.5 * 4 - 0.5) at zoom 4.
    pixels = np.zeros((30, 40, 1), np.uint8)
    pixels[20, 10] = 200
    large = ZoomedView(Held(pixels), 4, (0, 0, 30, 40)).read(0, 0, 120, 160)[..., 0]
    yy, xx = np.mgrid[:120, :160]
    assert (large * xx).sum() / large.sum() == pytest.approx(41.5)
    assert (large * yy).sum() / large.sum() == pytest.approx(81.5)


@pytest.mark.parametrize(
    ("zoom", "expected"),
    [
        (0.5, (0, 0, 1000, 2000)),
        (1, (0, 0, 1000, 2000)),
        (2, (250, 750, 750, 1250)),
        (4, (375, 875, 625, 1125)),
    ],
)
def test_enlarged_is_the_middle_as_much_as_fits(zoom, expected):
    assert zoomed_box((1000, 2000, 3), zoom, 1000) == expected


@pytest.mark.parametrize("zoom", [0, -1, 1.5, 0.4, 100])
def test_other_zooms_are_errors(zoom):
    with pytest.raises(SettingsError, match="--zoom"):
        MeasureFieldSettings(zoom=(zoom,))


def test_zooms_are_exact_and_named_once():
    assert MeasureFieldSettings(zoom=(2, 1, 0.3333, 2)).zooms == (2.0, 1 / 3)
