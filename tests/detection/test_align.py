"""Lines: each side of patches is calibrated by itself, where there are images enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parhelion.detection._align import (
    calibration_weights,
    fit_bands,
    fit_lines,
    joined,
    limits,
    log_odds,
    sides_of,
    temperatures,
)
from parhelion.detection._views import View


def test_each_side_has_its_own() -> None:
    rng = np.random.default_rng(0)
    is_made = np.arange(1200) % 2 == 1
    sides = np.repeat([32, 64, 88, 96], 300)
    middle, spread = np.repeat([0.0, -1.0, -3.0, 2.0], 300), np.repeat([0.2, 1.0, 1.0, 5.0], 300)
    # Of two Gaussians one deviation apart from 0 the logit is twice the value.
    logits = middle + spread * rng.normal(np.where(is_made, 1.0, -1.0), 1.0)
    lines = fit_lines(logits, is_made, sides)
    assert [side for side, _, _ in lines] == [0, 64, 72, 96]
    assert [shift for _, _, shift in lines] == pytest.approx([0, -1, -3, 2], abs=0.5)
    assert [warm for _, warm, _ in lines] == pytest.approx([0.1, 0.5, 0.5, 2.5], rel=0.25)
    odds = log_odds(logits, sides, lines)
    assert ((odds > 0) == is_made).mean() > 0.8


def test_few_images_have_no_line_of_their_own() -> None:
    rng = np.random.default_rng(0)
    is_made = np.arange(220) % 2 == 1
    logits = rng.normal(np.where(is_made, 1.0, -1.0)) + np.repeat([0.0, 9.0], [200, 20])
    small, *_, large = fit_lines(logits, is_made, np.repeat([96, 32], [200, 20]))
    assert small[1:] == fit_lines(logits, is_made, np.full(220, 96))[3][1:]  # that of all images
    assert large[2] == pytest.approx(0, abs=0.2)


def test_a_source_of_many_images_weighs_as_much_as_one_of_few() -> None:
    rng = np.random.default_rng(0)
    is_made = np.arange(1200) % 2 == 1
    sources = np.repeat(["many", "few"], [1000, 200])
    logits = rng.normal(np.where(is_made, 1.0, -1.0), 0.5) + np.repeat([0.0, 4.0], [1000, 200])
    sides = np.full(1200, 96)
    alike = fit_lines(logits, is_made, sides, sources.tolist())[3][2]
    assert fit_lines(logits, is_made, sides)[3][2] < alike == pytest.approx(2, abs=0.5)


def test_images_count_as_calibration_assumes() -> None:
    is_made = np.repeat([True, True, False, False], [50, 100, 50, 50])
    sources = np.repeat(["gan", "vae", "sky", "sea"], [50, 100, 50, 50]).tolist()
    weights = calibration_weights(is_made, np.full(250, 96), sources)
    assert weights.mean() == pytest.approx(1)
    share = [weights[np.array(sources) == name].sum() / 250 for name in ("gan", "vae", "sky")]
    assert share == pytest.approx([0.25] * 3)


def test_a_size_with_one_class_does_not_count() -> None:
    is_made = np.repeat([True, False, True], [50, 60, 9])
    sides = np.repeat([96, 32], [110, 9])
    weights = calibration_weights(is_made, sides, [""] * 119)
    assert weights[110:].tolist() == [0] * 9
    assert weights[:110].sum() == pytest.approx(110)
    # Few images of every size are taken together.
    few = calibration_weights(is_made[45:60], np.repeat([96, 32], [5, 10]), [""] * 15)
    assert few.sum() == pytest.approx(15)


def test_lines_hold_from_their_side_on() -> None:
    lines = [(0, 1.0, 1.0), (56, 1.0, 2.0), (72, 2.0, 3.0)]
    sides = np.array([16, 55, 56, 71, 72, 224])
    assert log_odds(np.zeros(6), sides, lines).tolist() == [-1, -1, -2, -2, -1.5, -1.5]
    assert temperatures(sides, lines).tolist() == [1, 1, 1, 1, 2, 2]


def test_a_side_that_is_easy_has_a_narrower_band() -> None:
    rng = np.random.default_rng(0)
    is_made = np.arange(2000) % 2 == 1
    sides = np.repeat([64, 96], 1000)
    hard = np.clip(0.5 + rng.normal(np.where(is_made, 0.1, -0.1), 0.2), 0, 1)
    easy = np.clip(0.5 + rng.normal(np.where(is_made, 0.3, -0.3), 0.2), 0, 1)
    probability = np.where(sides == 64, hard, easy)
    bands, error = fit_bands(probability, is_made, sides, 0.05)
    assert [side for side, _, _ in bands] == [0, 64, 72, 96]
    assert error == 0.05
    (low, high), (lower, higher) = limits(np.array([64, 96]), bands)
    assert low < lower <= 0.5 <= higher < high
    # Of either side, too few of a class get the other's verdict.
    for side in (64, 96):
        below, above = limits(np.array([side]), bands)[0]
        mine = probability[sides == side], is_made[sides == side]
        assert (mine[0][~mine[1]] > above).mean() <= 0.05
        assert (mine[0][mine[1]] < below).mean() <= 0.05


def test_few_images_have_no_band_of_their_own() -> None:
    probability, is_made = np.linspace(0, 1, 220), np.arange(220) >= 110
    bands, _ = fit_bands(probability, is_made, np.repeat([96, 32, 96], [90, 40, 90]), 0.05)
    everything, _ = fit_bands(probability, is_made, np.full(220, 8), 0.05)
    assert bands[0][1:] == everything[1][1:]


def test_a_side_with_few_images_does_not_loosen_the_others() -> None:
    rng = np.random.default_rng(0)
    is_made = np.arange(2100) % 2 == 1
    sides = np.repeat([32, 96], [100, 2000])
    probability = np.clip(0.5 + rng.normal(np.where(is_made, 0.1, -0.1), 0.2), 0, 1)
    bands, error = fit_bands(probability, is_made, sides, 0.005)
    alone, strict = fit_bands(probability[100:], is_made[100:], sides[100:], 0.005)
    assert bands[3] == alone[3]
    assert (error, strict) == (1 / 51, 0.005)


def test_more_error_than_asked_is_told_where_images_are_few() -> None:
    probability, is_made = np.linspace(0, 1, 120), np.arange(120) >= 60
    _, error = fit_bands(probability, is_made, np.full(120, 96), 0.001)
    assert error == 1 / 61


@given(st.lists(st.tuples(st.floats(0.02, 400), st.floats(-9, 9)), min_size=4, max_size=4))
def test_lines_one_after_the_other(pairs: list[tuple[float, float]]) -> None:
    sides = np.array([32, 64, 88, 96])
    first = [(int(s), w, x) for s, (w, x) in zip((0, 64, 72, 96), pairs, strict=True)]
    second = [(s, 1 / w + 0.5, -x) for s, w, x in first if s != 72]
    logits = np.array([-3.0, 0.5, 2.0, 7.0])
    both = log_odds(log_odds(logits, sides, first), sides, second)
    assert log_odds(logits, sides, joined(first, second)) == pytest.approx(both, rel=1e-6, abs=1e-6)


def test_sides_are_those_of_patches() -> None:
    boxes = np.zeros((1, 4), np.int32)
    views = [View(np.zeros((2, side, side, 3), np.uint8), boxes) for side in (16, 96)]
    assert sides_of(views).tolist() == [16, 96]
