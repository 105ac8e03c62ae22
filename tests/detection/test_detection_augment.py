"""Augmentation: a function of its stream, one change at a time."""

import dataclasses

import numpy as np
import pytest

from parhelion.detection import DetectorSettings
from parhelion.detection._augment import augment, turn
from parhelion.training import jitter_color

PIXELS = np.random.default_rng(3).integers(0, 256, (16, 16, 3), dtype=np.uint8)
SETTINGS = DetectorSettings(image_size=16)
STILL = DetectorSettings(
    image_size=16,
    horizontal_flip=False,
    vertical_flip=False,
    quarter_turns=False,
    augment_probability=0.0,
    recompress=0.0,
    quality=(100, 100),
)


def test_the_same_stream_gives_the_same_bytes() -> None:
    first, again, other = (
        augment(PIXELS, SETTINGS, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_changes_only_the_codec_is_left() -> None:
    smooth = np.broadcast_to(np.arange(16, dtype=np.uint8)[:, None, None] * 12, (16, 16, 3)).copy()
    changed = augment(smooth, STILL, np.random.default_rng(0))
    assert np.abs(changed.astype(int) - smooth).max() <= 2


@pytest.mark.parametrize(
    ("on", "ways"),
    [
        ({"horizontal_flip"}, {"as it is", "left to right"}),
        ({"vertical_flip"}, {"as it is", "top to bottom"}),
        (
            {"horizontal_flip", "vertical_flip"},
            {"as it is", "left to right", "top to bottom", "half turn"},
        ),
        ({"quarter_turns"}, {"as it is", "quarter turn", "half turn", "three quarters"}),
    ],
)
def test_a_flip_or_turn_can_be_chosen_alone(on: set[str], ways: set[str]) -> None:
    mark = np.zeros((16, 16, 3), np.uint8)
    mark[:8, :4] = 200
    looks = {
        "as it is": mark,
        "left to right": mark[:, ::-1],
        "top to bottom": mark[::-1],
        "quarter turn": np.rot90(mark),
        "half turn": np.rot90(mark, 2),
        "three quarters": np.rot90(mark, 3),
    }
    settings = dataclasses.replace(STILL, **dict.fromkeys(on, True))
    seen = set()
    for seed in range(40):
        changed = augment(mark, settings, np.random.default_rng(seed)).astype(int)
        (way,) = [name for name, look in looks.items() if np.abs(changed - look).mean() < 20]
        seen.add(way)
    assert seen == ways


def test_flips_and_turns_together_are_the_eight_of_the_square() -> None:
    settings = dataclasses.replace(
        STILL, horizontal_flip=True, vertical_flip=True, quarter_turns=True
    )
    mark = np.zeros((16, 16, 3), np.uint8)
    mark[:8, :4] = 200
    looks = {
        (augment(mark, settings, np.random.default_rng(seed)).mean(2) > 100)[1::4, 1::4].tobytes()
        for seed in range(60)
    }
    assert len(looks) == 8


@pytest.mark.parametrize("name", ["rotation", "color_jitter", "blur", "noise"])
def test_turning_one_change_off_leaves_the_other_draws(name: str) -> None:
    # With every other change off too, the two differ in nothing but the re-encoding's draw,
    # which must be the same.
    off = {"rotation": 0.0, "zoom": 0.0, "color_jitter": 0.0, "blur": 0.0, "noise": 0.0}
    none = dataclasses.replace(SETTINGS, **off)
    never = dataclasses.replace(SETTINGS, augment_probability=0.0)
    for seed in range(5):
        one = augment(PIXELS, none, np.random.default_rng(seed))
        two = augment(PIXELS, never, np.random.default_rng(seed))
        assert np.array_equal(one, two)
    alone = dataclasses.replace(none, **{name: getattr(SETTINGS, name)}, augment_probability=1.0)
    assert not np.array_equal(augment(PIXELS, alone, np.random.default_rng(0)), one)


def test_turning_by_nothing_changes_nothing() -> None:
    assert np.array_equal(turn(PIXELS, 0.0, 1.0), PIXELS)


def test_a_quarter_turn_is_numpy_s() -> None:
    assert np.abs(turn(PIXELS, 90.0, 1.0).astype(int) - np.rot90(PIXELS)).max() <= 1


def test_enlarging_keeps_the_center() -> None:
    disk = (np.hypot(*(np.mgrid[:32, :32] - 15.5)) < 5).astype(np.uint8)[..., None] * 200
    disk = np.repeat(disk, 3, axis=2)
    area = [(turn(disk, 0.0, scale)[..., 0] > 100).sum() for scale in (0.8, 1.0, 1.25)]
    assert area[0] < area[1] < area[2]
    larger = turn(disk, 33.0, 1.25)[..., 0].astype(float)
    y, x = np.mgrid[:32, :32]
    assert (larger * y).sum() / larger.sum() == pytest.approx(15.5, abs=0.2)
    assert (larger * x).sum() / larger.sum() == pytest.approx(15.5, abs=0.2)


def test_corners_are_filled_by_reflection() -> None:
    assert turn(np.full((16, 16, 3), 90, np.uint8), 45.0, 0.75).min() == 90


def test_neutral_jitter_is_nothing_and_saturation_zero_is_gray() -> None:
    assert np.array_equal(jitter_color(PIXELS, 1.0, 1.0, 1.0), PIXELS)
    gray = jitter_color(PIXELS, 1.0, 1.0, 0.0)
    assert np.array_equal(gray[..., 0], gray[..., 1])
    assert jitter_color(PIXELS, 0.5, 1.0, 1.0).mean() == pytest.approx(PIXELS.mean() / 2, abs=0.5)
