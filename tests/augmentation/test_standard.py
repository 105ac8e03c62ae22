import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parhelion.augmentation import AugmentSettings
from parhelion.augmentation._settings import CHANGES
from parhelion.augmentation._standard import apply_change, draw_change
from parhelion.errors import SettingsError

_ASKED = AugmentSettings()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", [(24, 32, 3), (17, 17, 1), (1, 1, 3)])
def test_a_change_keeps_the_shape_and_can_be_made_again(
    change: str, shape: tuple[int, int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    drawn = draw_change(change, shape, _ASKED, np.random.default_rng(1))
    changed = apply_change(pixels, drawn)
    assert changed.shape == shape
    # The recipe is JSON: what comes back from it must do the same.
    np.testing.assert_array_equal(apply_change(pixels, json.loads(json.dumps(drawn))), changed)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_changes(change: str) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    drawn = draw_change(change, pixels.shape, _ASKED, np.random.default_rng(3))
    assert (apply_change(pixels, drawn) != pixels).any()


def test_flips_mirror() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    across = apply_change(pixels, {"change": "flip", "across": True, "down": False})
    np.testing.assert_array_equal(across, pixels[:, ::-1])
    down = apply_change(pixels, {"change": "flip", "across": False, "down": True})
    np.testing.assert_array_equal(down, pixels[::-1])


def test_a_flat_image_stays_flat_where_it_is_moved() -> None:
    flat = np.full((20, 20, 3), 90, np.uint8)
    for change in ("crop", "perspective", "rotation", "blur"):
        for seed in range(5):
            drawn = draw_change(change, flat.shape, _ASKED, np.random.default_rng(seed))
            # No black corners come into view.
            np.testing.assert_allclose(apply_change(flat, drawn).astype(int), 90, atol=1)


@given(
    change=st.sampled_from(["perspective", "rotation"]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    strength=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
@example("rotation", 40, 3, 1.0, 0)  # 160 x 90 and longer showed corners
@example("perspective", 20, 20, 0.5, 1)
@example("perspective", 20, 20, 1.0, 0)  # horizon, and corners of no perspective
def test_no_shape_and_no_strength_shows_black(
    change: str, height: int, width: int, strength: float, seed: int
) -> None:
    settings = replace(_ASKED, perspective=strength, rotation=180 * strength)
    flat = np.full((height, width, 1), 90, np.uint8)
    drawn = draw_change(change, flat.shape, settings, np.random.default_rng(seed))
    np.testing.assert_allclose(apply_change(flat, drawn).astype(int), 90, atol=1)


def test_a_strong_perspective_is_still_strong() -> None:
    settings = replace(_ASKED, perspective=1.0)
    corners = np.array([[0, 0], [99, 0], [99, 99], [0, 99]])
    ways = []
    for seed in range(50):
        drawn = draw_change("perspective", (100, 100, 3), settings, np.random.default_rng(seed))
        ways.append(np.abs(drawn["corners"] - corners).max() / 50)
        assert ways[-1] <= 1
    assert np.median(ways) > 0.3  # further than the default ever goes
    # A recipe of before, whose horizon is in view, can still be followed.
    pixels = np.full((20, 20, 3), 90, np.uint8)
    corners = [[9, 9], [12, 6], [10, 10], [6, 12]]
    assert apply_change(pixels, {"change": "perspective", "corners": corners}).shape == (20, 20, 3)


def test_a_crop_keeps_as_much_as_asked() -> None:
    settings = replace(_ASKED, crop=0.5)
    shares = []
    for seed in range(200):
        drawn = draw_change("crop", (100, 100, 3), settings, np.random.default_rng(seed))
        shares.append(drawn["height"] * drawn["width"] / 1e4)
        assert drawn["top"] + drawn["height"] <= 100
        assert drawn["left"] + drawn["width"] <= 100
    # Where a side would not fit it is cut, so a little below half may occur.
    assert 0.4 < min(shares) < 0.6
    assert max(shares) > 0.9


def test_unknown_changes_are_named() -> None:
    with pytest.raises(SettingsError, match="--changes .=mirror. must be some of flip, color"):
        AugmentSettings(changes=("flip", "mirror"))


def test_a_change_is_named_once() -> None:
    with pytest.raises(SettingsError, match=r"--changes \(=flip\) must be given once each"):
        AugmentSettings(changes=("flip", "blur", "flip"))
    AugmentSettings(changes=("blur", "flip", "blur"), together=True)
