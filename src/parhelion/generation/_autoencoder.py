"""The space that a diffusion model works in: pixels, or the maps of a small autoencoder.

A latent diffusion model (Rombach et al. 2022) learns maps whose sides are several times smaller
than the image's: so much cheaper, and what is lost is below what one looks at.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion.generation._colors import parted
from parhelion.generation._diffusion import SIGMA_DATA
from parhelion.generation._diffusion_settings import DiffusionSettings
from parhelion.generation._grain import Grain

#: What names of its weights begin with, beside those of the diffusion model.
SPACE = "space."

_NORM_GROUPS = 8
#: Standard deviation of the noise on maps in training, of about unit size: what the diffusion
#: model leaves of noise must not show.
_NOISE = 0.1
#: Weight of the maps' mean square: it keeps them at about unit size.
_SIZE = 1e-3
#: Weight of the differences between neighboring pixels, which keep an image from blurring.
_EDGES = 1.0


class Pixels(nn.Module):
    """Pixel space: an image is its own map."""

    grain = None

    def encode(self, images: Tensor) -> Tensor:
        """Return the images."""
        return images

    def decode(self, maps: Tensor, white: Tensor | None = None) -> Tensor:
        """Return the maps; they have lost nothing that noise could give back."""
        return maps


class Autoencoder(nn.Module):
    """Images ``(N, C, H, W)`` in [-1, 1] to maps ``(N, L, H / factor, W / factor)``, and back.

    Maps have zero mean and the standard deviation that EDM takes data to have, channel by channel,
    once `measure` has been called with those of the training images.

    Attributes
    ----------
    grain : Grain or None
        What it gives back of the noise that maps do not hold.
    """

    grain: Grain | None

    def __init__(self, settings: DiffusionSettings) -> None:
        super().__init__()
        depth, width, channels = (
            settings.latent_channels,
            settings.autoencoder_width,
            settings.channels,
        )
        # Half the side, then a quarter, and so on: the width doubles once.
        steps = settings.factor.bit_length() - 1
        widths = [width] + [2 * width] * (steps - 1)
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        inward: int = channels
        for own in widths:
            down += [nn.PixelUnshuffle(2), _convolution(4 * inward, own), _Residual(own)]
            up = [_Residual(own), _convolution(own, 4 * inward), nn.PixelShuffle(2), *up]
            inward = own
        self.down = nn.Sequential(*down, _Residual(inward), _convolution(inward, depth))
        self.up = nn.Sequential(_convolution(depth, inward), _Residual(inward), *up)
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(depth, 1, 1))
        self.register_buffer("spread", torch.ones(depth, 1, 1))
        self.grain = None

    def encode(self, images: Tensor) -> Tensor:
        """Return the maps of images, as the diffusion model sees them."""
        maps: Tensor = self.down(images).float()
        return (maps - self.mean) / self.spread * SIGMA_DATA

    def decode(self, maps: Tensor, white: Tensor | None = None) -> Tensor:
        """Return the images of maps, with grain from white noise where both are there."""
        images: Tensor = self.up(maps / SIGMA_DATA * self.spread + self.mean).float()
        return images if self.grain is None or white is None else self.grain(images, white)

    @torch.no_grad()
    def measure(self, maps: Tensor) -> None:
        """Take mean and spread of the channels from maps that `encode` returned, on any device."""
        maps = maps.to(self.mean.device) / SIGMA_DATA * self.spread + self.mean
        self.mean.copy_(maps.mean((0, 2, 3))[:, None, None])
        self.spread.copy_(maps.std((0, 2, 3))[:, None, None])

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return images that went through noisy maps, and the maps before the noise."""
        maps = self.down(images).float()
        return self.up(maps + _NOISE * noise).float(), maps


def space_of(settings: DiffusionSettings) -> Pixels | Autoencoder:
    """Return the space of a model, its weights at their start."""
    if settings.factor == 1:
        return Pixels()
    space = Autoencoder(settings)
    if settings.grain:
        space.grain = Grain(settings.channels)
    return space


def loss_of_autoencoder(
    network: nn.Module, images: Tensor, settings: DiffusionSettings, numbers: torch.Generator
) -> Tensor:
    """Return the mean absolute error of pixels and of their differences, and the maps' size.

    Errors of gray and of colors count apart: while all channels err by more than it, an error of
    color takes as much from one as it adds to another, and absolute errors would not tell.
    """
    side = settings.image_size // settings.factor
    shape = (len(images), settings.latent_channels, side, side)
    noise = torch.randn(shape, generator=numbers).to(images.device)
    found, maps = network(images, noise)
    error = parted(found - images)
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    loss: Tensor = error.abs().mean() + _EDGES * edges + _SIZE * maps.square().mean()
    return loss


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(_NORM_GROUPS, width) for _ in range(2))
        self.first, self.second = _convolution(width, width), _convolution(width, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(F.silu(self.norms[0](x)))
        added: Tensor = x + self.second(F.silu(self.norms[1](y)))
        return added


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
