from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from parhelion.augmentation import EnhanceSettings, Upscaler, enlarge
from parhelion.augmentation._tiles import _reflected, enlarged, spans


def _upscaler(
    network: torch.nn.Module, scale: int = 2, channels: int = 3, step: int = 8
) -> Upscaler:
    return Upscaler("x", scale, channels, step, step, network, torch.device("cpu"), torch.float32)


def _drawn(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (height, width, channels), dtype=np.uint8)


def _whole(upscaler: Upscaler, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Enlarge an image in one go, continued by 8 pixels on each side."""
    around = np.pad(pixels, [(8, 8), (8, 8), (0, 0)], mode="symmetric")
    return upscaler.enlarge(around[None])[0][16:-16, 16:-16]


class _Local(torch.nn.Module):
    """Bilinear after a blur of 5 pixels: what a pixel becomes depends on few others."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        blurred = torch.nn.functional.avg_pool2d(
            torch.nn.functional.pad(images, (2, 2, 2, 2), mode="reflect"), 5, 1
        )
        return torch.nn.functional.interpolate(blurred, scale_factor=2, mode="bilinear")


@pytest.mark.parametrize(("height", "width"), [(70, 200), (33, 32), (150, 71), (8, 140), (9, 8)])
def test_tiles_give_what_the_whole_gives(height: int, width: int) -> None:
    pixels = _drawn(height, width)
    upscaler = _upscaler(_Local())
    whole = _whole(upscaler, pixels)

    def read(top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
        return pixels[top : top + height, left : left + width]

    strips = list(enlarged(upscaler, read, pixels.shape, tile=64, overlap=32, batch=3))
    tiled = np.concatenate(strips)
    assert tiled.shape == (2 * height, 2 * width, 3)
    np.testing.assert_allclose(tiled, whole, atol=1e-3)
    # Levels are whole ones next to what was between them, wherever a strip begins.
    levels = enlarge(upscaler, pixels, EnhanceSettings(tile=64, overlap=32, batch=3))
    assert np.abs(levels - tiled).max() < 1
    other = enlarge(upscaler, pixels, EnhanceSettings(tile=96, overlap=32, batch=3))
    assert np.mean(levels != other) < 0.001


class _Windowed(torch.nn.Module):
    """Adds what a window of 8 pixels holds to each of them, to those on the right more."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        padding = (0, -width % 8, 0, -height % 8)
        padded = torch.nn.functional.pad(images, padding, mode="replicate")
        held = torch.nn.functional.avg_pool2d(padded, 8).repeat_interleave(8, 2)
        held = held.repeat_interleave(8, 3)[..., :height, :width]
        large = torch.nn.functional.interpolate(images + held, scale_factor=2)
        large[..., 1::2] += 0.1 * large[..., ::2]
        return large / 2.1


def test_windows_lie_in_tiles_as_in_the_whole() -> None:
    pixels, upscaler = _drawn(70, 171), _upscaler(_Windowed())
    tiled = enlarge(upscaler, pixels, EnhanceSettings(tile=64, overlap=32))
    whole = enlarge(upscaler, pixels, EnhanceSettings(tile=512, overlap=32))
    assert np.abs(tiled.astype(float) - whole).max() <= 1
    assert np.mean(tiled != whole) < 0.001


def test_levels_keep_the_mean_of_a_smooth_sky() -> None:
    class Smooth(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.interpolate(images, scale_factor=2)

    upscaler = _upscaler(Smooth(), channels=1)
    pixels = (3 + (np.random.default_rng(0).random((64, 64, 1)) < 0.3)).astype(np.uint8)
    assert enlarge(upscaler, pixels).mean() == pytest.approx(pixels.mean(), abs=0.02)
    # An image of whole levels is not touched.
    flat = np.full((40, 40, 1), 7, np.uint8)
    assert (enlarge(upscaler, flat) == 7).all()


def test_tiles_without_overlap_show_seams() -> None:
    pixels = _drawn(64, 64)
    upscaler = _upscaler(_Local())
    whole = _whole(upscaler, pixels)
    tiled = enlarge(upscaler, pixels, EnhanceSettings(tile=32, overlap=0)).astype(float)
    assert np.abs(tiled - whole).max() > 4


@given(
    side=st.integers(1, 400),
    tile=st.integers(2, 16).map(lambda n: 8 * n),
    share=st.floats(0, 0.5),
)
def test_spans_cover_a_side_and_share_the_overlap(side: int, tile: int, share: float) -> None:
    overlap = int(tile * share) // 8 * 8
    found = spans(side, tile, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == side
    for (begin, end), (following, _) in pairwise(found):
        assert end - begin == tile
        assert following == end - overlap
    assert found[-1][1] - found[-1][0] > overlap or len(found) == 1


class _Channels(torch.nn.Module):
    """Repeats pixels, and remembers how many channels it was given."""

    given = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.given = images.shape[1]
        return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.mark.parametrize("has", [1, 3])
@pytest.mark.parametrize("takes", [1, 3])
def test_gray_and_color_go_through_either_network(has: int, takes: int) -> None:
    network = _Channels()
    pixels = _drawn(16, 24, has)
    found = enlarge(_upscaler(network, channels=takes), pixels)
    assert network.given == takes
    np.testing.assert_array_equal(found[::2, ::2], pixels)
    assert found.shape == (32, 48, has)


def test_one_pixel_is_enlarged() -> None:
    found = enlarge(_upscaler(_Channels()), np.full((1, 1, 3), 77, np.uint8))
    np.testing.assert_array_equal(found, np.full((2, 2, 3), 77, np.uint8))


@pytest.mark.parametrize("side", [*range(1, 20), 84, 88, 96])
@pytest.mark.parametrize("step", [1, 8])
def test_any_side_is_enlarged_without_an_overlap(side: int, step: int) -> None:
    """Also where the last tile begins beyond the image."""
    pixels = _drawn(side, 100 - side)
    settings = EnhanceSettings(tile=32, overlap=0)
    found = enlarge(_upscaler(_Channels(), step=step), pixels, settings)
    np.testing.assert_array_equal(found, pixels.repeat(2, 0).repeat(2, 1))


class _Black(torch.nn.Module):
    """Layers that each look four pixels further and see black around the image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            images = torch.nn.functional.avg_pool2d(images, 9, 1, padding=4)
        return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.mark.parametrize("step", [1, 2, 7])
def test_a_network_s_black_surroundings_are_not_seen(step: int) -> None:
    flat = np.full((40, 60, 3), 90, np.uint8)
    found = enlarge(_upscaler(_Black(), step=step), flat)
    np.testing.assert_array_equal(found, np.full((80, 120, 3), 90, np.uint8))


@given(st.integers(-50, 50), st.integers(1, 60), st.integers(1, 20))
def test_places_are_reflected_as_numpy_pads(begin: int, count: int, side: int) -> None:
    padded = np.pad(np.arange(side), (60, 120), mode="symmetric")
    places = _reflected(begin, count, side)
    np.testing.assert_array_equal(places, padded[60 + begin : 60 + begin + count])
