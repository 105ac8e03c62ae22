"""The rows of FLARE's tables, and the networks of its paper scale."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from parhelion._settings import load_recipe
from parhelion.catalog import Catalog
from parhelion.classification import ClassifierSettings
from parhelion.classification._network import build
from parhelion.experiments._flare_rows import PAPER, SCALES, _parts, has_labels, labeled
from parhelion.experiments._settings import ReproduceFlareSettings


@pytest.mark.parametrize("backbone", SCALES["paper"].backbones)
def test_the_paper_s_networks_learn_at_224_pixels(backbone: str) -> None:
    recipe = load_recipe(SCALES["paper"].recipe, "train classifier", ClassifierSettings)
    assert recipe.image_size == 224
    network = build(ClassifierSettings(backbone=backbone, image_size=recipe.image_size), 8)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(2):
        loss = F.cross_entropy(network(images), torch.tensor([0, 7]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[1] != losses[0]
    assert 1 < losses[0] < 5  # not far from the log of 8
    assert PAPER[backbone]["flare"] > PAPER[backbone]["raw-augmented"] > PAPER[backbone]["raw"]


def test_macro_classes_take_the_place_of_labels(galaxies: Catalog) -> None:
    given = galaxies.replaced(label=["planet", "comet", "galaxy", "teapot"] * 6)
    wanted = ["celestial bodies", "celestial bodies", "stellar objects", None]
    assert labeled(given, "macro").column("label")[:4] == wanted
    assert labeled(given, "fine") is given


def test_a_rare_class_is_in_every_part_of_the_published_split() -> None:
    labels = np.array(["planet"] * 97 + ["asteroid"] * 3)
    for seed in range(20):
        parts = _parts(labels, np.random.default_rng(seed))
        assert sorted(parts[97:]) == ["test", "train", "validation"]
        counts = [int((parts == name).sum()) for name in ("train", "validation", "test")]
        assert sum(counts) == 100
        assert counts[0] == pytest.approx(70, abs=2)


def test_not_every_class_has_a_macro_class(galaxies: Catalog) -> None:
    spiral = galaxies.replaced(label="spiral")
    assert has_labels(spiral, "fine")
    assert not has_labels(spiral, "macro")


def test_shares_are_the_scale_s_unless_they_are_given() -> None:
    small = SCALES["small"]
    mixture = small.mixture(ReproduceFlareSettings())
    assert (mixture.alpha, mixture.beta) == (small.alpha, small.beta)
    mixture = small.mixture(ReproduceFlareSettings(alpha=0.0, seed=3))
    assert (mixture.alpha, mixture.beta, mixture.seed) == (0.0, small.beta, 3)
    paper = SCALES["paper"].mixture(ReproduceFlareSettings(scale="paper"))
    assert (paper.alpha, paper.beta) == (0.5, 1.0)


@pytest.mark.parametrize("scale", SCALES)
def test_every_row_sees_as_many_images(scale: str) -> None:
    """None stops early: its patience is longer than the training."""
    recipe = load_recipe(SCALES[scale].recipe, "train classifier", ClassifierSettings)
    assert recipe.validate_every is not None
    assert recipe.patience * recipe.validate_every > recipe.images
