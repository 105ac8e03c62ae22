"""Batch normalization over all processes, on any device; torch's own needs a GPU."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable


def synchronize_batch_norm(module: nn.Module) -> None:
    """Replace every `torch.nn.BatchNorm2d` inside `module` by one over all processes.

    Names, shapes and values of the weights stay. Every process has to give equally many values.
    """
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            shared = SynchronizedBatchNorm2d(child.num_features, child.eps, child.momentum)
            shared.load_state_dict(child.state_dict())
            setattr(module, name, shared)
        else:
            synchronize_batch_norm(child)


class SynchronizedBatchNorm2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` whose batch is that of all processes together."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalize ``(N, C, H, W)`` by mean and variance over all processes' images."""
        if not self.training:
            return super().forward(x)
        values = x.float()
        count = values[:, 0].numel()
        own = values.mean(dim=(0, 2, 3))
        spread = (values - own[:, None, None]).square().sum(dim=(0, 2, 3))
        # (processes, 2, C); each process's own moments, since sums of squares lose digits
        means, spreads = _FromAll.apply(torch.stack([own, spread])).unbind(1)
        total = count * len(means)
        mean = means.mean(dim=0)
        variance = (spreads.sum(dim=0) + count * (means - mean).square().sum(dim=0)) / total
        self._follow(mean.detach(), variance.detach() * (total / (total - 1)))
        scale = self.weight / torch.sqrt(variance + self.eps)
        y: Tensor = (values - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        return y.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics as `torch.nn.functional.batch_norm` does."""
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


class _FromAll(torch.autograd.Function):
    """Stack a tensor of every process; each gets back the gradients that all have of its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, x.contiguous())
        return torch.stack(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total[distributed.get_rank()]
