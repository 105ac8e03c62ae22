"""Training an upscaler: one readable loop that stops and resumes exactly."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from parhelion._progress import bar
from parhelion._settings import save_settings, settings_dict
from parhelion.augmentation._loadable import check_loadable
from parhelion.augmentation._settings import UpscalerSettings
from parhelion.augmentation._start import start_from
from parhelion.augmentation._telescope import Observation, observed_smaller
from parhelion.augmentation._upscaler import build, hosted
from parhelion.catalog import Catalog, open_catalog
from parhelion.errors import InputError
from parhelion.training import (
    Checkpoints,
    Ema,
    Interrupt,
    PixelStore,
    RunLog,
    check_finite,
    check_resume,
    check_same_data,
    check_weights,
    data_order,
    due,
    fingerprint,
    make_fabric,
    map_ahead,
    save_model,
    stopped,
)

Pixels = NDArray[np.uint8]

# What may differ between a run and its continuation without making it another run.
_FREE = {"images", "device", "workers", "cache_mb", "log_every", "validate_every", "validate_on"}
#: Mean square error of a patch, in units of white, below which less is worth little: two gray
#: levels. Elsewhere the loss is the logarithm, so that patches of faint galaxies count as bright
#: ones do. Where half a level was the bound, and empty sky counted like galaxies, 12,000 patches
#: gained a tenth of a decibel less on central squares of validation images.
_SOFT = (2 / 255) ** 2
#: Small pixels at the edge of a patch that do not count: there the network sees its own padding,
#: which no image has, see `enlarged`.
_EDGE = 4


def train_upscaler(
    data: Sequence[Catalog | Path | str],
    out: Path | str,
    settings: UpscalerSettings | None = None,
    *,
    resume: bool = False,
) -> Path:
    """Train a small SwinIR to give back what a smaller telescope would have lost.

    Patches of observed images are the aim; the same patches, blurred, binned and made noisy as
    `UpscalerSettings` says, are what the network sees. Its loss is the logarithm of each patch's
    mean square error, which is its peak signal-to-noise ratio but for sign and scale, and but for
    errors under two gray levels, which count for less: of all the images that may be behind a
    blurred one it aims at the mean, whose flux is right.

    Parameters
    ----------
    data : sequence of Catalog or Path
        Observed images. Where a catalog is split, its train part is learned from and its
        validation part watched; its test part is not touched.
    out : Path
        The run's folder: weights and card, settings, checkpoints and log.
    settings : UpscalerSettings, optional
        Scale, network, degradation, budget.
    resume : bool
        Go on from the newest checkpoint in `out`, if there is one.

    Returns
    -------
    out : Path
        The folder, ready for `enhance`.

    Raises
    ------
    InputError
        If no observed image is large enough, or `out` holds a run and `resume` is not given.
    SettingsError
        If the network that they describe could not be loaded again.
    ModelError
        If there is no upscaler `settings.start`, or its network has other sizes.
    NonFiniteLossError
        If the loss becomes infinite or NaN.
    TrainingError
        If training was interrupted; it can be resumed.
    """
    settings, out = settings or UpscalerSettings(), Path(out)
    check_resume(out, settings, _FREE, resume=resume)
    check_loadable(settings)
    catalogs = [item if isinstance(item, Catalog) else open_catalog(item) for item in data]
    train, watched, seen = _parts(catalogs, settings)
    fabric = make_fabric(settings.device, settings.precision)
    network = build(settings)
    ema = Ema(network, settings.ema_half_life)
    ema.model.to(fabric.device)
    optimizer: Any = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    model, optimizer = fabric.setup(network, optimizer)
    state = Checkpoints(out / "checkpoints", model=model, optimizer=optimizer, ema=ema.model)
    restored = state.restore() if resume else None
    images = restored[0] if restored else 0
    started = None
    figures: dict[str, float] = {}
    if restored:
        check_same_data(out, restored[1]["data"], seen)
        started = restored[1].get("started_from")
        figures = restored[1].get("validation", {})
    elif settings.start is not None:
        started = start_from(settings.start, network, settings)
        ema.model.load_state_dict(network.state_dict())
    save_settings(out, "train upscaler", settings, data=[str(item.root) for item in catalogs])
    names = settings.data_name or ", ".join(item.root.resolve().name for item in catalogs)

    def keep() -> None:
        check_weights(images, network)
        card = {
            "settings": settings_dict(settings),
            "scale": settings.scale,
            "data": {"name": names, "images": len(train), "fingerprint": seen},
            "credits": settings.credits,
            "images_seen": images,
            "started_from": started,
            "validation": figures,
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "precision": str(fabric._precision.precision),
        }
        save_model(out, "upscaler", ema.model.state_dict(), card)
        # The checkpoint last: what it says was done needs not be done again.
        state.save(images, data=seen, started_from=started, validation=figures)

    store = PixelStore(None, settings.cache_mb)
    batches = training_batches(train, store, settings, images)
    with RunLog(out, images) as log, Interrupt() as interrupt:
        progress = bar(total=settings.images, initial=images, what="training upscaler")
        try:
            while images < settings.images and not interrupt.requested:
                small, large = next(batches)
                for group in optimizer.param_groups:
                    group["lr"] = _rate(images, settings)
                loss = _step(fabric, model, optimizer, small, large)
                images += settings.batch
                ema.update(network, images, settings.batch)
                values = check_finite(images, loss=loss)
                progress.update(settings.batch)
                if due(images, settings.batch, settings.log_every):
                    log.scalars(images, **values)
                if (
                    due(images, settings.batch, settings.validate_every)
                    or images >= settings.images
                ):
                    figures = _validate(ema.model, watched, store, settings, fabric.device)
                    log.scalars(images, **figures)
                    progress.set_postfix(gain=f"{figures.get('gain', 0):.2f} dB", refresh=False)
                    keep()
        finally:
            batches.close()
            progress.close()
        if interrupt.requested:
            keep()
            raise stopped(images, settings.images, "patches")
    return out


def training_batches(
    files: Sequence[Path], store: PixelStore, settings: UpscalerSettings, start: int = 0
) -> Generator[tuple[Pixels, Pixels], None, None]:
    """Yield small and large patches without end, a function of seed and position alone.

    Yields
    ------
    small, large : ndarray
        ``(batch, S, S, 3)`` and ``(batch, scale S, scale S, 3)`` uint8.
    """

    def look(place: int) -> tuple[Pixels, Pixels]:
        (index,) = data_order(len(files), place, 1, settings.seed)
        rng = np.random.default_rng([settings.seed, place])
        large = _cut(store.load(files[int(index)]), settings.scale * settings.patch, rng)
        observation = Observation.drawn(settings, rng)
        return observed_smaller(large, settings.scale, observation, rng), large

    drawn = map_ahead(look, _count(start), workers=settings.workers, depth=3 * settings.batch)
    with closing(drawn):
        while True:
            pairs = list(islice(drawn, settings.batch))
            yield np.stack([small for small, _ in pairs]), np.stack([large for _, large in pairs])


def _count(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def _cut(pixels: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """Return a random square of an image, turned and mirrored at random."""
    top, left = (int(rng.integers(length - side + 1)) for length in pixels.shape[:2])
    turns, is_mirrored = int(rng.integers(4)), bool(rng.integers(2))
    square = pixels[top : top + side, left : left + side]
    if square.shape[-1] == 1:
        square = np.repeat(square, 3, -1)
    square = np.rot90(square[:, ::-1] if is_mirrored else square, turns)
    return np.ascontiguousarray(square)


def _parts(
    catalogs: Sequence[Catalog], settings: UpscalerSettings
) -> tuple[list[Path], list[Path], str]:
    """Return the files to learn from, with their fingerprint, and those to watch.

    They are observed, and large enough.
    """
    least = settings.scale * settings.patch
    train, watched, names = [], [], []
    for catalog in catalogs:
        for path, item in zip(catalog.files(), catalog.rows(), strict=True):
            if item["origin"] != "observed" or min(item["width"], item["height"]) < least:
                continue
            if item["split"] in (None, "train"):
                train.append(path)
                names.append(item["image_id"])
            elif item["split"] == "validation":
                watched.append(path)
    if not train:
        raise InputError(
            f"no observed image of at least {least} pixels a side to learn from in "
            f"{', '.join(str(item.root) for item in catalogs)}; give other catalogs, or lower "
            f"--patch (={settings.patch})"
        )
    chosen = watched[:: max(1, -(-len(watched) // settings.validate_on))]
    return train, chosen, fingerprint(names)


def _step(fabric: Any, model: Any, optimizer: Any, small: Pixels, large: Pixels) -> Tensor:
    aim = _unit(large, fabric.device)
    edge = _EDGE * large.shape[1] // small.shape[1]
    error = model(_unit(small, fabric.device)).float() - aim
    error = error[..., edge:-edge, edge:-edge]
    loss: Tensor = (error.square().mean((1, 2, 3)) + _SOFT).log().mean()
    fabric.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss


def _unit(pixels: Pixels, device: torch.device) -> Tensor:
    """Turn ``(N, H, W, 3)`` uint8 into ``(N, 3, H, W)`` float32 in [0, 1], as SwinIR has it."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float().div(255)


def _rate(images: int, settings: UpscalerSettings) -> float:
    left = 1 - images / settings.images
    return settings.learning_rate * min(1.0, left / settings.cooldown if settings.cooldown else 1.0)


def _validate(
    model: Any,
    watched: Sequence[Path],
    store: PixelStore,
    settings: UpscalerSettings,
    device: torch.device,
) -> dict[str, float]:
    """Return the peak signal-to-noise ratio of central squares, and its gain over bicubic, dB."""
    if not watched:
        return {}
    upscaler = hosted(model, settings, device)
    side = settings.scale * settings.patch
    ours, bicubic = [], []
    for number, path in enumerate(watched):
        pixels = store.load(path)
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        large = pixels[top : top + side, left : left + side]
        large = np.repeat(large, 3, -1) if large.shape[-1] == 1 else large
        rng = np.random.default_rng([settings.seed, 1, number])
        observation = Observation.drawn(settings, rng)
        small = observed_smaller(large, settings.scale, observation, rng)
        inner = slice(settings.scale * _EDGE, -settings.scale * _EDGE)
        ours.append(_psnr(upscaler.enlarge(small[None])[0, inner, inner], large[inner, inner]))
        grown = F.interpolate(
            _unit(small[None], device), scale_factor=settings.scale, mode="bicubic"
        )
        plain = grown.clamp(0, 1).mul(255)[0].permute(1, 2, 0).cpu().numpy()
        bicubic.append(_psnr(plain[inner, inner], large[inner, inner]))
    return {
        "psnr": round(float(np.mean(ours)), 3),
        "psnr_bicubic": round(float(np.mean(bicubic)), 3),
        "gain": round(float(np.mean(ours) - np.mean(bicubic)), 3),
    }


def _psnr(found: NDArray[np.float32], aim: Pixels) -> float:
    error = float(np.square(found - aim.astype(np.float32)).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-6)))
