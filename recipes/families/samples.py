"""Images drawn from random numbers: Lightweight GAN, DCGAN, variational autoencoder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from fitting import half, seeded
from networks import Variational, dcgan_critic, dcgan_generator
from pixels import Pixels, Real, Row, samples
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from parhelion.generation import load_sampler
from parhelion.training import to_model, to_pixels

_BATCH = 32


def shipped(real: Real, out: Path, *, name: str | None) -> Iterator[Row]:
    """Draw 1,000 galaxies with a Lightweight GAN that was trained before."""
    sampler = load_sampler(str(name), "cpu")
    seeds = range(500_000, 500_000 + max(20, round(1000 * real.share)))
    drawn = (pixels for pixels, _ in sampler.draw(seeds, 1.0))
    recipe = {"operation": "generate", "model": Path(str(name)).name}
    return samples(out, drawn, recipe, "gan")


def dcgan(real: Real, out: Path) -> Iterator[Row]:
    """Train a DCGAN, and draw 1,500 galaxies (Radford et al. 2016)."""
    width, latent, steps = 40, 100, real.steps(5000)
    maker, critic = (
        seeded(lambda: dcgan_generator(width, latent), 31),
        seeded(lambda: dcgan_critic(width), 32),
    )
    ours = torch.optim.Adam(maker.parameters(), 2e-4, (0.5, 0.999))
    theirs = torch.optim.Adam(critic.parameters(), 2e-4, (0.5, 0.999))
    images = real.galaxies(64)
    numbers = torch.Generator().manual_seed(33)
    for _ in tqdm(range(steps), desc="dcgan", mininterval=5):
        batch = _some(images, numbers)
        codes = torch.randn(_BATCH, latent, 1, 1, generator=numbers)
        with half():
            made = maker(codes)
            # One-sided smoothing and noisy inputs keep the critic from winning outright.
            real_logits = critic(batch + 0.05 * torch.randn_like(batch))
            made_logits = critic(made.detach() + 0.05 * torch.randn_like(batch))
            loss = F.binary_cross_entropy_with_logits(
                real_logits.float(), torch.full((_BATCH,), 0.9)
            ) + F.binary_cross_entropy_with_logits(made_logits.float(), torch.zeros(_BATCH))
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        with half():
            loss = F.binary_cross_entropy_with_logits(critic(made).float(), torch.ones(_BATCH))
        ours.zero_grad()
        loss.backward()
        ours.step()
    maker.eval()

    def drawn() -> Iterator[Pixels]:
        for count in real.counts(1500):
            with torch.inference_mode():
                yield from to_pixels(maker(torch.randn(count, latent, 1, 1, generator=numbers)))

    return samples(out, drawn(), {"operation": "generate", "model": "dcgan"}, "gan")


def vae(real: Real, out: Path) -> Iterator[Row]:
    """Train a variational autoencoder, and draw 1,000 galaxies.

    Codes are drawn from the Gaussian of the training images' own, which the prior only roughly
    resembles (Ghosh et al. 2020, section 4).
    """
    network = seeded(lambda: Variational("bilinear", 24, 64), 41)
    ours = torch.optim.Adam(network.parameters(), 1e-3)
    images, numbers = real.galaxies(64), torch.Generator().manual_seed(42)
    for _ in tqdm(range(real.steps(3000)), desc="vae", mininterval=5):
        batch = _some(images, numbers)
        with half():
            made, mean, spread = network(batch, torch.randn(_BATCH, 64, generator=numbers))
        error = (made.float() - batch).square().sum((1, 2, 3)).mean() / (2 * 0.3**2)
        mean, spread = mean.float(), spread.float()
        cost = (mean.square() + spread.exp() - 1 - spread).sum(1).mean() / 2
        ours.zero_grad()
        (error + cost).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1e3)
        ours.step()
    network.eval()
    with torch.inference_mode():
        parts = torch.from_numpy(images).split(500)
        codes = torch.cat([network.encoder(to_model(part)).chunk(2, 1)[0] for part in parts])
    middle, spread = codes.mean(0), torch.linalg.cholesky(codes.T.cov() + 1e-4 * torch.eye(64))

    def drawn() -> Iterator[Pixels]:
        for count in real.counts(1000):
            chosen = middle + torch.randn(count, 64, generator=numbers) @ spread.T
            with torch.inference_mode():
                yield from to_pixels(network.decode(chosen))

    return samples(out, drawn(), {"operation": "generate", "model": "vae"}, "vae")


def _some(images: np.ndarray, numbers: torch.Generator) -> Tensor:
    chosen = torch.randint(len(images), (_BATCH,), generator=numbers).numpy()
    batch = to_model(images[chosen])
    flipped = torch.rand(_BATCH, generator=numbers) < 0.5
    batch[flipped] = batch[flipped].flip(3)
    return batch
