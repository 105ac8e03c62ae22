"""A small backbone for the finest detail: no early pooling, and the high-pass residual beside.

For the image path of a patch detector, and without the residual for its spectrum path.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Name by which the settings know it.
FINE = "fine"
#: Least deviation of a residual, in units of [-1, 1]: a third of a gray level.
_LEAST = 0.0025
_CLIP = 4.0
#: Channels at full resolution, at a half, a quarter and an eighth.
_WIDTHS = (16, 32, 64, 128)
#: The same where there is but one plane to see.
_NARROW = (8, 16, 32, 128)


class Fine(nn.Module):
    """Convolutions from full resolution down to an eighth, then the mean over the patch.

    Parameters
    ----------
    channels : int
        Of what it sees.
    residual : bool
        See the image less its 3 x 3 mean, over its own deviation: how detail is correlated,
        whatever its strength. Not for spectra.
    plain : bool
        See the image (or the spectrum) itself.
    """

    def __init__(self, channels: int, *, residual: bool = True, plain: bool = True) -> None:
        super().__init__()
        self.residual, self.plain = residual, plain
        inward = channels * (self.residual + self.plain)
        widths = _WIDTHS if channels > 1 else _NARROW
        layers: list[nn.Module] = [_step(inward, widths[0], 1)]
        for wide, wider in pairwise(widths):
            layers += [_step(wide, wider, 2), _Residual(wider)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to features ``(N, F)``."""
        parts = [images] if self.plain else []
        if self.residual:
            parts.append(high_pass(images))
        features: Tensor = self.layers(torch.cat(parts, 1)).mean((2, 3))
        return features


def high_pass(images: Tensor) -> Tensor:
    """Return images less their 3 x 3 mean, over the deviation of that, clipped: ``(N, C, H, W)``.

    A residual fainter than a third of a gray level is not raised further: rounding to 8 bits is
    all that it holds.
    """
    detail = images - F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="reflect"), 3, 1)
    deviation = detail.square().mean((1, 2, 3), keepdim=True).sqrt()
    return (detail / deviation.clamp_min(_LEAST)).clamp(-_CLIP, _CLIP)


def _step(inward: int, outward: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _step(width, width, 1),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))
