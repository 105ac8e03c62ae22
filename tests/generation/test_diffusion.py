"""The mathematics of diffusion, on cases with known answers."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0
from torch import Tensor

from parhelion.errors import SettingsError
from parhelion.generation import DiffusionSettings
from parhelion.generation._diffusion import (
    SIGMA_DATA,
    DiffusionNetwork,
    denoise,
    guided,
    loss_of,
    schedule,
)

_TINY = DiffusionSettings(image_size=16, widths=(8, 16), attention=8, batch=4)


class _Silent(torch.nn.Module):
    """A U-Net that says nothing."""

    def forward(self, x: Tensor, time: Tensor, class_labels: Tensor | None = None) -> Tensor:
        self.seen = x
        self.sample = torch.zeros_like(x)
        return self  # type: ignore[return-value]


def test_the_schedule_falls_from_80_to_0() -> None:
    sigmas = schedule(10)
    assert len(sigmas) == 11
    assert float(sigmas[0]) == pytest.approx(80, rel=1e-5)
    assert float(sigmas[-2]) == pytest.approx(0.002, rel=1e-3)
    assert float(sigmas[-1]) == 0
    assert (sigmas[:-1] > sigmas[1:]).all()


def test_preconditioning_keeps_the_variance_of_what_the_network_sees() -> None:
    network = DiffusionNetwork(_TINY, 0)
    network.unet = silent = _Silent()
    images = SIGMA_DATA * torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    for level in (0.01, 0.5, 40.0):
        sigma = torch.full((64,), level)
        clean = network(images + level * noise, sigma)
        assert float(silent.seen.std()) == pytest.approx(1, rel=0.02)
        # Without a word from the network it is the best linear guess.
        share = SIGMA_DATA**2 / (SIGMA_DATA**2 + level**2)
        torch.testing.assert_close(clean, share * (images + level * noise))


def test_plain_attention_at_small_sides_is_the_same_attention() -> None:
    torch.manual_seed(0)
    network = DiffusionNetwork(replace(_TINY, attention=16), 0).eval()
    found = [layer for layer in network.modules() if isinstance(layer, Attention)]
    plain = [layer for layer in found if type(layer.processor) is AttnProcessor]
    assert 0 < len(plain) < len(found)
    noisy, sigma = torch.randn(2, 3, 16, 16), torch.tensor([0.1, 1.0])
    with torch.no_grad():
        ours = network(noisy, sigma)
        for layer in plain:
            layer.set_processor(AttnProcessor2_0())
        torch.testing.assert_close(ours, network(noisy, sigma))


def test_the_way_back_ends_at_what_the_denoiser_knows() -> None:
    # Of data that is one normal distribution the best denoiser is known, and so is the end: the
    # noise, scaled to the data's deviation about its mean.
    mean, spread = 0.3, 0.2

    def best(noisy: Tensor, sigma: Tensor) -> Tensor:
        wide = sigma.reshape(-1, 1, 1, 1).square()
        return (mean * wide + noisy * spread**2) / (wide + spread**2)

    noise = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(2))

    def error(steps: int) -> float:
        sigmas = schedule(steps)
        start = noise * sigmas[0]
        expected = mean + spread / float(sigmas[0]) * (start - mean)
        return float((denoise(best, start, sigmas) - expected).abs().max())

    assert error(40) < 0.01
    # Of second order: half the steps, four times the error.
    assert error(80) < error(40) / 3


def test_guidance_goes_on_from_the_general_through_the_class() -> None:
    network = DiffusionNetwork(_TINY, 3)
    noisy, sigma = torch.randn(2, 3, 16, 16), torch.ones(2)
    labels = torch.tensor([0, 2])
    with torch.inference_mode():
        general = network.eval()(noisy, sigma)
        own = network(noisy, sigma, labels)
        twice = guided(network, labels, 2.0)(noisy, sigma)
        once = guided(network, labels, 1.0)(noisy, sigma)
    torch.testing.assert_close(once, own)
    torch.testing.assert_close(twice, 2 * own - general, atol=1e-4, rtol=1e-4)
    assert (own - general).abs().max() > 1e-4


def test_hidden_classes_are_shown_as_none() -> None:
    class Spy(torch.nn.Module):
        def forward(self, noisy: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
            self.labels = labels
            return noisy

    images, labels = torch.zeros(1000, 3, 2, 2), torch.zeros(1000, dtype=torch.int64)
    spy = Spy()
    loss_of(spy, images, labels, 5, _TINY, torch.Generator().manual_seed(0))
    assert set(spy.labels.tolist()) == {0, 5}
    assert (spy.labels == 5).float().mean() == pytest.approx(0.1, abs=0.03)


def test_the_loss_of_a_perfect_network_is_nothing() -> None:
    images = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(3))

    class Perfect(torch.nn.Module):
        def forward(self, noisy: Tensor, sigma: Tensor, labels: Tensor | None) -> Tensor:
            return images

    loss = loss_of(Perfect(), images, None, 0, _TINY, torch.Generator().manual_seed(4))
    assert float(loss) == 0


def test_sizes_must_fit_the_resolutions() -> None:
    with pytest.raises(
        SettingsError, match=r"--image-size \(=20\) must be at least 16 and divisib"
    ):
        DiffusionSettings(image_size=20, widths=(8, 8, 8, 8))
    with pytest.raises(SettingsError, match=r"must be at least 16 and divisible by 16, for --fac"):
        DiffusionSettings(image_size=24, factor=8, widths=(8, 8))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"balance": "classes"}, r"--balance \(=classes\) must be images without --condition-on"),
        (
            {"condition_on": ("label",), "unconditional": 1.0},
            r"--unconditional \(=1.0\) must be in \[0, 1\)",
        ),
    ],
)
def test_classes_must_be_there_and_shown(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        DiffusionSettings(**settings)
