"""Differentiable augmentation and the eight symmetries."""

import pytest
import torch

from parhelion.generation._augment import Draws, augment, random_dihedral

KINDS = ("translation", "cutout", "color")


def _random(seed: int = 0) -> Draws:
    return Draws(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_flow(kind: str) -> None:
    images = torch.rand(4, 3, 16, 16, requires_grad=True)
    augment(images, [kind], 1.0, _random()).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_probability_zero_changes_nothing_and_one_everything(kind: str) -> None:
    images = torch.rand(8, 3, 16, 16)
    assert augment(images, [kind], 0.0, _random()) is images
    changed = augment(images, [kind], 1.0, _random(3))
    assert changed.shape == images.shape
    assert (changed != images).flatten(1).any(dim=1).float().mean() > 0.7


def test_about_a_quarter_is_changed_at_a_quarter() -> None:
    images = torch.rand(2000, 1, 4, 4)
    changed = augment(images, ["color"], 0.25, _random())
    share = (changed != images).flatten(1).any(dim=1).float().mean().item()
    assert share == pytest.approx(0.25, abs=0.04)  # four standard deviations


def test_translation_moves_whole_pixels_and_lets_black_sky_in() -> None:
    images = torch.full((50, 1, 16, 16), 0.5)
    images[:, :, 8, 8] = 1.0
    moved = augment(images, ["translation"], 1.0, _random())
    assert (moved.flatten(1).max(dim=1).values == 1).all()
    assert set(moved.unique().tolist()) == {-1.0, 0.5, 1.0}
    peaks = moved.flatten(1).argmax(dim=1)
    assert (peaks // 16 - 8).abs().max() == 2  # an eighth of 16
    assert (peaks % 16 - 8).abs().max() == 2


def test_cutout_blanks_a_square_of_half_the_side_at_most() -> None:
    images = torch.ones(50, 1, 16, 16)
    blank = (augment(images, ["cutout"], 1.0, _random()) == 0).sum(dim=(1, 2, 3))
    assert blank.max() <= 64 + 16
    assert blank.min() > 0


def test_the_eight_symmetries_all_occur_and_keep_the_pixels() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    turned = random_dihedral(image.repeat(200, 1, 1, 1), _random())
    kinds = {tuple(t.flatten().tolist()) for t in turned}
    assert len(kinds) == 8
    assert all(sorted(kind) == list(range(9)) for kind in kinds)
