"""The network: a function of the seed, any timm trunk, weights from a file, clear refusals."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from parhelion.classification import ClassifierSettings
from parhelion.classification._network import SmallTrunk, build
from parhelion.errors import ModelError, SettingsError


def _settings(**values: Any) -> ClassifierSettings:
    return ClassifierSettings(**{"image_size": 32, **values})


def test_the_small_trunk_is_small() -> None:
    trunk = SmallTrunk()
    assert trunk(torch.zeros(2, 3, 64, 64)).shape == (2, 128)
    assert trunk(torch.zeros(2, 3, 72, 33)).shape == (2, 128)  # whatever the side
    assert 300_000 < sum(p.numel() for p in trunk.parameters()) < 520_000


def test_weights_are_a_function_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again = build(_settings(), 3).state_dict(), build(_settings(), 3).state_dict()
    other = build(_settings(seed=1), 3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


@pytest.mark.parametrize("backbone", ["small", "test_resnet", "vit_tiny_patch16_224", "googlenet"])
def test_features_then_one_linear_layer(backbone: str) -> None:
    network = build(_settings(backbone=backbone), 5).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    features = network.features(images)
    assert features.ndim == 2
    assert torch.equal(network(images), network.head(features))
    assert network(images).shape == (2, 5)


def test_a_local_file_is_the_start(tmp_path: Path) -> None:
    source = timm.create_model("test_resnet", num_classes=7)
    path = tmp_path / "weights.safetensors"
    save_file(source.state_dict(), path)
    network = build(_settings(backbone="test_resnet", pretrained=path), 3)
    assert torch.equal(network.trunk.state_dict()["conv1.0.weight"], source.conv1[0].weight)
    assert network.mean.flatten().tolist() == pytest.approx(source.pretrained_cfg["mean"])


def test_what_cannot_work_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"--backbone \(=resnet19\) must be small, googlenet or name"
    ):
        build(_settings(backbone="resnet19"), 3)
    with pytest.raises(SettingsError, match=r"cannot work at --image-size \(=32\)"):
        build(_settings(backbone="inception_v3"), 3)
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ModelError, match="must be hub or a .safetensors file"):
        build(_settings(backbone="test_resnet", pretrained=path), 3)
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="is damaged"):
        build(_settings(backbone="test_resnet", pretrained=path), 3)
    save_file({"conv1.0.weight": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="does not fit --backbone"):
        build(_settings(backbone="test_resnet", pretrained=path), 3)


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **options: object) -> None:
        assert options["pretrained"] is True
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ModelError, match=r"could not fetch weights of test_resnet \(no route\)"):
        build(_settings(backbone="test_resnet", pretrained="hub"), 3)


def test_googlenet_starts_from_torchvisions_weights(tmp_path: Path) -> None:
    from torchvision.models import googlenet

    source = googlenet(weights=None, init_weights=False)
    path = tmp_path / "googlenet.safetensors"
    save_file(source.state_dict(), path)
    network = build(_settings(backbone="googlenet", pretrained=path), 3)
    assert torch.equal(network.trunk.state_dict()["conv1.conv.weight"], source.conv1.conv.weight)
    save_file({"conv1.conv.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"does not fit --backbone \(=googlenet\)"):
        build(_settings(backbone="googlenet", pretrained=path), 3)
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="must be a .safetensors file of torchvision's googlenet"):
        build(_settings(backbone="googlenet", pretrained=path), 3)
