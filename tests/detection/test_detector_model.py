"""The two-path network: its paths, its fusion, its seed, its pretrained weights."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from parhelion.detection import DetectorSettings
from parhelion.detection._model import build
from parhelion.errors import ModelError, SettingsError


def _settings(**values: Any) -> DetectorSettings:
    return DetectorSettings(**{"backbone": "test_resnet", "image_size": 32, **values})


IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(
    ("paths", "fusion", "times"),
    [
        ("both", "add", 1),
        ("both", "concatenate", 2),
        ("image", "add", 1),
        ("spectrum", "concatenate", 1),
    ],
)
def test_paths_and_fusion(paths: Any, fusion: Any, times: int) -> None:
    network = build(_settings(paths=paths, fusion=fusion)).eval()
    single = timm.create_model("test_resnet", num_classes=0).num_features
    assert network.features(IMAGES).shape == (2, times * single)
    assert network(IMAGES).shape == (2,)
    assert (network.image_path is None) == (paths == "spectrum")
    assert (network.spectrum_path is None) == (paths == "image")


def test_fusion_adds_the_two_paths() -> None:
    network = build(_settings()).eval().requires_grad_(False)
    assert network.image_path is not None
    alone = network.image_path(IMAGES)
    rest = network.features(IMAGES) - alone
    assert rest.abs().max() > 0
    # The spectrum path does not see the sky level, the image path does.
    darker = network.features(IMAGES * 0.5) - network.image_path(IMAGES * 0.5)
    assert torch.allclose(rest, darker, atol=0.05 * float(rest.abs().max()))


def test_the_seed_fixes_the_weights_and_nothing_global() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = (build(_settings(seed=seed)).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_pretrained_weights_come_from_a_local_file(tmp_path: Path) -> None:
    source = timm.create_model("test_resnet", pretrained=False)
    path = tmp_path / "test_resnet.safetensors"
    save_file(source.state_dict(), path)
    network = build(_settings(pretrained=path))
    assert network.image_path is not None
    assert network.spectrum_path is not None
    first = next(iter(source.state_dict()))
    weights = source.state_dict()[first]
    assert torch.equal(network.image_path.state_dict()[first], weights)
    # One channel instead of three: timm adds the three up.
    summed = weights.sum(1, keepdim=True)
    assert torch.allclose(network.spectrum_path.state_dict()[first], summed, atol=1e-6)


def test_pretrained_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"does not fit --backbone \(=test_resnet\): it lacks"):
        build(_settings(pretrained=path))
    with pytest.raises(ModelError, match=r"must be hub or a \.safetensors file"):
        build(_settings(pretrained=tmp_path / "absent.safetensors"))


def test_a_backbone_that_timm_lacks_is_named() -> None:
    with pytest.raises(SettingsError, match=r"--backbone \(=resnet51\) .* such as resnet"):
        build(_settings(backbone="resnet51"))


def test_a_backbone_that_wants_another_size_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"cannot work at --image-size \(=32\)"):
        build(_settings(backbone="inception_v3"))


def test_a_vision_transformer_is_built_for_the_size() -> None:
    network = build(_settings(backbone="test_vit", paths="spectrum")).eval()
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1,)


def test_the_logit_is_the_mean_of_what_the_paths_say_alone() -> None:
    settings = DetectorSettings(backbone="fine", fusion="concatenate", image_size=32, apart=1.0)
    network = build(settings).eval()
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    apart = network(images, apart=True)
    assert apart.shape == (3, 2)
    torch.testing.assert_close(apart.mean(1), network(images))
    # What one path says does not depend on what the other sees.
    other = network(images, images.flip(2) * 0.5, apart=True)
    torch.testing.assert_close(other[:, 0], apart[:, 0])
    assert (other[:, 1] != apart[:, 1]).all()


def test_shares_weigh_the_paths() -> None:
    settings = DetectorSettings(
        backbone="fine", fusion="concatenate", image_size=32, apart=1.0, image_share=0.2
    )
    network = build(settings).eval()
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    image, spectrum = network(images, apart=True).T
    torch.testing.assert_close(network(images), 0.2 * image + 0.8 * spectrum)
    with pytest.raises(SettingsError, match=r"--image-share \(=0.2\) must be in \[0, 1\], and 0.5"):
        DetectorSettings(fusion="concatenate", image_share=0.2)


def test_paths_that_are_added_cannot_be_told_apart() -> None:
    with pytest.raises(SettingsError, match=r"--apart \(=0.5\) must be in \[0, 1\], and 0 but for"):
        DetectorSettings(fusion="add", apart=0.5)


def test_a_placed_spectrum_says_where_each_frequency_is() -> None:
    network = build(DetectorSettings(backbone="fine", image_size=32, placed=True))
    seen = network.spectrum(torch.rand(2, 3, 32, 24))
    assert seen.shape == (2, 4, 32, 24)
    across, down, radius = seen[1, 1:]
    assert (across[16, 12], down[16, 12], radius[16, 12]) == (-1, -1, -1)  # zero frequency
    assert (across[16, 0], down[16, 0], radius[16, 0]) == (1, -1, 1)
    assert (across[16, 18], down[0, 12]) == (0, 1)  # half way, and the highest
    assert network(torch.rand(2, 3, 32, 24)).shape == (2,)


def test_a_color_spectrum_sees_what_luma_does_not() -> None:
    # A checkerboard in blue and red of one luma: the color differences hold it, gray does not.
    board = torch.ones(1, 1, 32, 32)
    board[..., ::2, 1::2] = board[..., 1::2, ::2] = -1
    images = torch.cat([0.114 * board, torch.zeros_like(board), -0.299 * board], 1)
    network = build(DetectorSettings(backbone="fine", image_size=32, spectrum="color"))
    luma, blue, red = network.spectrum(images)[0]
    assert float(luma.abs().max()) < 1e-3
    assert float(blue[0, 0]) > 5  # the corner of the spectrum: two pixels to a wave, both ways
    assert float(red[0, 0]) > 5
    gray = network.spectrum(images[:, :1].expand(-1, 3, -1, -1))[0]
    assert float(gray[0, 0, 0]) > 5
    assert float(gray[1:].abs().max()) < 0.01
