"""Differentiable augmentation (Zhao et al. 2020), each kind with a probability per image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


class Draws:
    """One process's share of the random numbers of a batch.

    Every process draws for all and takes its own, so that two processes with half a batch each
    see the numbers that one process sees.

    Parameters
    ----------
    random : torch.Generator
        CPU generator that all draws come from, in the same state in every process.
    rank, processes : int
        Which share, of how many equal ones.
    """

    def __init__(self, random: torch.Generator, rank: int = 0, processes: int = 1) -> None:
        self._random = random
        self._rank = rank
        self._processes = processes

    def uniform(self, rows: int, count: int) -> Tensor:
        """Return ``(rows, count)`` numbers in [0, 1), of `count` images."""
        whole = torch.rand(rows, count * self._processes, generator=self._random)
        return self._share(whole, count, 1)

    def integers(self, low: int, high: int, rows: int, count: int) -> Tensor:
        """Return ``(rows, count)`` integers in [low, high), of `count` images."""
        shape = (rows, count * self._processes)
        return self._share(torch.randint(low, high, shape, generator=self._random), count, 1)

    def normal(self, count: int, length: int) -> Tensor:
        """Return ``(count, length)`` standard normal numbers, of `count` images."""
        whole = torch.randn(count * self._processes, length, generator=self._random)
        return self._share(whole, count, 0)

    def whole_number(self, high: int, length: int) -> Tensor:
        """Return ``(length,)`` integers in [0, high) that all images and processes share."""
        return torch.randint(high, (length,), generator=self._random)

    def _share(self, whole: Tensor, count: int, dim: int) -> Tensor:
        return whole.narrow(dim, self._rank * count, count)


def augment(images: Tensor, kinds: Sequence[str], probability: float, draws: Draws) -> Tensor:
    """Augment images in a way through which gradients flow.

    Parameters
    ----------
    images : Tensor
        ``(N, C, H, W)`` float in [-1, 1].
    kinds : sequence of {"translation", "cutout", "color"}
        What to apply.
    probability : float
        Chance of each kind for each image.
    draws : Draws
        Where all randomness comes from.

    Returns
    -------
    images : Tensor
        Same shape.
    """
    if probability == 0:
        return images
    for kind in kinds:
        # Draws are made for every image, applied or not: later ones do not depend on earlier.
        chosen = draws.uniform(1, images.shape[0])[0] < probability
        changed = _KINDS[kind](images, draws)
        images = torch.where(chosen.to(images.device)[:, None, None, None], changed, images)
    return images


def random_dihedral(images: Tensor, draws: Draws) -> Tensor:
    """Turn and mirror each image of ``(N, C, H, W)`` by one of the square's eight symmetries."""
    which = draws.integers(0, 8, 1, images.shape[0])[0]
    turned = torch.empty_like(images)
    for symmetry in sorted(set(which.tolist())):
        here = (which == symmetry).nonzero()[:, 0].to(images.device)
        part = torch.rot90(images[here], symmetry % 4, (2, 3))
        turned[here] = part.flip(3) if symmetry >= 4 else part
    return turned


def _color(images: Tensor, draws: Draws) -> Tensor:
    """Brightness, saturation and contrast, in this order."""
    drawn = draws.uniform(3, images.shape[0]).to(images.device)[:, :, None, None, None]
    images = images + (drawn[0] - 0.5)
    gray = images.mean(dim=1, keepdim=True)
    images = gray + (images - gray) * (2 * drawn[1])
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + drawn[2])


def _translation(images: Tensor, draws: Draws, share: float = 0.125) -> Tensor:
    """Shift by up to an eighth of the side; black sky comes in."""
    count, _, height, width = images.shape
    limit = max(1, round(min(height, width) * share))
    shifts = draws.integers(-limit, limit + 1, 2, count).to(images.device)
    rows = torch.arange(height, device=images.device)[None] - shifts[0][:, None]  # (N, H)
    columns = torch.arange(width, device=images.device)[None] - shifts[1][:, None]  # (N, W)
    # One pixel of padding stands for everything outside.
    padded = F.pad(images + 1, (1, 1, 1, 1))
    rows, columns = (rows + 1).clamp(0, height + 1), (columns + 1).clamp(0, width + 1)
    index = torch.arange(count, device=images.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2) - 1


def _cutout(images: Tensor, draws: Draws, share: float = 0.5) -> Tensor:
    """Blank a square of half the side, at a random place, to mid-gray."""
    count, _, height, width = images.shape
    centers = draws.uniform(2, count).to(images.device)[:, :, None]
    rows = torch.arange(height, device=images.device)[None] / height - centers[0]
    columns = torch.arange(width, device=images.device)[None] / width - centers[1]
    inside = (rows.abs() < share / 2)[:, :, None] & (columns.abs() < share / 2)[:, None, :]
    return images * (~inside)[:, None]


_KINDS = {"color": _color, "translation": _translation, "cutout": _cutout}
