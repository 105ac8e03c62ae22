"""The two networks with their optimizers, and one training step of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from parhelion.generation._augment import Draws, augment, random_dihedral
from parhelion.generation._losses import Judge
from parhelion.generation._networks import Conditions, Discriminator
from parhelion.generation._sample import make_generator
from parhelion.generation._settings import GanSettings
from parhelion.training import Ema, synchronize_batch_norm


@dataclass(frozen=True)
class Players:
    """Networks and optimizers as `lightning_fabric` wraps them, and the averaged generator.

    `length` is how many random numbers the generator takes to an image.
    """

    fabric: Any
    generator: Any
    judge: Any
    optimizer_g: Any
    optimizer_d: Any
    ema: Ema
    length: int


def make_players(settings: GanSettings, classes: Sequence[int], fabric: Any) -> Players:
    """Return networks at their start, which `settings.seed` alone decides.

    Parameters
    ----------
    settings : GanSettings
        Sizes and learning rates.
    classes : sequence of int
        Number of classes of each condition.
    fabric : lightning_fabric.Fabric
        Device, precision and processes.
    """
    torch.manual_seed(settings.seed)  # the weights' random start; nothing else draws from it
    generator = make_generator(settings, tuple(classes))
    discriminator = Discriminator(
        settings.image_size,
        settings.discriminator_width or settings.width,
        settings.max_channels,
        settings.channels,
        tuple(classes),
    )
    length, ema = generator.inputs, Ema(generator, settings.ema_half_life)
    if fabric.world_size > 1:
        synchronize_batch_norm(generator)
        synchronize_batch_norm(discriminator)
    for network in (generator, discriminator, ema.model):
        network.to(memory_format=torch.channels_last)
    ema.model.to(fabric.device)
    if settings.compile:
        generator.compile()
        discriminator.compile()
    judge = Judge(discriminator, penalize_made=settings.penalize_made)
    pace = settings.discriminator_pace
    generator, optimizer_g = fabric.setup(generator, _adam(generator, settings, 1))
    judge, optimizer_d = fabric.setup(judge, _adam(judge, settings, pace))
    return Players(fabric, generator, judge, optimizer_g, optimizer_d, ema, length)


def step(
    players: Players,
    real: Tensor,
    labels: Tensor | None,
    draws: Draws,
    settings: GanSettings,
    *,
    penalize: bool,
) -> dict[str, Tensor]:
    """Take one step with both networks.

    Made images are drawn once and serve both. With ``settings.accumulate`` above 1 they are
    drawn again for the generator, since keeping their graphs is what accumulation avoids, and
    batch statistics are those of each part.

    Parameters
    ----------
    players : Players
        What learns.
    real : Tensor
        ``(N, C, H, W)`` float in [-1, 1]: this process's share of the batch, part after part.
    labels : Tensor or None
        ``(N, K)`` int64 class indices.
    draws : Draws
        Where all randomness comes from.
    settings : GanSettings
        Losses, augmentations, parts.
    penalize : bool
        Whether this step has the gradient penalty.

    Returns
    -------
    losses : dict
        Means over this process's share.
    """
    count = settings.accumulate
    latents, losses = [], []
    made = real  # replaced below, and kept for the generator where there is one part only
    classes = [None] * count if labels is None else labels.chunk(count)
    players.judge.requires_grad_(True)
    for index, part in enumerate(real.chunk(count)):
        last = index == count - 1
        latents.append(draws.normal(len(part), players.length).to(real.device))
        crop = draws.whole_number(2, 2)
        shown = random_dihedral(part, draws) if settings.dihedral else part
        with torch.set_grad_enabled(count == 1):
            made = players.generator(latents[index], classes[index])
        with players.fabric.no_backward_sync(players.judge, enabled=not last):
            terms = _discriminator_terms(
                players, made, shown, classes[index], crop, draws, settings, penalize=penalize
            )
        losses.append(terms)
    players.optimizer_d.step()
    players.optimizer_d.zero_grad()

    players.judge.requires_grad_(False)
    for index in range(count):
        last = index == count - 1
        with players.fabric.no_backward_sync(players.generator, enabled=not last):
            if count > 1:
                made = players.generator(latents[index], classes[index])
            shown = augment(made, settings.augmentations, settings.augment_probability, draws)
            # Not through the wrapper: it would wait for gradients of weights that get none here.
            with players.fabric.autocast():
                terms = players.judge.module(shown, classes[index])
            players.fabric.backward(terms["generator"] / count)
        losses[index] |= terms
    players.optimizer_g.step()
    players.optimizer_g.zero_grad()
    return {
        name: torch.stack([terms[name].detach() for terms in losses]).mean() for name in losses[0]
    }


def _discriminator_terms(
    players: Players,
    made: Tensor,
    real: Tensor,
    labels: Tensor | None,
    crop: Tensor,
    draws: Draws,
    settings: GanSettings,
    *,
    penalize: bool,
) -> dict[str, Tensor]:
    """Compute the discriminator's losses on one part, and add their gradients."""
    chance, kinds = settings.augment_probability, settings.augmentations
    shown = augment(real, kinds, chance, draws)
    hidden = augment(made.detach(), kinds, chance, draws)
    terms: dict[str, Tensor] = players.judge(hidden, labels, shown, crop, penalize=penalize)
    loss = terms["discriminator"] + terms["reconstruction"]
    if penalize:
        loss = loss + settings.penalty_weight * terms["penalty"]
    players.fabric.backward(loss / settings.accumulate)
    return terms


def set_pace(optimizer: Any, settings: GanSettings, images: int, pace: float) -> None:
    """Set the learning rate of the step that begins after `images`, by `settings.cooldown`."""
    left = 1 - images / settings.images
    factor = min(1.0, left / settings.cooldown) if settings.cooldown else 1.0
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * pace * factor


def set_strength(players: Players, settings: GanSettings, images: int) -> None:
    """Set how much the conditions count in the step that begins after `images`."""
    done, begin, full = images / settings.images, settings.condition_from, settings.condition_fully
    strength = 1.0 if done >= full else max(0.0, (done - begin) / (full - begin))
    for network in (players.generator, players.judge, players.ema.model):
        for part in network.modules():
            if isinstance(part, Conditions):
                part.strength.fill_(strength)


def _adam(network: torch.nn.Module, settings: GanSettings, pace: float) -> torch.optim.Adam:
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate * pace,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )
