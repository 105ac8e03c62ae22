"""Training the Lightweight GAN: one readable loop that stops and resumes exactly."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion._settings import save_settings, settings_dict
from parhelion.catalog import Catalog, load_pixels
from parhelion.errors import InputError
from parhelion.generation._augment import Draws
from parhelion.generation._conditions import (
    draw_classes,
    proportions,
    read_conditions,
    training_part,
)
from parhelion.generation._networks import parameter_count
from parhelion.generation._players import make_players, set_pace, set_strength
from parhelion.generation._players import step as _step
from parhelion.generation._sample import seed_latent
from parhelion.generation._settings import GanSettings
from parhelion.generation._start import save_critic, start_from
from parhelion.provenance import write_image
from parhelion.training import (
    Checkpoints,
    Ema,
    Interrupt,
    RunLog,
    agree,
    check_finite,
    check_resume,
    check_same_data,
    check_weights,
    data_order,
    due,
    find_model,
    fingerprint,
    grid,
    make_fabric,
    save_model,
    step_generator,
    stopped,
    store,
    to_model,
    to_pixels,
    together,
    warn_of_cooldown,
)

_GRID = 64
# What may differ between a run and its continuation without changing what it converges to. With
# other images its shares (--cooldown, --condition-fully) are of another whole: it may jump there.
_FREE = {
    "images",
    "device",
    "processes",
    "checkpoint_every",
    "sample_every",
    "log_every",
    "compile",
}


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
    catalog = training_part(data, settings.condition_on)
    if len(catalog) < settings.batch:
        raise InputError(
            f"{catalog.root} has {len(catalog)} images to train on, fewer than "
            f"--batch (={settings.batch}); add images or lower --batch"
        )
    conditions, targets = read_conditions(catalog.rows(), settings.condition_on)
    pixels = load_pixels(catalog, settings.image_size, channels=settings.channels)
    fabric = make_fabric(settings.device, settings.precision, settings.processes)
    players = make_players(settings, [len(names) for names in conditions.values()], fabric)
    ema = players.ema
    state = Checkpoints(
        out / "checkpoints",
        generator=players.generator,
        judge=players.judge,
        optimizer_g=players.optimizer_g,
        optimizer_d=players.optimizer_d,
        ema=ema.model,
    )
    restored = state.restore() if resume else None
    if settings.start is not None and restored is None:
        discriminator = players.judge.module.discriminator
        start_from(find_model(settings.start), players.generator.module, discriminator, conditions)
        ema.model.load_state_dict(players.generator.module.state_dict())
    images = restored[0] if restored else 0
    seen = fingerprint(
        " ".join([item["image_id"], *(str(item[name]) for name in settings.condition_on)])
        for item in catalog.rows()
    )
    if restored:
        check_same_data(out, restored[1]["data"], seen)
    if fabric.is_global_zero:
        if restored:
            warn_of_cooldown(out, settings, images)
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
            "generator_parameters": parameter_count(players.generator),
            "discriminator_parameters": parameter_count(players.judge),
        }

    def keep() -> None:
        check_weights(images, players.generator, players.judge)
        if not chief:  # all have the same weights
            return
        state.save(images, data=seen)
        save_model(out, "gan", ema.model.state_dict(), card())
        save_critic(out, players.judge.module.discriminator)

    first, began = images, time.monotonic()
    batch, chief = settings.batch, fabric.is_global_zero
    shelf, target_shelf = store(pixels, fabric.device), store(targets, fabric.device)
    with (
        together(fabric.world_size, chief),
        RunLog(out, images, silent=not chief) as log,
        Interrupt() as interrupt,
    ):
        progress = bar(total=settings.images, initial=images, what="training GAN", silent=not chief)
        stop = False
        while images < settings.images and not stop:
            order = data_order(len(pixels), images, batch, settings.seed)
            mine = torch.from_numpy(_share(order, settings, fabric)).to(shelf.device)
            draws = Draws(
                step_generator(settings.seed, images), fabric.global_rank, fabric.world_size
            )
            real = to_model(shelf[mine], fabric.device)
            labels = target_shelf[mine].to(fabric.device) if conditions else None
            set_strength(players, settings, images)
            set_pace(players.optimizer_g, settings, images, 1)
            set_pace(players.optimizer_d, settings, images, settings.discriminator_pace)
            penalize = (images // batch) % settings.penalty_every == 0
            losses = _step(players, real, labels, draws, settings, penalize=penalize)
            images += batch
            ema.update(players.generator.module, images, batch)
            progress.update(batch)
            done = images >= settings.images
            log_due = due(images, batch, settings.log_every) or done
            checkpoint_due = due(images, batch, settings.checkpoint_every)
            stop = fabric.world_size == 1 and interrupt.requested
            # To look at a number on a GPU is to wait for it.
            if log_due or checkpoint_due or fabric.device.type == "cpu":
                means, stop = agree(fabric, losses, interrupt.requested)
                values = check_finite(images, **means)
            if log_due:
                progress.set_postfix(d=f"{values['discriminator']:.2f}", refresh=False)
                log.scalars(images, **{name: round(value, 5) for name, value in values.items()})
            if chief and (due(images, batch, settings.sample_every) or done):
                _write_grid(out, log, ema, players.length, targets, images)
            if checkpoint_due:
                keep()
        progress.close()
        keep()
        fabric.barrier()
        if images < settings.images:
            raise stopped(images, settings.images)
    return out


def _share(order: NDArray[np.int64], settings: GanSettings, fabric: Any) -> NDArray[np.int64]:
    """Return this process's images of a batch: its share of each accumulated part."""
    parts = order.reshape(settings.accumulate, fabric.world_size, -1)
    return parts[:, fabric.global_rank].reshape(-1)


def _write_grid(
    out: Path,
    log: RunLog,
    ema: Ema,
    length: int,
    targets: NDArray[np.int64],
    images: int,
) -> None:
    """Draw the same seeds each time, so that one sees them grow."""
    device = next(ema.model.parameters()).device
    latents = torch.stack([seed_latent(seed, length) for seed in range(_GRID)])
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
