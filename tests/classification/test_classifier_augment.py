"""Augmentation: a function of its stream, and each change is what it says."""

import dataclasses

import numpy as np
import pytest

from parhelion.classification import ClassifierSettings
from parhelion.classification._augment import augment, move

STILL = ClassifierSettings(
    flips=False,
    rotation=0,
    zoom=0,
    shift=0,
    color_jitter=0,
    blur=0,
    noise=0,
    augment_probability=0,
)


def _image() -> np.ndarray:
    """Patches of 8 pixels, reddish, so that JPEG at its best quality changes little."""
    coarse = np.random.default_rng(0).integers(40, 216, (4, 4, 1))
    return np.kron(coarse * [1.0, 0.8, 0.6], np.ones((8, 8, 1))).astype(np.uint8)


def test_the_same_stream_gives_the_same_bytes() -> None:
    settings, image = ClassifierSettings(augment_probability=1), _image()
    results = [augment(image, settings, np.random.default_rng(7)) for _ in range(2)]
    assert np.array_equal(*results)
    assert results[0].shape == image.shape
    assert results[0].dtype == np.uint8
    assert not np.array_equal(results[0], image)
    assert not np.array_equal(results[0], augment(image, settings, np.random.default_rng(8)))


def test_with_everything_off_nothing_changes() -> None:
    assert np.array_equal(augment(_image(), STILL, np.random.default_rng(0)), _image())


def test_flips_lose_nothing() -> None:
    settings, image = dataclasses.replace(STILL, flips=True), _image()
    views = {augment(image, settings, np.random.default_rng(k)).tobytes() for k in range(100)}
    assert len(views) == 8
    assert all(np.frombuffer(v, np.uint8).sum() == image.sum() for v in views)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"color_jitter": 0.5}, 5),
        ({"blur": 3.0}, 2),
        ({"noise": 20.0}, 2),
        ({"rotation": 90.0}, 5),
        ({"zoom": 0.4}, 2),
        ({"shift": 0.2}, 2),
    ],
)
def test_each_change_can_be_asked_for_alone(change: dict[str, float], differs: float) -> None:
    settings = dataclasses.replace(STILL, augment_probability=1, quality=(100, 100))
    image = _image()
    plain = augment(image, settings, np.random.default_rng(3)).astype(float)
    changed = augment(image, dataclasses.replace(settings, **change), np.random.default_rng(3))
    assert np.abs(plain - image).mean() < 2  # JPEG at its best quality, nothing else
    assert np.abs(changed - plain).mean() > differs


def test_a_move_goes_where_it_says() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[4, 6] = 255
    assert np.array_equal(move(image, 0, 1, (0, 0)), image)
    shifted = move(image, 0, 1, (2, -3))
    assert shifted[1, 8, 0] == 255
    assert shifted.sum() == image.sum()
    # A quarter turn counter-clockwise about the center takes (row, column) to (15 - column, row).
    assert np.array_equal(move(image, 90, 1, (0, 0)), np.rot90(image))


def test_enlarging_doubles_a_block() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[6:10, 6:10] = 200
    larger = move(image, 0, 2, (0, 0))
    expected = np.zeros((16, 16, 3), bool)
    expected[4:12, 4:12] = True
    assert np.array_equal(larger > 100, expected)


def test_borders_hold_no_black_corners() -> None:
    image = np.full((32, 32, 3), 90, np.uint8)
    assert (move(image, 45, 0.71, (6, 6)) == 90).all()
