"""The channels of images as a gray part and colored ones."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def parted(images: Tensor) -> Tensor:
    """Return the gray part of images and their colored ones: a rotation of the channels."""
    return torch.einsum("pc,nchw->nphw", _rotation(images), images)


def joined(parts: Tensor) -> Tensor:
    """Return the images of such parts."""
    return torch.einsum("pc,nphw->nchw", _rotation(parts), parts)


def _rotation(images: Tensor) -> Tensor:
    """Return the cosine transform of the channels, the first of whose rows is their mean."""
    channels = images.shape[1]
    places = torch.arange(channels, device=images.device)
    rows = torch.cos(math.pi / channels * places[:, None] * (places + 0.5))
    return F.normalize(rows, dim=1)
