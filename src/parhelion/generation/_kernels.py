"""The same functions as torch's own, computed with fewer operations or in a better layout."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F


def gated(x: Tensor) -> Tensor:
    """Gated linear unit over the channels, `torch.nn.functional.glu` with ``dim=1``.

    Told to halve the channels of a channels-last map, torch returns the gradient in another
    layout, and the batch normalization before it then takes ten times as long on a CPU. The
    same map seen with its channels last comes back as it went in.

    Parameters
    ----------
    x : Tensor
        ``(N, 2 C, H, W)``.

    Returns
    -------
    gated : Tensor
        ``(N, C, H, W)``.
    """
    return F.glu(x.permute(0, 2, 3, 1), dim=-1).permute(0, 3, 1, 2)


def doubled_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """Double the side by repeating pixels, then convolve with a 3 x 3 kernel, in one operation.

    A repeated pixel meets sums of the kernel's columns and rows, so the two steps are one
    transposed convolution with a 4 x 4 kernel and stride 2: 16 products where there were 36.

    Parameters
    ----------
    x : Tensor
        ``(N, C, H, W)``.
    weight : Tensor
        ``(C', C, 3, 3)``.

    Returns
    -------
    y : Tensor
        ``(N, C', 2 H, 2 W)``, zeros having been taken for what is outside.
    """
    outward, inward = weight.shape[:2]
    rows = weight.permute(0, 2, 3, 1).reshape(outward, 9, inward)
    sums = torch.matmul(_spread(weight.device), rows)  # (C', 16, C)
    kernel = sums.view(outward, 4, 4, inward).permute(3, 0, 1, 2)  # (C, C', 4, 4)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1)


@lru_cache(maxsize=8)
def _spread(device: torch.device) -> Tensor:
    """Return ``(16, 9)``: which entries of a 3 x 3 kernel add up to those of the 4 x 4 one."""
    with torch.inference_mode(False):  # kept for who trains, whoever asks first
        spread = torch.zeros(4, 4, 3, 3)
        for row in range(3):
            for column in range(3):
                # Transposed convolution turns the kernel; the block of ones doubles the side.
                spread[2 - row : 4 - row, 2 - column : 4 - column, row, column] = 1
        return spread.reshape(16, 9).to(device)
