"""Offsets: each side of patches has the logit at which its classes meet."""

import numpy as np
import pytest

from parhelion.detection._align import fit_offsets, offsets_of
from parhelion.detection._views import View


def _views(*sides: int) -> list[View]:
    boxes = np.zeros((1, 4), np.int32)
    return [View(np.zeros((1, side, side, 3), np.uint8), boxes) for side in sides]


def test_each_side_has_its_own() -> None:
    rng = np.random.default_rng(0)
    is_made = np.arange(900) % 2 == 1
    sides = np.repeat([32, 64, 96], 300)
    middle = np.repeat([0.0, -1.0, -3.0], 300)
    logits = rng.normal(middle + np.where(is_made, 1.0, -1.0), 0.7)
    offsets = fit_offsets(logits, is_made, _views(*sides))
    assert [side for side, _ in offsets] == [0, 64, 72]
    assert [offset for _, offset in offsets] == pytest.approx([0, -1, -3], abs=0.25)
    aligned = logits - offsets_of(_views(*sides), offsets)
    assert ((aligned > 0) == is_made).mean() > 0.9


def test_few_images_have_no_offset_of_their_own() -> None:
    is_made = np.arange(220) % 2 == 1
    logits = np.where(is_made, 1.0, -1.0) + np.repeat([0.0, 9.0], [200, 20])
    offsets = dict(fit_offsets(logits, is_made, _views(*[96] * 200, *[32] * 20)))
    assert offsets[0] == offsets[64]  # that of all images
    assert offsets[72] == pytest.approx(0, abs=0.2)


def test_offsets_hold_from_their_side_on() -> None:
    found = offsets_of(_views(16, 55, 56, 71, 72, 224), [(0, 1.0), (56, 2.0), (72, 3.0)])
    assert found.tolist() == [1, 1, 2, 2, 3, 3]
