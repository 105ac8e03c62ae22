"""The plain CNN: features of any size of image, in a detector like any other backbone."""

import pytest
import torch

from parhelion.detection import DetectorSettings
from parhelion.detection._cnn import PlainCnn
from parhelion.detection._model import build
from parhelion.errors import ModelError


@pytest.mark.parametrize("size", [16, 50, 96])
def test_features_do_not_depend_on_the_size(size: int) -> None:
    assert PlainCnn(3).eval()(torch.zeros(2, 3, size, size)).shape == (2, 256)


def test_it_is_a_backbone_of_both_paths() -> None:
    network = build(DetectorSettings(backbone="cnn", image_size=32, fusion="concatenate")).eval()
    assert isinstance(network.image_path, PlainCnn)
    assert isinstance(network.spectrum_path, PlainCnn)
    assert network.head.in_features == 512
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2,)


def test_nobody_pretrained_it() -> None:
    with pytest.raises(ModelError, match=r"--pretrained \(=hub\) has no weights .* leave it out"):
        build(DetectorSettings(backbone="cnn", pretrained="hub"))
