"""Training a diffusion model: one readable loop that stops and resumes exactly."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._progress import bar
from parhelion._settings import save_settings, settings_dict
from parhelion.catalog import Catalog, load_pixels
from parhelion.generation._autoencoder import SPACE, Autoencoder, Pixels
from parhelion.generation._conditions import proportions, read_conditions, training_part
from parhelion.generation._diffusion import DiffusionNetwork, denoise, guided, loss_of, schedule
from parhelion.generation._diffusion_settings import DiffusionSettings
from parhelion.generation._networks import parameter_count
from parhelion.generation._train_autoencoder import fit_autoencoder, maps_of
from parhelion.generation._turns import draw_turns, turned
from parhelion.provenance import write_image
from parhelion.training import (
    Checkpoints,
    Ema,
    Interrupt,
    RunLog,
    check_finite,
    check_resume,
    check_same_data,
    check_weights,
    class_order,
    data_order,
    due,
    fingerprint,
    grid,
    make_fabric,
    save_model,
    step_generator,
    stopped,
    to_model,
    to_pixels,
    warn_of_cooldown,
)

# What may differ between a run and its continuation without changing what it converges to. Grain is
# put on what the network makes; with other images the learning rate falls towards another end, and
# may jump.
_FREE = {"images", "grain", "device", "checkpoint_every", "sample_every", "log_every"}
#: Where checkpoints lie: the network's, and those of the autoencoder, which come first.
_AUTOENCODER = "autoencoder"
_FOLDERS = ("checkpoints", f"{_AUTOENCODER}/checkpoints")
_GRID, _STEPS, _GUIDANCE = 64, 20, 2.0  # of the sheets that show how training goes


def train_diffusion(
    data: Sequence[Catalog | Path | str],
    out: Path | str,
    settings: DiffusionSettings | None = None,
    *,
    resume: bool = False,
) -> Path:
    """Train a diffusion model on catalogs (Karras et al. 2022, EDM).

    It works on pixels, or on the maps of an autoencoder (Rombach et al. 2022), which is trained
    first on the same images.

    Parameters
    ----------
    data : sequence of Catalog or Path
        Real images. Where a catalog is split, only its ``train`` part is used.
    out : Path
        The run's folder: weights and card, settings, checkpoints, log, sample grids.
    settings : DiffusionSettings, optional
        Sizes, conditions, noise, budget.
    resume : bool
        Go on from the newest checkpoint in `out`, if there is one.

    Returns
    -------
    out : Path
        The folder, ready for `generate` and `vary`.

    Raises
    ------
    InputError
        If there are no images or labels, or `out` holds a run and `resume` is not given.
    NonFiniteLossError
        If the loss becomes infinite or NaN.
    TrainingError
        If training was interrupted; it can be resumed.
    """
    settings, out = settings or DiffusionSettings(), Path(out)
    check_resume(out, settings, _FREE, resume=resume, folders=_FOLDERS)
    catalogs = [training_part(item, settings.condition_on) for item in data]
    rows = [item for catalog in catalogs for item in catalog.rows()]
    conditions, targets = read_conditions(rows, settings.condition_on)
    combinations = proportions(targets)
    kinds = _kinds(targets, combinations)
    pixels = np.concatenate(
        [
            load_pixels(catalog, settings.image_size, channels=settings.channels)
            for catalog in catalogs
        ]
    )
    fabric = make_fabric(settings.device, settings.precision)
    torch.manual_seed(settings.seed)
    classes = len(combinations) if conditions else 0
    network = DiffusionNetwork(settings, classes)
    network.to(memory_format=torch.channels_last)
    ema = Ema(network, settings.ema_half_life)
    ema.model.to(fabric.device)
    optimizer: Any = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), fused=True
    )
    model, optimizer = fabric.setup(network, optimizer)
    state = Checkpoints(out / "checkpoints", model=model, optimizer=optimizer, ema=ema.model)
    restored = state.restore() if resume else None
    images = restored[0] if restored else 0
    seen = _seen(rows, settings.condition_on)
    if restored:
        check_same_data(out, restored[1]["data"], seen)
        warn_of_cooldown(out, settings, images)
    roots = [str(catalog.root) for catalog in catalogs]
    save_settings(out, "train diffusion", settings, data=roots)
    space = (
        Pixels()
        if settings.factor == 1
        else fit_autoencoder(pixels, out / _AUTOENCODER, settings, fabric, seen, resume=resume)
    )
    shown = _Shown(pixels, space, settings, fabric)

    def keep() -> None:
        check_weights(images, network)
        state.save(images, data=seen)
        card = {
            "settings": settings_dict(settings),
            "conditions": conditions,
            "proportions": combinations,
            "data": {
                "name": settings.data_name or ", ".join(Path(root).name for root in roots),
                "images": len(rows),
                "fingerprint": seen,
            },
            "credits": settings.credits,
            "images_seen": images,
            "precision": str(fabric._precision.precision),
            "parameters": parameter_count(network) + parameter_count(space),
        }
        mine = {SPACE + name: weight for name, weight in space.state_dict().items()}
        save_model(out, "diffusion", {**ema.model.state_dict(), **mine}, card)

    batch = settings.batch
    with RunLog(out, images) as log, Interrupt() as interrupt:
        progress = bar(total=settings.images, initial=images, what="training diffusion")
        while images < settings.images and not interrupt.requested:
            order = _order(kinds, images, settings)
            numbers = step_generator(settings.seed, images)
            torch.manual_seed(numbers.initial_seed())  # what dropout draws from
            maps = shown.take(order, numbers)
            labels = torch.from_numpy(kinds[order]).to(fabric.device) if classes else None
            for group in optimizer.param_groups:
                group["lr"] = _rate(images, settings)
            loss = loss_of(model, maps, labels, classes, settings, numbers)
            fabric.backward(loss)
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
            images += batch
            ema.update(network, images, batch)
            values = check_finite(images, loss=loss)
            progress.update(batch)
            done = images >= settings.images
            if due(images, batch, settings.log_every) or done:
                log.scalars(images, **values)
            if due(images, batch, settings.sample_every) or done:
                with fabric.autocast():
                    _write_grid(
                        out, log, ema, space, settings, combinations if classes else [], images
                    )
            if due(images, batch, settings.checkpoint_every):
                keep()
        progress.close()
        keep()
        if images < settings.images:
            raise stopped(images, settings.images)
    return out


def trained_on(data: Sequence[Catalog | Path | str], condition_on: Sequence[str] = ()) -> str:
    """Return what the card of a model says of its data (``fingerprint``), were it taught on these.

    So one can tell that a model learned from the train part of certain catalogs and from nothing
    else.

    Parameters
    ----------
    data, condition_on
        As in `train_diffusion` and its settings.
    """
    catalogs = [training_part(item, condition_on) for item in data]
    return _seen([item for catalog in catalogs for item in catalog.rows()], condition_on)


def _seen(rows: Sequence[Mapping[str, Any]], condition_on: Sequence[str]) -> str:
    return fingerprint(
        " ".join([item["image_id"], *(str(item[name]) for name in condition_on)]) for item in rows
    )


def _kinds(targets: NDArray[np.int64], combinations: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Return the combination of classes that each image has, by number: ``(N,)`` int64."""
    number = {tuple(row[:-1]): place for place, row in enumerate(combinations)}
    return np.array([number[tuple(map(int, row))] for row in targets], np.int64)


def _order(kinds: NDArray[np.int64], images: int, settings: DiffusionSettings) -> NDArray[np.int64]:
    """Return the images of a batch, by number."""
    batch, seed = settings.batch, settings.seed
    if settings.balance == "images":
        return data_order(len(kinds), images, batch, seed)
    return class_order(kinds, int(kinds.max()) + 1, images, batch, seed)


class _Shown:
    """What the network is shown: images, or their maps, each turned and mirrored at random.

    Maps are computed once, of all eight ways: 8 times the memory of one map of each image.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        space: Pixels | Autoencoder,
        settings: DiffusionSettings,
        fabric: Any,
    ) -> None:
        self._pixels, self._settings, self._device = pixels, settings, fabric.device
        self._maps: list[NDArray[np.float32]] = []
        if settings.factor > 1:
            ways = range(8 if settings.dihedral else 1)
            self._maps = [
                maps_of(space, turned(pixels, [way] * len(pixels)), fabric) for way in ways
            ]

    def take(self, order: NDArray[np.int64], numbers: torch.Generator) -> Tensor:
        """Return ``(N, C, h, w)`` float32 of these images, on the device."""
        ways = draw_turns(len(order), numbers, dihedral=self._settings.dihedral)
        if not self._maps:
            return to_model(turned(self._pixels[order], ways), self._device)
        chosen = [self._maps[way][index] for way, index in zip(ways, order, strict=True)]
        return torch.from_numpy(np.stack(chosen)).to(self._device)


def _rate(images: int, settings: DiffusionSettings) -> float:
    """Return the learning rate of a step: a linear rise, a plateau, a linear fall."""
    rise = (images + settings.batch) / (settings.warmup + settings.batch)
    left = 1 - images / settings.images
    fall = left / settings.cooldown if settings.cooldown else 1.0
    return settings.learning_rate * min(1.0, rise, fall)


@torch.inference_mode()
def _write_grid(
    out: Path,
    log: RunLog,
    ema: Ema,
    space: Pixels | Autoencoder,
    settings: DiffusionSettings,
    combinations: Sequence[Sequence[int]],
    images: int,
) -> None:
    """Draw the same noise each time, the classes in turn, so that one sees them grow."""
    network: Any = ema.model
    device = next(network.parameters()).device
    numbers = torch.Generator().manual_seed(settings.seed)
    noise = torch.randn(_GRID, *settings.map_shape, generator=numbers).to(device)
    white = None
    if space.grain is not None:
        shape = space.grain.shape_for(settings.image_size)
        white = torch.randn(_GRID, *shape, generator=numbers).to(device)
    labels: Tensor | None = None
    if combinations:
        labels = (torch.arange(_GRID) % len(combinations)).to(device)
    sigmas = schedule(_STEPS)
    guidance = _GUIDANCE if settings.can_guide else 1.0
    drawn = denoise(guided(network, labels, guidance), noise * sigmas[0], sigmas)
    sheet: NDArray[np.uint8] = grid(to_pixels(space.decode(drawn, white)))
    recipe = {"operation": "sample grid", "images_seen": images, "seed": settings.seed}
    write_image(out / "samples" / f"{images:09d}.png", sheet, recipe=recipe, made=True)
    log.picture(images, "samples", sheet)
