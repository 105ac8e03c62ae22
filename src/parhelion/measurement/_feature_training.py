"""The feature network that the project trains itself, where no pretrained one is given.

A small convolutional network learns to tell the real images apart whatever their orientation,
position and scale (instance discrimination with the NT-Xent loss: Chen et al. 2020, SimCLR,
eq. 1). Its features are taken at every depth: shallow ones see noise, blur and compression,
deep ones see shape. Whitening makes the rare directions, where most faults of a generator
are, count as much as brightness and size do.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion._progress import bar
from parhelion.training import one_thread

#: Side, in pixels, at which the network looks at images.
SIZE = 64
WIDTHS = (16, 32, 64, 128)
#: Two per channel, the mean and the spread over the image.
DIMENSION = 2 * sum(WIDTHS)
#: The loss has leveled off by then, for some hundred galaxies.
STEPS = 200
BATCH = 64
LEARNING_RATE = 2e-3
TEMPERATURE = 0.2

_EMBEDDING = 64
_DETAIL_GAIN = 8.0
_SHRINKAGE = 0.1


class FeatureTrunk(nn.Module):
    """Four stages of two convolutions, each halving the side; features from all of them."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (4, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            _stage(before, after) for before, after in zip(inputs, WIDTHS, strict=True)
        )
        self.center: Tensor
        self.whiten: Tensor
        self.register_buffer("center", torch.zeros(DIMENSION))
        self.register_buffer("whiten", torch.eye(DIMENSION))

    def activations(self, images: Tensor) -> list[Tensor]:
        """Map ``(N, 3, S, S)`` float32 in [0, 1] to the output of every stage."""
        gray = images.mean(1, keepdim=True)
        smooth = F.avg_pool2d(F.pad(gray, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
        # The finest detail is faint in astronomical images, and the first thing to go wrong.
        x = torch.cat([images * 2 - 1, _DETAIL_GAIN * (gray - smooth)], 1)  # (N, 4, S, S)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs

    def pooled(self, images: Tensor) -> Tensor:
        """Map ``(N, 3, S, S)`` to the mean and spread of every channel ``(N, DIMENSION)``."""
        outputs = self.activations(images)
        means = [x.mean((2, 3)) for x in outputs]
        return torch.cat([*means, *(x.std((2, 3)) for x in outputs)], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(N, 3, S, S)`` float32 in [0, 1] to features of length sqrt(DIMENSION).

        Equal lengths keep one outlier from ruling the kernel of a distance.
        """
        white = (self.pooled(images) - self.center) @ self.whiten
        return F.normalize(white, dim=1) * math.sqrt(DIMENSION)  # (N, DIMENSION)


def train_trunk(images: NDArray[np.uint8], *, seed: int, steps: int = STEPS) -> FeatureTrunk:
    """Train a `FeatureTrunk` on real images; the same seed gives the same weights.

    Parameters
    ----------
    images : ndarray
        ``(N, SIZE, SIZE, 3)`` uint8, at least 2.
    seed : int
        Seed of weights, order and augmentations.
    steps : int
        Batches of up to `BATCH` images, each seen in two views.
    """
    generator = torch.Generator().manual_seed(seed)
    data = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255  # (N, 3, S, S) in [0, 1]
    # Modules draw their first weights from the global generator: leave it as it was found.
    with torch.random.fork_rng(devices=[]):
        trunk = FeatureTrunk()
        head = nn.Sequential(
            nn.Linear(WIDTHS[-1], WIDTHS[-1]), nn.ReLU(), nn.Linear(WIDTHS[-1], _EMBEDDING)
        )
    model = nn.ModuleList([trunk, head])
    _initialize(model, generator)
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    batch = min(BATCH, len(data))
    order = torch.empty(0, dtype=torch.long)
    model.train()
    with one_thread(), bar(total=steps * batch, what="learning features") as progress:
        for step in range(steps):
            if len(order) < batch:
                order = torch.randperm(len(data), generator=generator)
            chosen, order = data[order[:batch]], order[batch:]
            views = torch.cat([augment(chosen, generator), augment(chosen, generator)])
            deepest = trunk.activations(views.contiguous(memory_format=torch.channels_last))[-1]
            loss = nt_xent(head(deepest.mean((2, 3))))
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            progress.update(batch)
    # As a network is that was loaded from its file: the same bytes in, the same bytes out.
    trunk.to(memory_format=torch.contiguous_format).eval()
    _whiten(trunk, data)
    return trunk


def nt_xent(embeddings: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Return the normalized, temperature-scaled cross entropy (Chen et al. 2020, eq. 1).

    Parameters
    ----------
    embeddings : Tensor
        ``(2 N, E)``; rows ``i`` and ``N + i`` are two views of one image.
    temperature : float
        Divides the cosine similarities.
    """
    unit = F.normalize(embeddings, dim=1)
    similarity = unit @ unit.T / temperature
    similarity = similarity.masked_fill(torch.eye(len(unit), dtype=torch.bool), -math.inf)
    half = len(unit) // 2
    partner = torch.cat([torch.arange(half, 2 * half), torch.arange(half)])
    return F.cross_entropy(similarity, partner)


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return what a telescope could have seen as well: ``(N, 3, S, S)`` in [0, 1].

    One of the eight rotations and flips; a shift of up to 6 % and a zoom of up to 12 %; up to
    15 % brighter or fainter; noise of up to one gray level. Color is kept: it is physics.
    More noise would teach the network to look past it.
    """
    count = len(images)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    quarter = torch.randint(4, (count,), generator=generator).float() * (math.pi / 2)
    flip = torch.randint(2, (count,), generator=generator).float() * 2 - 1
    zoom = uniform(0.88, 1.12)
    cos, sin = quarter.cos().round() * zoom, quarter.sin().round() * zoom
    shift = uniform(-0.12, 0.12, 2)  # in half-sides, the unit of affine_grid
    transform = torch.stack(
        [
            torch.stack([cos * flip, -sin, shift[:, 0]], 1),
            torch.stack([sin * flip, cos, shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(transform, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    brighter = moved * uniform(0.85, 1.15, 1, 1, 1)
    noise = torch.randn(images.shape, generator=generator) * uniform(0, 1 / 255, 1, 1, 1)
    return (brighter + noise).clamp(0, 1)


def _stage(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def _initialize(model: nn.Module, generator: torch.Generator) -> None:
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@torch.no_grad()
def _whiten(trunk: FeatureTrunk, data: Tensor) -> None:
    """Set the linear map that makes the features of `data` uncorrelated, nearly of variance 1.

    There may be fewer images than features: a part of the mean variance is added to each
    (shrinkage), so that directions without data are not blown up.
    """
    pooled = torch.cat([trunk.pooled(part) for part in torch.split(data, BATCH)]).double()
    spread = pooled.std(0)
    spread = spread.clamp_min(1e-3 * float(spread.max()))  # dead units stay dead
    standard = (pooled - pooled.mean(0)) / spread
    variances, axes = torch.linalg.eigh(standard.T @ standard / (len(data) - 1))
    variances = variances.clamp_min(0) + _SHRINKAGE * variances.mean()
    trunk.center.copy_(pooled.mean(0))
    trunk.whiten.copy_((axes / variances.sqrt()) @ axes.T / spread[:, None])
