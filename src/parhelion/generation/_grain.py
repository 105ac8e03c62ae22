"""Grain: what an autoencoder loses of an image, given back as random noise of the same power.

A decoder taught to be near an image returns the mean of all that its map may stand for. The noise
of a sky is not in that mean, and an image without it looks painted. Video codecs take film grain
off, describe it by a few numbers and put grain of the same look back (AV1; Norkin & Birkbeck 2018);
so does this.

Gray noise and colored noise are told apart, for an image of one instrument and one filter is gray,
and what is put on it must be so too.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion.generation._colors import joined, parted

#: Side of the kernel that makes white noise into grain: farther pixels are taken as independent.
_SIDE = 15
#: Side of the neighborhood that says how strong the grain is, in pixels.
_NEAR = 5
#: Looks of a neighborhood: brightness, contrast, contrast of colors.
_LOOKS = 3
#: Terms of a quadratic in them.
_TERMS = (_LOOKS + 1) * (_LOOKS + 2) // 2
#: Half a gray level, squared: what is weaker does not show.
_FLOOR = (0.5 / 127.5) ** 2
#: Standard deviations beyond which something lost is a star or an edge, not noise.
_MOST = 5.0
#: Penalty of the fit, of all terms but the mean: for images all of whose places look alike.
_RIDGE = 1e-4
#: Pixels of each side between those that the power is fitted to: neighbors tell the same.
_STRIDE = 4


class Grain(nn.Module):
    """Noise whose power follows brightness and contrasts, and whose size a kernel.

    It is made of one gray part and of `channels` - 1 colored ones, each with a power of its own.

    Parameters
    ----------
    channels : int
        Of the images.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.power: Tensor
        self.least: Tensor
        self.most: Tensor
        self.kernel: Tensor
        self.register_buffer("power", torch.zeros(_TERMS, min(channels, 2)))
        self.register_buffer("least", torch.zeros(_LOOKS))
        self.register_buffer("most", torch.zeros(_LOOKS))
        self.register_buffer("kernel", torch.zeros(channels, channels, _SIDE, _SIDE))

    def shape_for(self, side: int) -> tuple[int, int, int]:
        """Return the shape of the white noise that an image of this side takes."""
        wide = side + _SIDE - 1
        return (len(self.kernel), wide, wide)

    def forward(self, images: Tensor, white: Tensor) -> Tensor:
        """Return images with grain.

        Parameters
        ----------
        images : Tensor
            ``(N, C, H, W)`` float32 in [-1, 1].
        white : Tensor
            Normal random numbers, ``(N, C, H + 14, W + 14)`` float32.
        """
        with torch.autocast(images.device.type, enabled=False):
            grain = F.conv2d(white.float(), self.kernel)
            grainy: Tensor = images + joined(self._spread(images) * grain)
        return grainy

    @torch.no_grad()
    def measure(self, images: Tensor, decoded: Tensor) -> None:
        """Take power and correlation from what decoded images lack.

        Parameters
        ----------
        images, decoded : Tensor
            ``(N, C, H, W)`` float32 in [-1, 1]; sides of at least 16.
        """
        lost = parted(images - decoded)
        looks = _thinned(_looks(decoded))
        sorts = [part for part in (lost[:, :1], lost[:, 1:]) if part.shape[1]]
        power = _thinned(_box(torch.cat([part.square().mean(1, True) for part in sorts], 1)))
        tails = torch.tensor([0.005, 0.995])
        low, high = torch.stack([_quantile(look, tails) for look in looks.T], 1)
        self.least.copy_(low)
        self.most.copy_(high)
        terms = self._terms(looks).double()
        wanted = terms.T @ (power + _FLOOR).log().double()
        ridge = _RIDGE * len(terms) * torch.eye(_TERMS)
        ridge[0, 0] = 0  # where all places look alike their mean is what holds
        self.power.copy_(torch.linalg.solve(terms.T @ terms + ridge, wanted))
        # The kernel makes up for this being the mean of a logarithm.
        self.kernel.copy_(_kernel((lost / self._spread(decoded)).clamp(-_MOST, _MOST)))

    def _spread(self, images: Tensor) -> Tensor:
        """Return the standard deviation of each part of the grain at each place."""
        terms = self._terms(_looks(images).movedim(1, -1))
        spread = (terms @ self.power / 2).exp().movedim(-1, 1)
        colored = spread[:, 1:].expand(-1, images.shape[1] - 1, -1, -1)
        return torch.cat([spread[:, :1], colored], 1)

    def _terms(self, looks: Tensor) -> Tensor:
        """Return the terms of a quadratic in what places look like: ``(..., 3)`` to ``(..., 10)``.

        Looks go from -1 to 1 over what is usual, and are not followed beyond it.
        """
        usual = (self.most - self.least).clamp(min=1e-6)
        looks = (2 * (looks - self.least) / usual - 1).clamp(-1, 1)
        first, second = torch.triu_indices(_LOOKS, _LOOKS)
        ones = torch.ones_like(looks[..., :1])
        return torch.cat([ones, looks, looks[..., first] * looks[..., second]], -1)


def _looks(images: Tensor) -> Tensor:
    """Return the logarithms of brightness and contrasts around each place, in gray levels."""
    parts = parted(images) * 127.5
    means = _box(parts)
    spread = (_box(parts.square()) - means.square()).clamp(min=0)
    bright = (means[:, :1] / images.shape[1] ** 0.5 + 127.5).clamp(min=0) + 1
    contrast = spread[:, :1].sqrt() + 1
    # Colors of gray images differ by the little that a decoder errs: by less than a gray level.
    colorful = spread[:, 1:].sum(1, keepdim=True).sqrt() + 0.25
    return torch.cat([bright, contrast, colorful], 1).log()


def _thinned(maps: Tensor) -> Tensor:
    """Return every few pixels of ``(N, C, H, W)``, as ``(pixels, C)``."""
    return maps[..., ::_STRIDE, ::_STRIDE].movedim(1, -1).flatten(0, 2)


def _quantile(values: Tensor, shares: Tensor) -> Tensor:
    ordered = values.sort().values
    return ordered[(shares * (len(ordered) - 1)).round().long()]


def _box(maps: Tensor) -> Tensor:
    return F.avg_pool2d(maps, _NEAR, stride=1, padding=_NEAR // 2, count_include_pad=False)


def _kernel(noise: Tensor) -> Tensor:
    """Return the kernel that gives white noise the spectra of this, across its parts too.

    It is the square root of the matrix of spectra at each frequency, the part of it near its
    center, with the variance of each part.
    """
    side = noise.shape[-1]
    channels = noise.shape[1]
    spectra = torch.zeros(*noise.shape[-2:], channels, channels, dtype=torch.complex128)
    for part in torch.split(noise, 64):
        waves = torch.fft.fft2(part.double()).movedim(1, -1)
        spectra += torch.einsum("nhwc,nhwd->hwcd", waves, waves.conj())
    spectra /= len(noise) * noise.shape[-2] * side
    values, vectors = torch.linalg.eigh(spectra)
    root = vectors * values.clamp(min=0).sqrt()[..., None, :] @ vectors.mH
    kernel = torch.fft.ifft2(root.movedim((0, 1), (2, 3))).real
    kernel = torch.fft.fftshift(kernel, (-2, -1))
    top, left = (length // 2 - _SIDE // 2 for length in kernel.shape[-2:])
    kernel = kernel[..., top : top + _SIDE, left : left + _SIDE]
    wanted = noise.double().square().mean((0, 2, 3))
    found = kernel.square().sum((1, 2, 3))
    scaled: Tensor = kernel * (wanted / found.clamp(min=1e-12)).sqrt()[:, None, None, None]
    return scaled.flip((-2, -1))
