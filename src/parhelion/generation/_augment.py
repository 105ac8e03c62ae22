"""Differentiable augmentation (Zhao et al. 2020), each kind with a probability per image."""

from collections.abc import Sequence

import torch
from torch import Generator as Random
from torch import Tensor
from torch.nn import functional as F


def augment(images: Tensor, kinds: Sequence[str], probability: float, random: Random) -> Tensor:
    """Augment images in a way through which gradients flow.

    Parameters
    ----------
    images : Tensor
        ``(N, C, H, W)`` float in [-1, 1].
    kinds : sequence of {"translation", "cutout", "color"}
        What to apply.
    probability : float
        Chance of each kind for each image.
    random : torch.Generator
        CPU generator that all draws come from.

    Returns
    -------
    images : Tensor
        Same shape.
    """
    if probability == 0:
        return images
    for kind in kinds:
        # Draws are made for every image, applied or not: later ones do not depend on earlier.
        chosen = torch.rand(images.shape[0], generator=random) < probability
        changed = _KINDS[kind](images, random)
        images = torch.where(chosen.to(images.device)[:, None, None, None], changed, images)
    return images


def random_dihedral(images: Tensor, random: Random) -> Tensor:
    """Turn and mirror each image of ``(N, C, H, W)`` by one of the square's eight symmetries."""
    which = torch.randint(8, (images.shape[0],), generator=random)
    turned = torch.empty_like(images)
    for symmetry in sorted(set(which.tolist())):
        here = (which == symmetry).nonzero()[:, 0].to(images.device)
        part = torch.rot90(images[here], symmetry % 4, (2, 3))
        turned[here] = part.flip(3) if symmetry >= 4 else part
    return turned


def _color(images: Tensor, random: Random) -> Tensor:
    """Brightness, saturation and contrast, in this order."""
    draws = torch.rand(3, images.shape[0], 1, 1, 1, generator=random).to(images.device)
    images = images + (draws[0] - 0.5)
    gray = images.mean(dim=1, keepdim=True)
    images = gray + (images - gray) * (2 * draws[1])
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + draws[2])


def _translation(images: Tensor, random: Random, share: float = 0.125) -> Tensor:
    """Shift by up to an eighth of the side; black sky comes in."""
    count, _, height, width = images.shape
    limit = max(1, round(min(height, width) * share))
    shifts = torch.randint(-limit, limit + 1, (2, count), generator=random).to(images.device)
    rows = torch.arange(height, device=images.device)[None] - shifts[0][:, None]  # (N, H)
    columns = torch.arange(width, device=images.device)[None] - shifts[1][:, None]  # (N, W)
    # One pixel of padding stands for everything outside.
    padded = F.pad(images + 1, (1, 1, 1, 1))
    rows, columns = (rows + 1).clamp(0, height + 1), (columns + 1).clamp(0, width + 1)
    index = torch.arange(count, device=images.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2) - 1


def _cutout(images: Tensor, random: Random, share: float = 0.5) -> Tensor:
    """Blank a square of half the side, at a random place, to mid-gray."""
    count, _, height, width = images.shape
    centers = torch.rand(2, count, 1, generator=random).to(images.device)
    rows = torch.arange(height, device=images.device)[None] / height - centers[0]
    columns = torch.arange(width, device=images.device)[None] / width - centers[1]
    inside = (rows.abs() < share / 2)[:, :, None] & (columns.abs() < share / 2)[:, None, :]
    return images * (~inside)[:, None]


_KINDS = {"color": _color, "translation": _translation, "cutout": _cutout}
