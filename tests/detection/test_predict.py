"""What is computed of patches of several sides: each in its place, whatever stands beside it."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion.detection._predict import computed, means
from parhelion.detection._views import View

CPU = torch.device("cpu")


def _patches(*sides: int) -> list[NDArray[np.uint8]]:
    return [np.full((side, side, 3), 10 * n, np.uint8) for n, side in enumerate(sides)]


def _level(images: Tensor) -> Tensor:
    return images.mean((1, 2, 3))


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
def test_each_patch_keeps_its_place(batch: int) -> None:
    patches = _patches(8, 16, 8, 8, 16, 24)
    found = computed(_level, patches, batch, CPU)
    assert found == pytest.approx(np.arange(6) * 10 / 127.5 - 1, abs=1e-6)


def test_batches_are_filled_up_and_of_one_side() -> None:
    shapes: list[tuple[int, ...]] = []

    def watch(images: Tensor) -> Tensor:
        shapes.append(tuple(images.shape))
        return _level(images)

    computed(watch, _patches(8, 16, 8, 8), 2, CPU)
    assert sorted(shapes) == [(2, 3, 8, 8), (2, 3, 8, 8), (2, 3, 16, 16)]


def test_means_are_over_the_patches_of_a_view() -> None:
    boxes = np.zeros((2, 4), np.int32)
    views = [
        View(np.stack(_patches(8, 8)), boxes),
        View(np.stack(_patches(16)), boxes[:1]),
        View(np.stack(_patches(8, 8, 8)), boxes),
    ]
    assert means(_level, views, 2, CPU) == pytest.approx(np.array([5, 0, 10]) / 127.5 - 1, abs=1e-6)

    def two(images: Tensor) -> Tensor:
        return torch.stack([_level(images), 2 * _level(images)], 1)

    assert means(two, views, 4, CPU).shape == (3, 2)
    assert means(_level, [], 4, CPU).shape == (0,)
