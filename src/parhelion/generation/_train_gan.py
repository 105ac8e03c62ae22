"""Training the Lightweight GAN: one readable loop that stops and resumes exactly."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._progress import bar
from parhelion._settings import save_settings, settings_dict
from parhelion.catalog import Catalog, load_pixels, open_catalog
from parhelion.errors import InputError, TrainingError
from parhelion.generation._augment import augment, random_dihedral
from parhelion.generation._conditions import draw_classes, proportions, read_conditions
from parhelion.generation._losses import Judge
from parhelion.generation._networks import Discriminator, parameter_count
from parhelion.generation._sample import make_generator, seed_latent
from parhelion.generation._settings import GanSettings
from parhelion.provenance import write_image
from parhelion.training import (
    Checkpoints,
    Ema,
    Interrupt,
    RunLog,
    check_finite,
    check_resume,
    check_same_data,
    data_order,
    due,
    fingerprint,
    grid,
    make_fabric,
    save_model,
    step_generator,
    to_model,
    to_pixels,
    weights_are_finite,
)

_GRID = 64
# What may differ between a run and its continuation without changing what it converges to.
_FREE = {"images", "device", "checkpoint_every", "sample_every", "log_every", "compile"}


def train_gan(
    data: Catalog | Path | str,
    out: Path | str,
    settings: GanSettings | None = None,
    *,
    resume: bool = False,
) -> Path:
    """Train a Lightweight GAN on a catalog.

    Parameters
    ----------
    data : Catalog or Path
        Real images. Where the catalog is split, only its ``train`` part is used.
    out : Path
        The run's folder: weights and card, settings, checkpoints, log, sample grids.
    settings : GanSettings, optional
        Sizes, losses, budget.
    resume : bool
        Go on from the newest checkpoint in `out`, if there is one.

    Returns
    -------
    out : Path
        The folder, ready for `generate`.

    Raises
    ------
    InputError
        If the catalog has too few images or labels, or `out` holds a run and `resume` is not
        given.
    NonFiniteLossError
        If a loss becomes infinite or NaN.
    TrainingError
        If training was interrupted; it can be resumed.
    """
    settings = settings or GanSettings()
    out = Path(out)
    check_resume(out, settings, _FREE, resume=resume)
    catalog = _training_part(data, settings)
    conditions, targets = read_conditions(catalog, settings.condition_on)
    pixels = load_pixels(catalog, settings.image_size, channels=settings.channels)
    fabric = make_fabric(settings.device, settings.precision, settings.processes)

    torch.manual_seed(settings.seed)  # the weights' random start; nothing else draws from it
    classes = tuple(len(names) for names in conditions.values())
    generator = make_generator(settings, classes)
    discriminator = Discriminator(
        settings.image_size,
        settings.width,
        settings.max_channels,
        settings.channels,
        classes,
    )
    sizes = {
        "generator_parameters": parameter_count(generator),
        "discriminator_parameters": parameter_count(discriminator),
    }
    ema = Ema(generator, settings.ema_half_life)
    for network in (generator, discriminator, ema.model):
        network.to(memory_format=torch.channels_last)
    ema.model.to(fabric.device)
    if settings.compile:
        generator.compile()
        discriminator.compile()
    generator, optimizer_g = fabric.setup(generator, _adam(generator, settings, 1))
    judge, optimizer_d = fabric.setup(
        Judge(discriminator), _adam(discriminator, settings, settings.discriminator_pace)
    )
    state = Checkpoints(
        out / "checkpoints",
        generator=generator,
        judge=judge,
        optimizer_g=optimizer_g,
        optimizer_d=optimizer_d,
        ema=ema.model,
    )
    restored = state.restore() if resume else None
    images = restored[0] if restored else 0
    seen = fingerprint(
        " ".join([item["image_id"], *(str(item[name]) for name in settings.condition_on)])
        for item in catalog.rows()
    )
    if restored:
        check_same_data(out, restored[1]["data"], seen)
    if fabric.is_global_zero:
        save_settings(out, "train gan", settings, data=_name(data))

    def card() -> dict[str, Any]:
        return {
            "settings": settings_dict(settings),
            "conditions": conditions,
            "proportions": proportions(targets),
            "data": {"catalog": _name(data), "images": len(catalog)},
            "images_seen": images,
            "images_per_second": round((images - first) / max(time.monotonic() - began, 1e-9), 2),
            "precision": str(fabric._precision.precision),
            **sizes,
        }

    def keep() -> None:
        if not fabric.is_global_zero:
            return
        if not (weights_are_finite(generator) and weights_are_finite(judge)):
            raise TrainingError(
                f"a weight is not finite after {images} images; the last good checkpoint is "
                "kept: lower --learning-rate and --resume"
            )
        state.save(images, data=seen)
        save_model(out, "gan", ema.model.state_dict(), card())

    first, began = images, time.monotonic()
    batch, local = settings.batch, settings.batch // fabric.world_size
    data_device, target_device = torch.from_numpy(pixels), torch.from_numpy(targets)
    chief = fabric.is_global_zero
    with RunLog(out, images, silent=not chief) as log, Interrupt() as interrupt:
        progress = bar(total=settings.images, initial=images, what="training GAN", silent=not chief)
        while images < settings.images and not interrupt.requested:
            order = data_order(len(pixels), images, batch, settings.seed)
            mine = torch.from_numpy(order[fabric.global_rank * local :][:local])
            random = step_generator(settings.seed, images, fabric.global_rank)
            real = to_model(data_device[mine].to(fabric.device))
            labels = target_device[mine].to(fabric.device) if conditions else None
            set_pace(optimizer_g, settings, images, 1)
            set_pace(optimizer_d, settings, images, settings.discriminator_pace)
            losses = _step(
                fabric,
                generator,
                judge,
                optimizer_g,
                optimizer_d,
                real,
                labels,
                random,
                settings,
                penalize=(images // batch) % settings.penalty_every == 0,
            )
            images += batch
            ema.update(generator.module, images, batch)
            values = check_finite(images, **losses)
            progress.update(batch)
            done = images >= settings.images
            if due(images, batch, settings.log_every) or done:
                progress.set_postfix(d=f"{values['discriminator']:.2f}", refresh=False)
                log.scalars(images, **{name: round(value, 5) for name, value in values.items()})
            if chief and (due(images, batch, settings.sample_every) or done):
                _write_grid(out, log, ema, settings, targets, images)
            if due(images, batch, settings.checkpoint_every):
                keep()
        progress.close()
        keep()
        fabric.barrier()
        if images < settings.images:
            raise TrainingError(
                f"stopped after {images} of {settings.images} images; nothing is lost: "
                "run the same command with --resume"
            )
    return out


def _step(
    fabric: Any,
    generator: Any,
    judge: Any,
    optimizer_g: Any,
    optimizer_d: Any,
    real: Tensor,
    labels: Tensor | None,
    random: torch.Generator,
    settings: GanSettings,
    *,
    penalize: bool,
) -> dict[str, Tensor]:
    """One step of both networks; the made images are drawn once and serve both."""
    latents = torch.randn(len(real), settings.latent, generator=random).to(real.device)
    crop = torch.randint(2, (2,), generator=random)
    if settings.dihedral:
        real = random_dihedral(real, random)
    chance, kinds = settings.augment_probability, settings.augmentations
    made = generator(latents, labels)

    judge.requires_grad_(True)
    shown = augment(real, kinds, chance, random)
    hidden = augment(made.detach(), kinds, chance, random)
    losses: dict[str, Tensor] = judge(hidden, labels, shown, crop, penalize=penalize)
    loss = losses["discriminator"] + losses["reconstruction"]
    if penalize:
        loss = loss + settings.penalty_weight * losses["penalty"]
    fabric.backward(loss)
    optimizer_d.step()
    optimizer_d.zero_grad()

    judge.requires_grad_(False)
    # Not through the wrapper: it would wait for gradients of weights that get none here.
    with fabric.autocast():
        losses |= judge.module(augment(made, kinds, chance, random), labels)
    fabric.backward(losses["generator"])
    optimizer_g.step()
    optimizer_g.zero_grad()
    return losses


def _adam(network: torch.nn.Module, settings: GanSettings, pace: float) -> torch.optim.Adam:
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate * pace,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )


def set_pace(optimizer: Any, settings: GanSettings, images: int, pace: float) -> None:
    """Set the learning rate of the step that begins after `images`, by `settings.cooldown`."""
    left = 1 - images / settings.images
    factor = min(1.0, left / settings.cooldown) if settings.cooldown else 1.0
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * pace * factor


def _training_part(data: Catalog | Path | str, settings: GanSettings) -> Catalog:
    catalog = data if isinstance(data, Catalog) else open_catalog(data)
    if any(catalog.column("split")):
        catalog = catalog.select(split="train")
    for column in settings.condition_on:
        named = sorted({name for name in catalog.column(column) if name})
        if not named:
            raise InputError(
                f"{catalog.root} has no {column} in any row; train without --condition-on {column}"
            )
        catalog = catalog.select(**{column: named})
    if len(catalog) < settings.batch:
        raise InputError(
            f"{catalog.root} has {len(catalog)} images to train on, fewer than "
            f"--batch (={settings.batch}); add images or lower --batch"
        )
    return catalog


def _write_grid(
    out: Path,
    log: RunLog,
    ema: Ema,
    settings: GanSettings,
    targets: NDArray[np.int64],
    images: int,
) -> None:
    """Draw the same seeds each time, so that one sees them grow."""
    device = next(ema.model.parameters()).device
    latents = torch.stack([seed_latent(seed, settings.latent) for seed in range(_GRID)])
    drawn = np.array([draw_classes(seed, proportions(targets)) for seed in range(_GRID)])
    labels = torch.from_numpy(drawn).to(device) if targets.shape[1] else None
    with torch.inference_mode():
        images_now = to_pixels(ema.model(latents.to(device), labels))
    sheet: NDArray[np.uint8] = grid(images_now)
    recipe = {"operation": "sample grid", "images_seen": images, "seeds": [0, _GRID - 1]}
    write_image(out / "samples" / f"{images:09d}.png", sheet, recipe=recipe, made=True)
    log.picture(images, "samples", sheet)


def _name(data: Catalog | Path | str) -> str:
    return str(data.root if isinstance(data, Catalog) else data)
