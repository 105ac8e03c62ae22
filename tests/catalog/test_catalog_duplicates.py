"""Duplicates: found in every orientation, and not seen where there are none."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion.catalog import group_images, image_id, near_duplicates, thumbnail
from parhelion.catalog._thumbnail import SIDE

Pixels = NDArray[np.uint8]


def thumbnails(images: list[Pixels]) -> Pixels:
    data = b"".join(thumbnail(image) for image in images)
    return np.frombuffer(data, np.uint8).reshape(-1, SIDE, SIDE)


def pairs(images: list[Pixels]) -> set[tuple[int, int]]:
    found = [
        tuple(pair) for block in near_duplicates(thumbnails(images)) for pair in block.tolist()
    ]
    assert len(found) == len(set(found))
    return set(found)


def small_galaxy(seed: int) -> Pixels:
    """A galaxy that takes a twentieth of a frame of dark, noisy sky."""
    rng = np.random.default_rng(seed)
    frame = np.clip(rng.normal(8, 3, (128, 128, 3)), 0, 255).astype(np.uint8)
    frame[48:80, 48:80] = np.maximum(frame[48:80, 48:80], draw_galaxy(seed, 32))
    return frame


def recompressed(image: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=82)
    return np.asarray(Image.open(buffer))


def smaller(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    size = int(width * 0.7), int(height * 0.7)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def fainter(image: Pixels) -> Pixels:
    return np.clip(image * 0.7 + 6, 0, 255).astype(np.uint8)


def gray(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


@pytest.mark.parametrize("draw", [lambda seed: draw_galaxy(seed, 88), small_galaxy])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_each_of_the_eight_orientations(
    draw: Callable[[int], Pixels], turns: int, mirrored: bool
) -> None:
    images = [draw(seed) for seed in range(6)]
    again = [np.rot90(image[:, ::-1] if mirrored else image, turns) for image in images]
    assert pairs(images + again) == {(i, i + 6) for i in range(6)}


@pytest.mark.parametrize("draw", [lambda seed: draw_galaxy(seed, 128), small_galaxy])
@pytest.mark.parametrize("change", [recompressed, smaller, fainter, gray])
def test_changes_that_leave_the_image_the_same(
    draw: Callable[[int], Pixels], change: Callable[[Pixels], Pixels]
) -> None:
    images = [draw(seed) for seed in range(8)]
    changed = [np.rot90(change(image)) for image in images]
    assert pairs(images + changed) == {(i, i + 8) for i in range(8)}


def test_small_galaxies_on_dark_sky_are_not_alike() -> None:
    assert pairs([small_galaxy(seed) for seed in range(60)]) == set()


def test_smooth_frames_are_left_to_the_hash_of_their_pixels() -> None:
    flat = [np.full((40, 40, 3), level, np.uint8) for level in (0, 0, 90)]
    assert pairs(flat) == set()
    assert len(set(group_images([image_id(image) for image in flat], thumbnails(flat)))) == 2


def test_sides_of_any_length() -> None:
    wide = np.ascontiguousarray(draw_galaxy(1, 96)[20:70])
    assert pairs([wide, np.rot90(wide), draw_galaxy(2, 96)[20:70]]) == {(0, 1)}
    assert len(thumbnail(np.zeros((1, 1, 1), np.uint8))) == SIDE * SIDE


def test_tiles_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [draw_galaxy(seed, 64) for seed in range(20)]
    images += [np.rot90(image) for image in images]
    expected = pairs(images)
    assert len(expected) == 20
    for name, value in (("_TILE", (4, 8)), ("_BATCH", 7)):
        monkeypatch.setattr(f"parhelion.catalog._duplicates.{name}", value)
    assert pairs(images) == expected


def test_groups_are_named_by_their_smallest_image() -> None:
    names = ["d", "b", "c", "a", "b", "e"]
    assert group_images(names) == names
    assert group_images(names, families=[[0, 2], [5, 2]]) == ["c", "b", "c", "a", "b", "c"]
    # Whatever the order, and through any chain.
    assert group_images(names[::-1], families=[[3, 0], [5, 3]]) == ["c", "b", "a", "c", "b", "c"]


def test_near_duplicates_share_a_group() -> None:
    images = [draw_galaxy(seed, 64) for seed in range(4)]
    images += [np.rot90(images[1]), recompressed(images[1])]
    ids = [image_id(image) for image in images]
    groups = group_images(ids, thumbnails(images))
    assert len(set(groups)) == 4
    assert groups[1] == groups[4] == groups[5] == min(ids[1], ids[4], ids[5])
    assert group_images(ids) == ids


def test_no_images_at_all() -> None:
    assert group_images([], np.empty((0, SIDE, SIDE), np.uint8)) == []
