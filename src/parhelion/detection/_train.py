"""Training the detector: one readable loop that stops early, and resumes exactly."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.catalog import Catalog
from parhelion.detection._batches import training_batches
from parhelion.detection._data import (
    Sample,
    catalog_name,
    check_classes,
    counts,
    gather,
    judged_views,
    pixel_store,
    some,
    validation_chain,
)
from parhelion.detection._figures import auc, balanced_accuracy, balanced_loss
from parhelion.detection._finish import finish, half_digits
from parhelion.detection._model import build
from parhelion.detection._predict import means
from parhelion.detection._settings import DetectorSettings
from parhelion.detection._start import start_from
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
    due,
    fingerprint,
    make_fabric,
    stopped,
    to_model,
)

_log = logging.getLogger(__name__)
# What may differ between a run and its continuation without making it another run.
_FREE = {"images", "patience", "device", "workers", "cache_mb", "log_every", "error", "linear"}


class Best:
    """The weights with the lowest validation loss so far, and how long ago that was."""

    def __init__(self, model: nn.Module) -> None:
        self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.loss = float("inf")
        self.images = 0
        self.waited = 0

    def offer(self, model: nn.Module, loss: float, images: int) -> None:
        """Take the model's weights if its loss is the lowest so far; else count the wait."""
        self.waited += 1
        if loss < self.loss:
            self.loss, self.images, self.waited = loss, images, 0
            self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        return {
            "weights": self.weights,
            "loss": self.loss,
            "images": self.images,
            "waited": self.waited,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.weights = state_dict["weights"]
        self.loss = state_dict["loss"]
        self.images = state_dict["images"]
        self.waited = state_dict["waited"]


def train_detector(
    catalogs: Sequence[Catalog | Path | str],
    out: Path | str,
    settings: DetectorSettings | None = None,
    *,
    resume: bool = False,
    store: PixelStore | None = None,
) -> Path:
    """Train a detector of made images on catalogs of observed and made ones.

    Both classes go through one path and are drawn equally often: decoding, centre square, one
    size, JPEG in memory; or, of patches, histories drawn alike for both. The averaged weights
    with the lowest validation loss are kept, their probabilities calibrated on the validation
    part, and the test part judged once, at the end.

    Parameters
    ----------
    catalogs : sequence of Catalog or Path
        Together they have observed and made images in each of train, validation and test.
    out : Path
        The run's folder: weights and card (``model.safetensors``, ``model.json``), test scores
        (``scores.parquet``), settings, checkpoints and log.
    settings : DetectorSettings, optional
        Network, augmentation, budget.
    resume : bool
        Go on from the newest checkpoint in `out`, if there is one.
    store : PixelStore, optional
        Decoded images, of the side that these settings see them at, which several trainings may
        share; its own when not given.

    Returns
    -------
    out : Path
        The folder, ready for `detect` and `evaluate`.

    Raises
    ------
    InputError
        If the catalogs are not split, lack a class or share a group across splits, or if
        `out` holds a run and `resume` is not given.
    NonFiniteLossError
        If the loss becomes infinite or NaN; the last good checkpoint is kept.
    TrainingError
        If training was interrupted; it can be resumed.
    """
    settings, out = settings or DetectorSettings(), Path(out)
    check_resume(out, settings, _FREE, resume=resume)
    samples, names = gather(catalogs), [catalog_name(catalog) for catalog in catalogs]
    check_classes(samples)
    train = [sample for sample in samples if sample.split == "train"]
    validation = [
        sample
        for is_made in (False, True)
        for sample in some(samples, "validation", is_made, settings.validate_on)
    ]
    data = fingerprint(f"{s.image_id} {s.split} {s.is_made}" for s in samples)
    fabric = make_fabric(settings.device, settings.precision)

    network = build(settings)
    network.to(memory_format=torch.channels_last)
    ema = Ema(network, settings.ema_half_life)
    ema.model.to(fabric.device)
    best = Best(ema.model)
    optimizer: Any = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    model, optimizer = fabric.setup(network, optimizer)
    state = Checkpoints(
        out / "checkpoints", model=model, optimizer=optimizer, ema=ema.model, best=best
    )
    restored = state.restore() if resume else None
    images = restored[0] if restored else 0
    started = None
    if restored:
        check_same_data(out, restored[1]["data"], data)
        started = restored[1].get("started_from")
    elif settings.start is not None:
        started = start_from(settings.start, network, settings)
        ema.model.load_state_dict(network.state_dict())
    save_settings(out, "train detector", settings, data=names)

    store = store or pixel_store(settings)
    batch = settings.batch
    every = settings.validate_every or _one_pass(train)
    batches = training_batches(train, store, settings, images)
    with RunLog(out, images) as log, Interrupt() as interrupt:
        progress = bar(total=settings.images, initial=images, what="training detector")
        try:
            while images < settings.images and best.waited < settings.patience:
                if interrupt.requested:
                    break
                pixels, targets = next(batches)
                for group in optimizer.param_groups:
                    group["lr"] = _rate(images, settings)
                loss = _step(fabric, model, optimizer, pixels, targets, settings.apart)
                images += batch
                ema.update(network, images, batch)
                values = check_finite(images, loss=loss)
                progress.update(batch)
                if due(images, batch, settings.log_every):
                    log.scalars(images, **values)
                if due(images, batch, every) or images >= settings.images:
                    figures = _validate(ema.model, validation, store, settings, fabric.device)
                    best.offer(ema.model, figures["validation_loss"], images)
                    log.scalars(images, **figures)
                    progress.set_postfix(loss=f"{figures['validation_loss']:.3f}", refresh=False)
                    _keep(state, network, images, data=data, started_from=started)
        finally:
            batches.close()
            progress.close()
        if interrupt.requested:
            _keep(state, network, images, data=data, started_from=started)
            raise stopped(images, settings.images)
    # To the digits of half precision, in which weights may be shipped: what is calibrated and
    # measured now is then what is used.
    network.load_state_dict({n: half_digits(tensor) for n, tensor in best.weights.items()})
    network.eval()
    finish(
        out,
        network,
        samples,
        store,
        settings,
        fabric.device,
        images_seen=images,
        images_best=best.images,
        started_from=started,
        data={"catalogs": names, "counts": counts(samples)},
    )
    return out


def _step(
    fabric: Any,
    model: Any,
    optimizer: Any,
    pixels: NDArray[np.uint8],
    targets: NDArray[np.float32],
    apart: float,
) -> Tensor:
    images, truth = to_model(pixels, fabric.device), torch.from_numpy(targets).to(fabric.device)
    own = model(images, apart=apart > 0)
    said = own.mean(1) if apart else own  # shares count where paths learn apart alone
    loss = (1 - apart) * nn.functional.binary_cross_entropy_with_logits(said, truth)
    if apart:
        both = nn.functional.binary_cross_entropy_with_logits(own, truth[:, None].expand_as(own))
        loss = loss + apart * both
    fabric.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss


def _rate(images: int, settings: DetectorSettings) -> float:
    """Return the learning rate after so many images: it falls linearly at the end, if at all."""
    left = 1 - images / settings.images
    return settings.learning_rate * min(1.0, left / settings.cooldown if settings.cooldown else 1.0)


def _validate(
    model: nn.Module,
    validation: Sequence[Sample],
    store: PixelStore,
    settings: DetectorSettings,
    device: torch.device,
) -> dict[str, float]:
    """Judge the validation part as images will be judged, in fp32."""
    views = judged_views(validation, store, settings, validation_chain(settings))
    logits = means(model, views, settings.batch, device)
    is_made = np.array([sample.is_made for sample in validation])
    return {
        "validation_loss": balanced_loss(logits, is_made),
        "validation_accuracy": balanced_accuracy(logits > 0, is_made),
        "validation_auc": auc(logits, is_made),
    }


def _keep(state: Checkpoints, network: nn.Module, images: int, **facts: Any) -> None:
    check_weights(images, network)
    state.save(images, **facts)


def _one_pass(train: Sequence[Sample]) -> int:
    """Images in a pass through the larger class, the other being drawn as often."""
    made = sum(sample.is_made for sample in train)
    return 2 * max(made, len(train) - made)
