"""The Lightweight GAN's two networks (Liu et al. 2021, sections 3.1 and 3.2)."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion.generation._kernels import doubled_convolution, gated

#: Side of the maps from which `doubled_convolution` pays; below, combining weights costs more.
_TRANSPOSED_FROM = 16
#: Side of the feature map at which the discriminator ends and its decoders begin.
_END = 8


def channels_at(resolution: int, size: int, width: int, limit: int) -> int:
    """Channels at a resolution: `width` at full size, doubling with each halving."""
    return min(limit, width * size // resolution)


class Generator(nn.Module):
    """Latent vector to image, with skip-layer excitation.

    Parameters
    ----------
    size : int
        Side of the images: a power of two, 32 or more.
    width, limit : int
        See `channels_at`.
    latent : int
        Length of the latent vector.
    channels : int
        Channels of the images, 1 or 3.
    classes : sequence of int
        Number of classes of each condition, such as morphology and survey; empty for an
        unconditional generator.
    noise : bool
        Add a map of random numbers at each doubling, times a learned strength for each channel
        (as the public code of Liu et al. 2021 does, after Karras et al. 2019, section 3.2): the
        noise of a sky need not be made from a few latent numbers.
    upsampling : {"nearest", "shuffle"}
        How a doubling fills the new pixels: by repeating (the paper), or from further channels of
        the convolution before (pixel shuffle, Shi et al. 2016; the public code's default).

    Attributes
    ----------
    latent : int
        As given.
    inputs : int
        Random numbers to an image: its latent vector, then its maps of noise.
    """

    def __init__(
        self,
        size: int,
        width: int,
        limit: int = 512,
        latent: int = 256,
        channels: int = 3,
        classes: Sequence[int] = (),
        *,
        noise: bool = False,
        upsampling: str = "nearest",
    ) -> None:
        super().__init__()
        resolutions = [2**k for k in range(3, int(math.log2(size)) + 1)]
        self.latent = latent
        self._maps = [r * r for r in resolutions] if noise else []
        self.inputs = latent + sum(self._maps)

        def at(resolution: int) -> int:
            return channels_at(resolution, size, width, limit)

        self.embedding = Conditions(classes, latent) if classes else None
        self.start = nn.Sequential(
            nn.ConvTranspose2d(latent, 2 * at(4), 4, bias=False),
            nn.BatchNorm2d(2 * at(4)),
            nn.GLU(dim=1),
        )
        up = _ShuffleUp if upsampling == "shuffle" else _Up
        self.blocks = nn.ModuleDict(
            {str(r): up(at(r // 2), at(r), noise=noise) for r in resolutions}
        )
        # Each excitation spans four doublings, or ends at full size where that is nearer.
        spans = {r: min(16 * r, size) for r in (4, 8, 16, 32) if r == 4 or 16 * r <= size}
        self.excitations = nn.ModuleDict(
            {str(high): _Excitation(at(low), at(high)) for low, high in spans.items()}
        )
        self._sources = {high: low for low, high in spans.items()}
        self.end = nn.Conv2d(at(size), channels, 3, padding=1)
        self.apply(_initialize)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Draw images.

        Parameters
        ----------
        latents : Tensor
            ``(N, inputs)`` float32, standard normal.
        labels : Tensor, optional
            ``(N, K)`` int64 class index of each of K conditions, for a conditional generator.

        Returns
        -------
        images : Tensor
            ``(N, channels, size, size)`` float in [-1, 1].
        """
        latents, *maps = torch.split(latents, [self.latent, *self._maps], dim=1)
        if self.embedding is not None:
            latents = latents + self.embedding(labels)
        x = self.start(latents[:, :, None, None])  # (N, C, 4, 4)
        kept = {4: x}
        for index, (name, block) in enumerate(self.blocks.items()):
            resolution = int(name)
            x = block(x, maps[index] if maps else None)
            if resolution in self._sources:
                x = x * self.excitations[name](kept.pop(self._sources[resolution]))
            if resolution in self._sources.values():
                kept[resolution] = x
        images: Tensor = torch.tanh(self.end(x))
        return images


class Discriminator(nn.Module):
    """Image to logits at two scales, and to reconstructions of what it saw.

    The decoders (Liu et al. 2021, section 3.2) make the features describe the whole image and
    one random quarter of it, which keeps a discriminator with few images from memorizing them.

    Parameters
    ----------
    size, width, limit, channels : int
        As for `Generator`.
    classes : sequence of int
        As for `Generator`.
    """

    def __init__(
        self,
        size: int,
        width: int,
        limit: int = 512,
        channels: int = 3,
        classes: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.small = 32

        def at(resolution: int) -> int:
            return channels_at(resolution, size, width, limit)

        half = size // 2
        self.start = nn.Sequential(
            nn.Conv2d(channels, at(half), 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)
        )
        resolutions = [2**k for k in range(int(math.log2(half)) - 1, 2, -1)]
        self.blocks = nn.ModuleList([_Down(at(2 * r), at(r)) for r in resolutions])
        deep = at(_END)
        self.logits = nn.Sequential(
            nn.Conv2d(deep, deep, 1), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(deep, 1, 4)
        )
        narrow = max(8, deep // 8)
        self.small_logits = nn.Sequential(
            nn.Conv2d(channels, narrow, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            _Down(narrow, 2 * narrow),
            nn.Conv2d(2 * narrow, 1, 4),
        )
        self.whole_decoder = _Decoder(deep, channels, _END, min(half, 128))
        # A quarter of the 16 x 16 features: 8 x 8 of them, which see half of each side.
        self.crop_decoder = _Decoder(at(2 * _END), channels, _END, min(half, 128))
        self.projection = Conditions(classes, deep) if classes else None
        self.apply(_initialize)

    def forward(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        crop: Tensor | None = None,
        decoded: int | None = None,
    ) -> tuple[Tensor, ...]:
        """Judge images.

        Parameters
        ----------
        images : Tensor
            ``(N, channels, size, size)`` float in [-1, 1].
        labels : Tensor, optional
            ``(N, K)`` int64 class indices, for a conditional discriminator.
        crop : Tensor, optional
            ``(2,)`` int64, 0 or 1: row and column of the quarter to reconstruct. When it is
            given the reconstructions are returned too.
        decoded : int, optional
            How many of the images, from the first on, are reconstructed; all by default.

        Returns
        -------
        logits, small_logits : Tensor
            ``(N, 5, 5)`` and ``(N, 5, 5)``: higher where the image looks real.
        whole, quarter : Tensor
            Only with `crop`: ``(decoded, channels, S, S)`` reconstructions in [-1, 1].
        """
        x = self.start(images)
        features = [x]
        for block in self.blocks:
            x = block(x)
            features.append(x)
        logits = self.logits(x)[:, 0]  # (N, 5, 5)
        if self.projection is not None:
            # Miyato & Koyama 2018, equation 3: the class's direction in feature space; divided,
            # or this one number outweighs the 25 places and nobody looks at fine detail.
            agreement = (self.projection(labels) * x.mean(dim=(2, 3))).sum(dim=1)
            logits = logits + agreement[:, None, None] / x.shape[1] ** 0.5
        small = F.interpolate(images, size=self.small, mode="area")
        small_logits = self.small_logits(small)[:, 0]  # (N, 5, 5)
        if crop is None:
            return logits, small_logits
        part = quarter(features[-2][:decoded], crop)
        return logits, small_logits, self.whole_decoder(x[:decoded]), self.crop_decoder(part)


class Conditions(nn.Module):
    """Sum of one embedding for each condition: morphology, survey; times a strength.

    Few images and full strength from the start make a generator draw each class's mean and forget
    its latent vector; so the strength grows during training (Shahbazi et al. 2022).

    Parameters
    ----------
    classes : sequence of int
        Number of classes of each condition.
    length : int
        Length of the embeddings.
    """

    offsets: Tensor
    strength: Tensor

    def __init__(self, classes: Sequence[int], length: int) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(classes), length)
        starts = [sum(classes[:index]) for index in range(len(classes))]
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)
        self.register_buffer("strength", torch.ones(()))

    def forward(self, labels: Tensor) -> Tensor:
        """Map ``(N, K)`` int64 class indices to ``(N, length)``."""
        total: Tensor = self.table(labels + self.offsets).sum(dim=1)
        return total * self.strength


def quarter(x: Tensor, crop: Tensor) -> Tensor:
    """Return one of the four quarters of ``(N, C, H, W)``, by its row and column."""
    height, width = x.shape[-2] // 2, x.shape[-1] // 2
    top, left = int(crop[0]) * height, int(crop[1]) * width
    return x[..., top : top + height, left : left + width]


class _Up(nn.Sequential):
    """Double the side: nearest, convolution, noise, batch norm, gated linear unit.

    The sequence names the weights; `forward` computes the same with fewer operations.
    """

    def __init__(self, inward: int, outward: int, *, noise: bool = False) -> None:
        super().__init__(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(inward, 2 * outward, 3, padding=1, bias=False),
            nn.BatchNorm2d(2 * outward),
            nn.GLU(dim=1),
        )
        self.strength = nn.Parameter(torch.zeros(2 * outward)) if noise else None

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Map ``(N, C, H, W)`` and ``(N, 4 H W)`` of noise to ``(N, C', 2 H, 2 W)``."""
        x = self.doubled(x)
        if self.strength is not None and noise is not None:
            field = noise.reshape(-1, 1, *x.shape[2:])
            x = torch.addcmul(x, self.strength[:, None, None].to(x.dtype), field.to(x.dtype))
        return gated(self[2](x))

    def doubled(self, x: Tensor) -> Tensor:
        """Double the side, and convolve."""
        if x.shape[-1] >= _TRANSPOSED_FROM:
            return doubled_convolution(x, cast(nn.Conv2d, self[1]).weight)
        doubled: Tensor = self[1](self[0](x))
        return doubled


class _ShuffleUp(_Up):
    """Double the side with the channels of a convolution at the smaller one."""

    def __init__(self, inward: int, outward: int, *, noise: bool = False) -> None:
        super().__init__(inward, outward, noise=noise)
        self[0] = nn.Conv2d(inward, 8 * outward, 3, padding=1, bias=False)
        self[1] = nn.PixelShuffle(2)

    def doubled(self, x: Tensor) -> Tensor:
        """Convolve, and lay four channels out as one of twice the side."""
        doubled: Tensor = self[1](self[0](x))
        return doubled


class _Excitation(nn.Sequential):
    """Skip-layer excitation: channel weights for a large map from a small one (equation 2)."""

    def __init__(self, inward: int, outward: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(4),
            nn.Conv2d(inward, outward, 4),
            nn.SiLU(inplace=True),
            nn.Conv2d(outward, outward, 1),
            nn.Sigmoid(),
        )


class _Down(nn.Module):
    """Halve the side: the mean of a strided and a pooled branch (figure 4)."""

    def __init__(self, inward: int, outward: int) -> None:
        super().__init__()
        self.strided = nn.Sequential(
            nn.Conv2d(inward, outward, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(outward, outward, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.pooled = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(inward, outward, 1), nn.LeakyReLU(0.2, inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C', H / 2, W / 2)``."""
        mean: Tensor = (self.strided(x) + self.pooled(x)) / 2
        return mean


class _Decoder(nn.Sequential):
    """Features back to a small image in [-1, 1]."""

    def __init__(self, inward: int, channels: int, start: int, stop: int) -> None:
        layers: list[nn.Module] = []
        side, width = start, inward
        while side < stop:
            narrower = max(8, width // 2)
            layers.append(_Up(width, narrower))
            side, width = 2 * side, narrower
        super().__init__(*layers, nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())


def _initialize(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.kaiming_normal_(module.weight, a=0.2, nonlinearity="leaky_relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.5)


def parameter_count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in module.parameters())
