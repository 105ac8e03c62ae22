"""The backbone for fine detail: what its residual is, and what it may see."""

import pytest
import torch

from parhelion.detection import DetectorSettings
from parhelion.detection._fine_network import Fine, high_pass
from parhelion.detection._model import build
from parhelion.errors import ModelError

FINE = DetectorSettings(view="patches", backbone="fine", fusion="concatenate", image_size=32)
IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_residual_forgets_brightness_and_strength() -> None:
    detail = high_pass(IMAGES)
    assert torch.allclose(high_pass(0.3 * IMAGES + 0.2), detail, atol=1e-4)
    assert detail.abs().max() <= 4
    assert detail.square().mean() == pytest.approx(1, abs=0.05)


def test_a_blank_image_has_no_residual() -> None:
    assert not high_pass(torch.full((1, 3, 8, 8), 0.5)).any()


def test_a_pixel_is_compared_with_its_neighbors() -> None:
    one = torch.zeros(1, 1, 5, 5)
    one[..., 2, 2] = 9.0
    detail = high_pass(one)[0, 0]
    assert detail[2, 2] == 4  # clipped
    assert detail[1:4, 1:4].flatten()[[0, 1, 2, 3, 5, 6, 7, 8]].unique().numel() == 1
    assert detail[1, 1] < 0
    assert not detail[0].any()


@pytest.mark.parametrize("detail", ["both", "image", "residual"])
def test_any_size_gives_as_many_features(detail: str) -> None:
    network = Fine(3, residual=detail != "image", plain=detail != "residual").eval()
    assert network(IMAGES).shape == network(IMAGES[..., :17, :19]).shape == (2, 128)


def test_without_the_image_brightness_plays_no_part() -> None:
    network = Fine(3, plain=False).eval()
    assert torch.allclose(network(IMAGES), network(0.5 * IMAGES + 0.1), atol=1e-3)


def test_both_paths_join() -> None:
    network = build(FINE).eval()
    assert network(IMAGES).shape == (2,)
    assert network.features(IMAGES).shape == (2, 256)


def test_nobody_pretrained_it(tmp_path: object) -> None:
    with pytest.raises(ModelError, match="--pretrained .* leave it out"):
        build(DetectorSettings(backbone="fine", pretrained="x.safetensors"))  # type: ignore[arg-type]
