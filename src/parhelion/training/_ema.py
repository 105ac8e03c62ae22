"""An exponential moving average of a network's weights, with a half-life counted in images."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """Average of a network's parameters and floating-point buffers.

    Parameters
    ----------
    model : torch.nn.Module
        The network to follow; a copy in evaluation mode becomes `self.model`.
    half_life : float
        Number of images after which a weight's influence has halved.
    ramp_up : float
        While few images have been seen the half-life is at most this share of them, so that
        a short run is not dominated by its random start (Karras et al. 2024, EDM2).
    """

    def __init__(self, model: nn.Module, half_life: float, ramp_up: float = 0.05) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.half_life = half_life
        self.ramp_up = ramp_up

    @torch.no_grad()
    def update(self, model: nn.Module, images: int, batch: int) -> None:
        """Move towards `model` after a step of `batch` images, `images` having been seen."""
        half_life = min(self.half_life, max(images * self.ramp_up, 1e-8))
        weight = 1.0 - 0.5 ** (batch / half_life)
        mine, theirs = _averaged(self.model), _averaged(model)
        torch._foreach_lerp_(mine, theirs, weight)
        for own, other in zip(self.model.buffers(), model.buffers(), strict=True):
            if not own.is_floating_point():
                own.copy_(other)


def _averaged(model: nn.Module) -> list[Tensor]:
    buffers = [b for b in model.buffers() if b.is_floating_point()]
    return [*model.parameters(), *buffers]
