"""Diffusion in the terms of Karras et al. 2022 (EDM): one network that takes noise away.

The network is diffusers' U-Net; how its inputs and outputs are scaled, the loss and the way back
from noise are EDM's.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from parhelion.errors import MissingExtraError
from parhelion.generation._diffusion_settings import DiffusionSettings

#: Standard deviation of the data, images in [-1, 1] or their maps (EDM, table 1).
SIGMA_DATA = 0.5
#: Range of the noise on the way back, and how its steps crowd at the low end (EDM, equation 5).
SIGMA_MIN, SIGMA_MAX, RHO = 0.002, 80.0, 7.0

#: Largest side of maps on which attention is plain products of matrices: for so few places, what
#: PyTorch does in blocks takes long on a CPU.
_PLAIN = 8

#: Takes noisy images ``(N, C, H, W)`` and their noise ``(N,)``; returns clean ones.
Denoiser = Callable[[Tensor, Tensor], Tensor]


class DiffusionNetwork(nn.Module):
    """A U-Net in EDM's preconditioning, for so many classes.

    Class number `classes` stands for none: what is learned of all images together.
    """

    def __init__(self, settings: DiffusionSettings, classes: int) -> None:
        super().__init__()
        models = _diffusers()
        channels, side, _ = settings.map_shape
        sides = [side // 2**level for level in range(len(settings.widths))]
        looks = [side <= settings.attention for side in sides]
        self.classes = classes
        self.unet = models.UNet2DModel(
            sample_size=side,
            in_channels=channels,
            out_channels=channels,
            layers_per_block=settings.blocks,
            block_out_channels=tuple(settings.widths),
            norm_num_groups=8,
            attention_head_dim=8,
            dropout=settings.dropout,
            add_attention=settings.attention >= sides[-1],
            down_block_types=tuple("AttnDownBlock2D" if look else "DownBlock2D" for look in looks),
            up_block_types=tuple(
                "AttnUpBlock2D" if look else "UpBlock2D" for look in reversed(looks)
            ),
            num_class_embeds=classes + 1 if classes else None,
        )
        blocks = [*self.unet.down_blocks, self.unet.mid_block, *self.unet.up_blocks]
        for block, own in zip(blocks, [*sides, sides[-1], *reversed(sides)], strict=True):
            if own <= _PLAIN:
                _attend_plainly(block, models.attention_processor)

    def forward(self, noisy: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return clean images (EDM, equation 7).

        Parameters
        ----------
        noisy : Tensor
            ``(N, C, H, W)`` float32: images in [-1, 1] and noise.
        sigma : Tensor
            ``(N,)`` float32: standard deviation of the noise.
        labels : Tensor, optional
            ``(N,)`` int64: class numbers; none when not given.
        """
        wide = sigma.reshape(-1, 1, 1, 1)
        total = wide.square() + SIGMA_DATA**2
        skip, out = SIGMA_DATA**2 / total, wide * SIGMA_DATA / total.sqrt()
        if labels is None and self.classes:
            labels = torch.full((len(noisy),), self.classes, device=noisy.device)
        said = self.unet(noisy / total.sqrt(), _time(sigma), class_labels=labels).sample
        clean: Tensor = skip * noisy + out * said.float()
        return clean


def loss_of(
    network: nn.Module,
    images: Tensor,
    labels: Tensor | None,
    classes: int,
    settings: DiffusionSettings,
    numbers: torch.Generator,
) -> Tensor:
    """Return EDM's loss of a batch (equation 2, weighted and drawn as in table 1).

    Part of the `labels` are hidden: `classes` stands for none.
    """
    count = len(images)
    spread = torch.randn(count, generator=numbers) * settings.noise_spread
    sigma = (spread + settings.noise_mean).exp().to(images.device)
    noise = torch.randn(images.shape, generator=numbers).to(images.device)
    if labels is not None:
        is_hidden = torch.rand(count, generator=numbers) < settings.unconditional
        labels = labels.masked_fill(is_hidden.to(labels.device), classes)
    wide = sigma.reshape(-1, 1, 1, 1)
    error = network(images + wide * noise, sigma, labels) - images
    weight = (wide.square() + SIGMA_DATA**2) / (wide * SIGMA_DATA).square()
    loss: Tensor = (weight * error.square()).mean()
    return loss


def schedule(steps: int) -> Tensor:
    """Return the noise of each step of the way back and of its end, ``(steps + 1,)`` float32."""
    places = torch.arange(steps, dtype=torch.float64) / max(steps - 1, 1)
    high, low = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    return torch.cat([(high + places * (low - high)) ** RHO, torch.zeros(1)]).float()


def denoise(denoiser: Denoiser, noisy: Tensor, sigmas: Tensor) -> Tensor:
    """Go back from noise to images: DPM-Solver++ of second order (Lu et al. 2022, algorithm 2).

    Parameters
    ----------
    denoiser : callable
        Takes noisy images and their noise, returns clean ones.
    noisy : Tensor
        ``(N, C, H, W)`` float32: images and noise of standard deviation ``sigmas[0]``.
    sigmas : Tensor
        Falling noise, 0 at the end; see `schedule`.
    """
    before: Tensor | None = None
    for step in range(len(sigmas) - 1):
        here, there = float(sigmas[step]), float(sigmas[step + 1])
        clean = denoiser(noisy, torch.full((len(noisy),), here, device=noisy.device))
        if there == 0:
            return clean
        ahead = math.log(here / there)
        aim = clean
        if before is not None:
            behind = math.log(float(sigmas[step - 1]) / here)
            aim = clean + (clean - before) * (ahead / (2 * behind))
        noisy = (there / here) * noisy - math.expm1(-ahead) * aim
        before = clean
    return noisy


def guided(network: DiffusionNetwork, labels: Tensor | None, guidance: float) -> Denoiser:
    """Return a denoiser towards classes, away from images in general (Ho & Salimans 2022).

    A `guidance` of 1 is the class itself; above, more typical and less varied.
    """

    def clean(noisy: Tensor, sigma: Tensor) -> Tensor:
        if labels is None or guidance == 1:
            found: Tensor = network(noisy, sigma, labels)
            return found
        none = torch.full_like(labels, network.classes)
        both = network(noisy.repeat(2, 1, 1, 1), sigma.repeat(2), torch.cat([labels, none]))
        own, general = both.chunk(2)
        towards: Tensor = general + guidance * (own - general)
        return towards

    return clean


def _time(sigma: Tensor) -> Tensor:
    """Return the logarithm of the noise on the scale that the U-Net's embedding is made for."""
    low, high = math.log(SIGMA_MIN), math.log(SIGMA_MAX)
    return (sigma.log() - low) / (high - low) * 1000


def _attend_plainly(block: nn.Module, attention: Any) -> None:
    for layer in block.modules():
        if isinstance(layer, attention.Attention):
            layer.set_processor(attention.AttnProcessor())


def _diffusers() -> Any:
    try:
        from diffusers import models
    except ImportError as error:
        raise MissingExtraError(
            "diffusion models need diffusers; run `pip install 'parhelion[diffusion]'`"
        ) from error
    return models
