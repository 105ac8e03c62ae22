from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_upscaler import TINY

from parhelion.augmentation import load_upscaler
from parhelion.augmentation._loadable import check_loadable
from parhelion.augmentation._upscaler import build, hosted
from parhelion.errors import ModelError, SettingsError


@pytest.mark.parametrize("scale", [2, 4])
def test_before_training_it_is_bilinear(scale: int) -> None:
    settings = replace(TINY, scale=scale)
    pixels = np.random.default_rng(0).integers(0, 255, (1, 16, 24, 3), dtype=np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255)
    with torch.inference_mode():
        found = build(settings).eval()(images)
    expected = torch.nn.functional.interpolate(images, scale_factor=scale, mode="bilinear")
    inner = (..., slice(scale, -scale), slice(scale, -scale))
    torch.testing.assert_close(found[inner], expected[inner], rtol=0, atol=1e-5)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_of_weights_is_the_network_it_is_from(tmp_path: Path, suffix: str) -> None:
    network = build(TINY)
    with torch.no_grad():
        network.conv_after_body.weight.normal_(0, 0.02)  # a new one's attention has no say
    state = {name: tensor.contiguous().clone() for name, tensor in network.state_dict().items()}
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"params_ema": state}, path)  # as SwinIR's authors publish theirs
    else:
        save_file(state, path)
    upscaler = load_upscaler(path, precision="fp32")
    assert (upscaler.scale, upscaler.channels, upscaler.step) == (2, 3, TINY.window)
    pixels = np.random.default_rng(1).integers(90, 160, (1, 16, 16, 3), dtype=np.uint8)
    plain = hosted(build(TINY).eval(), TINY, torch.device("cpu")).enlarge(pixels)
    assert np.abs(upscaler.enlarge(pixels) - plain).max() > 1
    np.testing.assert_allclose(
        upscaler.enlarge(pixels),
        hosted(network.eval(), TINY, torch.device("cpu")).enlarge(pixels),
        atol=1e-3,
    )


@pytest.mark.parametrize(
    "sizes", [{}, {"scale": 4}, {"window": 4}, {"depths": (3, 1)}, {"width": 6, "heads": 3}]
)
def test_most_sizes_are_told_from_weights(sizes: dict[str, Any]) -> None:
    check_loadable(replace(TINY, **sizes))


@pytest.mark.parametrize(
    "sizes",
    [
        {"window": 7, "patch": 28},  # to spandrel an image from 0 to 255
        {"window": 16, "patch": 16},  # one window, nothing to shift
        {"depths": (1, 2)},  # no shift in the first block
    ],
)
def test_sizes_that_are_not_told_from_weights_are_refused(sizes: dict[str, Any]) -> None:
    settings = replace(TINY, **sizes)
    with pytest.raises(
        SettingsError, match=rf"--window \(={settings.window}\), --patch .* --depths"
    ):
        check_loadable(settings)


def test_weights_of_no_known_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"some.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match="no network that spandrel knows"):
        load_upscaler(path)


@pytest.mark.parametrize(
    "held", [torch.zeros(3), [torch.zeros(3)], {0: torch.zeros(3)}, {"params": {0: 1}}, {}]
)
def test_what_is_not_weights_by_name_is_refused(tmp_path: Path, held: Any) -> None:
    torch.save(held, tmp_path / "weights.pth")
    with pytest.raises(ModelError, match=r"weights\.pth (holds|does not fit)"):
        load_upscaler(tmp_path / "weights.pth")


def test_what_is_not_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="cannot be read as weights"):
        load_upscaler(path)
    with pytest.raises(ModelError, match="there is no file"):
        load_upscaler(tmp_path / "missing.pth")


def test_what_arithmetic_adds_to_the_sky_is_put_right() -> None:
    upscaler = hosted(build(TINY), TINY, torch.device("cpu"))

    class Bright(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.interpolate(images, scale_factor=2) + 0.02

    pixels = np.random.default_rng(2).integers(20, 60, (1, 40, 40, 3), dtype=np.uint8)
    found = replace(upscaler, network=Bright()).enlarge(pixels)
    assert found.mean() == pytest.approx(pixels.mean(), abs=1e-3)
    # Detail is not touched: neighbors differ as the network has it.
    assert found[0, ::2].std() == pytest.approx(pixels.std(), rel=0.01)


def test_the_ends_of_a_network_do_not_lose_levels_to_bf16(tmp_path: Path) -> None:
    # A new network is bilinear: in bf16 throughout, a bright sky would have steps of a level.
    path = tmp_path / "weights.safetensors"
    save_file({name: item.contiguous() for name, item in build(TINY).state_dict().items()}, path)
    pixels = np.random.default_rng(0).integers(180, 255, (1, 16, 16, 3), dtype=np.uint8)
    exact, rough = (load_upscaler(path, precision=name) for name in ("fp32", "bf16"))
    assert (exact.precision, rough.precision) == ("fp32", "bf16")
    np.testing.assert_allclose(rough.enlarge(pixels), exact.enlarge(pixels), atol=0.01)
