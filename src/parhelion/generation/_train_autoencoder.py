"""Training the autoencoder in whose maps a diffusion model works: it comes first, and resumes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from parhelion._files import write_bytes
from parhelion._progress import bar
from parhelion.errors import ModelError
from parhelion.generation._autoencoder import Autoencoder, Pixels, loss_of_autoencoder
from parhelion.generation._diffusion_settings import DiffusionSettings
from parhelion.generation._grain import Grain
from parhelion.generation._turns import draw_turns, turned
from parhelion.training import (
    Checkpoints,
    Ema,
    Interrupt,
    RunLog,
    check_finite,
    check_same_data,
    check_weights,
    data_order,
    due,
    step_generator,
    stopped,
    to_model,
)

_RATE = 1e-3  # Adam's highest; it falls to nothing along a line
_HALF_LIFE = 5_000.0  # of the averaged weights, in images
_CHUNK = 64  # images encoded at a time
_MEASURED_FILE = "measured.safetensors"  # mean and spread of the maps, and the grain
_GRAIN = "grain."
_MEASURED = 2**23  # most pixels that grain is measured on
#: Images of a step. It lacks steps more than images: 12,000 of these by eights leave half of the
#: loss that they leave by thirty-twos.
_BATCH = 8


def fit_autoencoder(
    pixels: NDArray[np.uint8],
    out: Path,
    settings: DiffusionSettings,
    fabric: Any,
    seen: str,
    *,
    resume: bool,
) -> Autoencoder:
    """Train an autoencoder on images, and measure its maps.

    Parameters
    ----------
    pixels : ndarray
        ``(N, S, S, C)`` uint8.
    out : Path
        Folder of its checkpoints and log.
    settings : DiffusionSettings
        `factor` above 1.
    fabric : Fabric
        Device and precision.
    seen : str
        Fingerprint of the data.
    resume : bool
        Go on from the newest checkpoint, or take the last one if it is finished.

    Raises
    ------
    TrainingError
        If training was interrupted; it can be resumed.
    ModelError
        If what an earlier call measured cannot be read.
    """
    torch.manual_seed(settings.seed)
    network = Autoencoder(settings)
    network.to(memory_format=torch.channels_last)
    ema = Ema(network, _HALF_LIFE)
    ema.model.to(fabric.device)
    optimizer: Any = torch.optim.Adam(network.parameters(), lr=_RATE, fused=True)
    model, optimizer = fabric.setup(network, optimizer)
    state = Checkpoints(out / "checkpoints", model=model, optimizer=optimizer, ema=ema.model)
    restored = state.restore() if resume else None
    images, wanted, batch = restored[0] if restored else 0, settings.autoencoder_images, _BATCH
    was_fitted = images >= wanted
    if restored:
        check_same_data(out, restored[1]["data"], seen)

    def keep() -> None:
        check_weights(images, network)
        state.save(images, data=seen)

    with RunLog(out, images) as log, Interrupt() as interrupt:
        progress = bar(total=wanted, initial=images, what="training autoencoder")
        while images < wanted and not interrupt.requested:
            order = data_order(len(pixels), images, batch, settings.seed)
            numbers = step_generator(settings.seed, images)
            shown = to_model(
                turned(pixels[order], draw_turns(batch, numbers, dihedral=settings.dihedral))
            )
            for group in optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, 1.25 * (1 - images / wanted))
            loss = loss_of_autoencoder(model, shown.to(fabric.device), settings, numbers)
            fabric.backward(loss)
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
            images += batch
            ema.update(network, images, batch)
            values = check_finite(images, loss=loss)
            progress.update(batch)
            if due(images, batch, settings.log_every) or images >= wanted:
                log.scalars(images, **values)
            if due(images, batch, settings.checkpoint_every) or images >= wanted:
                keep()
        progress.close()
        if images < wanted:
            keep()
            raise stopped(images, wanted, "images of the autoencoder")
    fitted: Autoencoder = ema.model.eval()  # type: ignore[assignment]
    known = _read_measured(out / _MEASURED_FILE) if was_fitted else {}
    _measure(fitted, pixels, settings, fabric, known)
    told = {
        name: weight.cpu() for name, weight in fitted.state_dict().items() if _is_measured(name)
    }
    write_bytes(out / _MEASURED_FILE, save({**known, **told}))
    return fitted


def _is_measured(name: str) -> bool:
    """Whether a buffer is measured, and not learned."""
    return name in ("mean", "spread") or name.startswith(_GRAIN)


def _read_measured(file: Path) -> dict[str, Tensor]:
    """Return what an earlier call measured; nothing if none did."""
    try:
        return load_file(file) if file.is_file() else {}
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{file} is damaged ({error}); delete it, and --resume measures anew"
        ) from error


def _measure(
    fitted: Autoencoder,
    pixels: NDArray[np.uint8],
    settings: DiffusionSettings,
    fabric: Any,
    known: Mapping[str, Tensor],
) -> None:
    """Measure maps and grain, but for what is known.

    On another device or in another precision they come out a little different, and the maps would
    change under a network that has learned them.
    """
    knows_grain = any(name.startswith(_GRAIN) for name in known)
    if settings.grain and knows_grain:
        fitted.grain = Grain(settings.channels).to(fabric.device)
    fitted.load_state_dict(known, strict=False)
    if not known:
        fitted.measure(torch.from_numpy(maps_of(fitted, pixels, fabric)))
    if settings.grain and not knows_grain:
        fitted.grain = _grain_of(fitted, pixels, settings, fabric)


@torch.no_grad()
def _grain_of(
    fitted: Autoencoder, pixels: NDArray[np.uint8], settings: DiffusionSettings, fabric: Any
) -> Grain:
    """Return the grain that images lose, measured on some of them, turned as in training."""
    count = min(len(pixels), _MEASURED // settings.image_size**2)
    chosen = np.linspace(0, len(pixels) - 1, count).round().astype(int)
    ways = draw_turns(count, step_generator(settings.seed, 0), dihedral=settings.dihedral)
    shown = turned(pixels[chosen], ways)
    maps = torch.from_numpy(maps_of(fitted, shown, fabric)).to(fabric.device)
    with fabric.autocast():
        decoded = torch.cat([fitted.decode(part).cpu() for part in torch.split(maps, _CHUNK)])
    grain = Grain(settings.channels)
    grain.measure(to_model(shown), decoded)
    return grain.to(fabric.device)


@torch.inference_mode()
def maps_of(
    space: Autoencoder | Pixels, pixels: NDArray[np.uint8], fabric: Any
) -> NDArray[np.float32]:
    """Return the maps ``(N, L, h, w)`` float32 of images ``(N, S, S, C)`` uint8."""
    parts = []
    for start in range(0, len(pixels), _CHUNK):
        with fabric.autocast():
            maps: Tensor = space.encode(to_model(pixels[start : start + _CHUNK], fabric.device))
        parts.append(maps.float().cpu().numpy())
    return np.concatenate(parts)
