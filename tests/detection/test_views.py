"""What is seen of an image: patches where there is structure, of any image whatever its size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from parhelion.detection import DetectorSettings
from parhelion.detection._views import at_least, fullest, patch_side, view

PATCHES = DetectorSettings(view="patches", image_size=16, patches=3)


def _spotted(height: int, width: int, *spots: tuple[int, int]) -> NDArray[np.uint8]:
    pixels = np.full((height, width, 3), 10, np.uint8)
    for y, x in spots:
        pixels[y : y + 4, x : x + 4] = 200
    return pixels


def test_a_whole_view_is_one_small_picture() -> None:
    seen = view(_spotted(40, 60, (5, 5)), DetectorSettings(image_size=32))
    assert seen.patches.shape == (1, 32, 32, 3)
    assert seen.boxes.tolist() == [[0, 10, 40, 40]]


def test_patches_are_pixels_of_the_image_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    seen = view(pixels, PATCHES)
    assert len(seen.patches) == 3
    for patch, (top, left, height, width) in zip(seen.patches, seen.boxes, strict=True):
        assert np.array_equal(patch, pixels[top : top + height, left : left + width])


def test_structure_comes_before_blank_sky() -> None:
    pixels = _spotted(64, 64, (8, 8), (50, 50))
    pixels[50:54, 50:54] = 90  # fainter
    spots = [
        next((spot for spot in (8, 50) if y <= spot <= y + 12 and x <= spot <= x + 12), None)
        for y, x in fullest(pixels, 16, 20)
    ]
    kinds = list(dict.fromkeys(spots))
    assert kinds == [8, 50, None]


def test_patches_overlap_by_half_at_most() -> None:
    corners = fullest(
        np.random.default_rng(0).integers(0, 255, (50, 50, 3)).astype(np.uint8), 16, 9
    )
    for number, (y, x) in enumerate(corners):
        assert all(max(abs(y - b), abs(x - a)) >= 8 for b, a in corners[:number])


def test_a_smaller_image_is_judged_by_smaller_patches() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (30, 60, 3), dtype=np.uint8)
    seen = view(pixels, DetectorSettings(view="patches", image_size=40, patches=3))
    assert seen.patches.shape == (3, 24, 24, 3)
    assert seen.boxes[:, 2:].tolist() == [[24, 24]] * 3


@pytest.mark.parametrize(
    ("shorter", "side"), [(500, 96), (96, 96), (95, 88), (64, 64), (62, 56), (17, 16), (3, 16)]
)
def test_the_side_of_patches(shorter: int, side: int) -> None:
    assert patch_side(shorter, 96) == side


def test_a_tiny_image_is_continued_by_reflection() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(1, 6, 1).repeat(6, 0)
    seen = view(pixels, PATCHES)
    assert seen.boxes.tolist() == [[0, 0, 6, 6]]
    assert seen.patches.shape == (1, 16, 16, 3)
    assert seen.patches[0, 0, :, 0].tolist() == [5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0]


@settings(deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), channels=st.sampled_from([1, 3]))
def test_any_image_has_a_view(height: int, width: int, channels: int) -> None:
    rng = np.random.default_rng([height, width])
    seen = view(rng.integers(0, 256, (height, width, channels), dtype=np.uint8), PATCHES)
    assert seen.patches.shape[1:] == (16, 16, 3)
    assert 1 <= len(seen.patches) == len(seen.boxes) <= 3
    top, left, tall, wide = seen.boxes.T
    assert (top >= 0).all()
    assert (top + tall <= height).all()
    assert (left >= 0).all()
    assert (left + wide <= width).all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 20, 3), (20, 1, 3)])
def test_one_pixel_is_repeated(shape: tuple[int, int, int]) -> None:
    wide = at_least(np.full(shape, 7, np.uint8), 16)
    assert min(wide.shape[:2]) == 16
    assert (wide == 7).all()
