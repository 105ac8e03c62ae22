"""The rows of FLARE's tables, and the networks of its paper scale."""

import pytest
import torch
from torch.nn import functional as F

from parhelion._settings import load_recipe
from parhelion.catalog import Catalog
from parhelion.classification import ClassifierSettings
from parhelion.classification._network import build
from parhelion.experiments._flare_rows import PAPER, SCALES, labeled


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
