"""How the small networks learn: one loop, with an adversary where that is asked for."""

from collections.abc import Callable, Iterator

import torch
from networks import patch_critic
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

#: Share of a run after which the adversary joins, and how much it weighs.
_ADVERSARY_FROM, _ADVERSARY_WEIGHT = 0.4, 0.05


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return a network whose starting weights are a function of the seed."""
    torch.manual_seed(seed)
    return build().to(memory_format=torch.channels_last)


def half() -> torch.autocast:
    """Return the arithmetic of all training here."""
    return torch.autocast("cpu", torch.bfloat16)


def fit(
    network: nn.Module,
    pairs: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    what: str,
    *,
    adversary: bool = False,
    rate: float = 1e-3,
) -> None:
    """Teach a network to turn the first of each pair into the second: least absolute difference.

    With an adversary, a critic of patches asks for what the mean of all likely images lacks:
    noise and fine detail (Esser et al. 2021, section 3.1, without its perceptual loss).
    """
    critic = seeded(lambda: patch_critic(24), 1) if adversary else None
    ours = torch.optim.Adam(network.parameters(), rate, (0.5, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(ours, rate, steps, pct_start=0.1)
    theirs = torch.optim.Adam(critic.parameters(), 5e-4, (0.5, 0.99)) if critic else None
    network.train()
    for step in tqdm(range(steps), desc=what, mininterval=5):
        given, wanted = next(pairs)
        joined = critic is not None and step >= _ADVERSARY_FROM * steps
        with half():
            made = network(given).float()
            loss = (made - wanted).abs().mean()
            if joined:
                loss = loss - _ADVERSARY_WEIGHT * critic(made).float().mean()
        ours.zero_grad()
        loss.backward()
        ours.step()
        schedule.step()
        if joined:
            with half():
                real, fake = critic(wanted).float(), critic(made.detach()).float()
            theirs.zero_grad()
            (F.relu(1 - real).mean() + F.relu(1 + fake).mean()).backward()
            theirs.step()
    network.eval()
