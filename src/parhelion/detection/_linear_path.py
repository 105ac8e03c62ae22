"""A third path of the detector: a logistic regression on frequencies, added to the logit."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from torch import Tensor, nn

from parhelion.detection._spectrum import color_planes

#: Cells to a side of the grids over the frequencies of luma, and of both color differences.
_GRIDS = (32, 16, 16)
_COUNT = sum(grid**2 for grid in _GRIDS)
#: Gray levels in one unit of images in [-1, 1].
_LEVELS = 127.5
#: Added to each magnitude, in gray levels: fainter ones are rounding.
_FLOOR = 1.0


class LinearPath(nn.Module):
    """Log-magnitudes of the cosine transform, averaged over a grid, and one weight for each.

    The features are those of Frank et al. 2020 (section 3), for luma and both color differences;
    a grid from zero to the highest frequency makes them as many for every side.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(_COUNT))
        self.register_buffer("bias", torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(N,)`` float32 of ``(N, C, S, S)`` images in [-1, 1]."""
        with torch.autocast(images.device.type, enabled=False):
            logits: Tensor = dct_grids(images) @ self.weight + self.bias
            return logits

    def scale(self, factor: float) -> None:
        """Multiply its logits by a factor."""
        self.weight *= factor
        self.bias *= factor


def dct_grids(images: Tensor) -> Tensor:
    """Return the features that the path weighs.

    Parameters
    ----------
    images : Tensor
        ``(N, C, S, S)`` float in [-1, 1], C = 1 or 3.

    Returns
    -------
    features : Tensor
        ``(N, 1536)`` float32: 32 x 32 of luma, then 16 x 16 of each color difference.
    """
    planes = color_planes(images) * _LEVELS
    # The sky level tells nothing of how an image was made.
    planes = planes - planes.mean((-2, -1), keepdim=True)
    side = planes.shape[-1]
    turn = torch.from_numpy(_cosines(side)).to(planes.device)
    logarithms = ((turn @ planes @ turn.T).abs() + _FLOOR).log()
    parts = []
    for plane, grid in enumerate(_GRIDS):
        pool = torch.from_numpy(_cells(side, grid)).to(planes.device)
        parts.append((pool @ logarithms[:, plane] @ pool.T).flatten(1))
    return torch.cat(parts, 1)


@lru_cache(maxsize=32)
def _cosines(side: int) -> NDArray[np.float32]:
    """Return the orthonormal cosine transform of type II as a matrix."""
    turn: NDArray[np.float32] = dct(np.eye(side), norm="ortho", axis=0).astype(np.float32)
    return turn


@lru_cache(maxsize=64)
def _cells(side: int, grid: int) -> NDArray[np.float32]:
    """Return the ``(grid, side)`` matrix that averages each cell's frequencies.

    Where there are fewer frequencies than cells, each cell has the one that lies there.
    """
    if side < grid:
        return np.eye(side, dtype=np.float32)[np.arange(grid) * side // grid]
    cell = np.eye(grid, dtype=np.float32)[np.arange(side) * grid // side].T
    means: NDArray[np.float32] = cell / cell.sum(1, keepdims=True)
    return means
