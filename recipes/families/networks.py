"""Small networks that make images, alike but for how they double a side."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

UPSAMPLINGS = ("nearest", "bilinear", "transposed", "shuffle")


def up(kind: str, inward: int, outward: int) -> nn.Module:
    """Return layers that double the side."""
    if kind == "transposed":
        return nn.ConvTranspose2d(inward, outward, 4, 2, 1)
    if kind == "shuffle":
        return nn.Sequential(nn.Conv2d(inward, 4 * outward, 3, padding=1), nn.PixelShuffle(2))
    smooth = {"align_corners": False} if kind == "bilinear" else {}
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode=kind, **smooth),
        nn.Conv2d(inward, outward, 3, padding=1),
    )


class Residual(nn.Module):
    """Two convolutions, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to the same shape."""
        return x + self.layers(x)


class Noise(nn.Module):
    """Random numbers, times a learned strength to a channel (Karras et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Add noise to ``(N, C, H, W)``."""
        return x + self.strength * torch.randn_like(x[:, :1])


class Decoder(nn.Sequential):
    """Latent map to image, twice the side at each of its steps."""

    def __init__(
        self, kind: str, factor: int, width: int, latent: int, *, noise: bool = False
    ) -> None:
        widths = {8: (2, 2, 1), 4: (2, 1), 2: (1,)}[factor]
        inward = 2 * width
        layers: list[nn.Module] = [nn.Conv2d(latent, inward, 3, padding=1), nn.SiLU()]
        for share in widths:
            outward = width * share
            layers += [Residual(inward), up(kind, inward, outward)]
            layers += [Noise(outward)] if noise else []
            layers += [nn.SiLU()]
            inward = outward
        super().__init__(*layers, nn.Conv2d(inward, 3, 3, padding=1))


class Autoencoder(nn.Module):
    """Image to a map `factor` times smaller, and back."""

    def __init__(
        self, kind: str, factor: int, width: int, latent: int, *, noise: bool = False
    ) -> None:
        super().__init__()
        self.factor = factor
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.SiLU()]
        inward = width
        for _ in range(factor.bit_length() - 2):
            layers += [nn.Conv2d(inward, 2 * width, 4, 2, 1), nn.SiLU(), Residual(2 * width)]
            inward = 2 * width
        self.encoder = nn.Sequential(*layers, nn.Conv2d(inward, latent, 3, padding=1))
        self.decoder = Decoder(kind, factor, width, latent, noise=noise)

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(N, 3, H, W)`` in [-1, 1], sides multiples of the factor, to the same shape."""
        return self.decoder(self.encoder(images))


class Enlarger(nn.Module):
    """Image to one `factor` times as large: bicubic, and what that lacks."""

    def __init__(self, kind: str, factor: int, width: int) -> None:
        super().__init__()
        self.factor = factor
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1)]
        layers += [Residual(width) for _ in range(3)]
        for _ in range(factor.bit_length() - 1):
            layers += [up(kind, width, width), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(N, 3, H, W)`` in [-1, 1] to ``(N, 3, factor H, factor W)``."""
        plain = F.interpolate(images, scale_factor=self.factor, mode="bicubic", align_corners=False)
        return plain + self.layers(images)


class Variational(nn.Module):
    """A variational autoencoder of 64-pixel images (Kingma & Welling 2014)."""

    def __init__(self, kind: str, width: int, latent: int) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(64 * 4 * width, 2 * latent),
        )
        self.widen = nn.Linear(latent, 64 * 2 * width)
        self.decoder = Decoder(kind, 8, width, 2 * width)

    def forward(self, images: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return reconstructions of ``(N, 3, 64, 64)``, and mean and log variance of codes."""
        mean, spread = self.encoder(images).chunk(2, 1)
        return self.decode(mean + (spread / 2).exp() * numbers), mean, spread

    def decode(self, codes: Tensor) -> Tensor:
        """Map ``(N, latent)`` to ``(N, 3, 64, 64)``."""
        return self.decoder(self.widen(codes).unflatten(1, (-1, 8, 8)))


def dcgan_generator(width: int, latent: int) -> nn.Module:
    """Return the generator of Radford et al. 2016 for 64-pixel images."""
    layers: list[nn.Module] = []
    inward = latent
    for step, outward in enumerate((8 * width, 4 * width, 2 * width, width)):
        stride, padding = (1, 0) if step == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(inward, outward, 4, stride, padding, bias=False),
            nn.BatchNorm2d(outward),
            nn.ReLU(),
        ]
        inward = outward
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh())


def dcgan_critic(width: int) -> nn.Module:
    """Return the discriminator of Radford et al. 2016 for 64-pixel images."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for share in (1, 2, 4):
        layers += [
            nn.Conv2d(share * width, 2 * share * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * share * width),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4), nn.Flatten(0))


def patch_critic(width: int) -> nn.Module:
    """Return a discriminator of patches (Isola et al. 2017): a map of logits."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 2 * width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 3, padding=1),
    )
