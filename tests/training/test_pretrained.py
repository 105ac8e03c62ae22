"""Weights to start from: the hub's, a file's, none; any size of image that the network takes."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from parhelion.errors import ModelError
from parhelion.training import timm_network


def test_a_random_start_needs_nothing() -> None:
    network = timm_network("test_resnet", None, 32, channels=1).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 32, 32)).ndim == 2


def test_a_vision_transformer_is_built_for_the_size() -> None:
    network = timm_network("test_vit", None, 32).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 32, 32)).ndim == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionError("no route\nto host"), r"\(no route\)"),
        (RuntimeError("no pretrained weights exist."), r"\(no pretrained weights exist\)"),
        (OSError(), r"\(OSError\)"),
    ],
)
def test_a_hub_that_gives_nothing_is_one_line(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **options: object) -> None:
        assert options["pretrained"] is True
        raise error

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(ModelError, match=f"--pretrained hub: .* test_resnet {reason}") as caught:
        timm_network("test_resnet", "hub", 32)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"does not fit --backbone \(=test_resnet\): it lacks"):
        timm_network("test_resnet", path, 32)
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="is damaged"):
        timm_network("test_resnet", path, 32)
    with pytest.raises(ModelError, match=r"must be hub or a \.safetensors file"):
        timm_network("test_resnet", tmp_path / "absent.safetensors", 32)


def test_a_file_fills_the_network(tmp_path: Path) -> None:
    source = timm.create_model("test_resnet", pretrained=False)
    path = tmp_path / "test_resnet.safetensors"
    save_file(source.state_dict(), path)
    state = timm_network("test_resnet", path, 32).state_dict()
    assert all(torch.equal(state[name], source.state_dict()[name]) for name in state)
