"""Pixels of a catalog: their hash, one size for all, loading in threads."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parhelion.catalog import Catalog, image_id, load_pixels, resize


def test_the_hash_is_of_shape_and_pixels() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = hashlib.blake2b(b"(2, 4, 3)" + bytes(range(24)), digest_size=16).hexdigest()
    assert image_id(pixels) == expected
    assert image_id(pixels.reshape(4, 2, 3)) != expected
    assert image_id(np.asfortranarray(pixels)) == expected
    assert image_id(pixels[:, ::-1]) != expected


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]), st.sampled_from([1, 3]))
@settings(max_examples=40, deadline=None)
def test_any_shape_becomes_one_shape(height: int, width: int, have: int, want: int) -> None:
    pixels = np.full((height, width, have), 77, np.uint8)
    result = resize(pixels, 8, want)
    assert result.shape == (8, 8, want)
    assert result.dtype == np.uint8
    assert (result == 77).all()


def test_the_center_is_kept() -> None:
    pixels = np.zeros((4, 8, 1), np.uint8)
    pixels[:, 2:6] = 200
    assert np.array_equal(resize(pixels, 4, 1), np.full((4, 4, 1), 200, np.uint8))
    assert np.array_equal(resize(pixels.transpose(1, 0, 2), 4, 1)[..., 0], np.full((4, 4), 200))


def test_color_becomes_luma() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert resize(red, 2, 1)[0, 0, 0] == 76  # 0.299 of 255


def test_the_same_size_changes_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    assert np.array_equal(resize(pixels, 9), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_loading_keeps_the_order_in_any_number_of_threads(galaxies: Catalog, channels: int) -> None:
    one = load_pixels(galaxies, 16, channels=channels, workers=1)
    many = load_pixels(galaxies, 16, channels=channels, workers=5)
    assert one.shape == (24, 16, 16, channels)
    assert one.dtype == np.uint8
    assert np.array_equal(one, many)
    assert np.array_equal(
        load_pixels(galaxies.select(label="flat"), 16, channels=channels), one[1::2]
    )


def test_loading_at_the_stored_size_gives_the_stored_pixels(galaxies: Catalog) -> None:
    pixels = load_pixels(galaxies, 32)
    assert [image_id(image) for image in pixels] == galaxies.column("image_id")
