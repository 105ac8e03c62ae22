"""Training a classifier: one readable loop that stops early, and resumes exactly."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.classification._best import Best
from parhelion.classification._classes import class_names, classes_of
from parhelion.classification._data import (
    Catalogs,
    Sample,
    check_classes,
    counts,
    gather,
    open_all,
    pixel_batches,
    training_batches,
)
from parhelion.classification._figures import balanced_accuracy, confusion, macro_f1, softmax
from parhelion.classification._finish import finish
from parhelion.classification._network import build
from parhelion.classification._predict import network_logits
from parhelion.classification._settings import ClassifierSettings
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

# What may differ between a run and its continuation without making it another run. The number
# of images may not: the learning rate falls towards it.
_FREE = {"patience", "device", "workers", "cache_mb", "log_every", "data_name", "credits", "stored"}


def train_classifier(
    data: Catalogs,
    out: Path | str,
    settings: ClassifierSettings | None = None,
    *,
    resume: bool = False,
    store: PixelStore | None = None,
) -> Path:
    """Train a classifier on the labels of catalogs.

    The averaged weights with the highest macro F1 on the validation part are kept, their
    probabilities calibrated on it, and the test part judged once, at the end. Validation and
    test images are observed ones only (or these enlarged, see `settings.judged`); training images
    may be anything.

    Parameters
    ----------
    data : Catalog, Path or sequence of them
        Labeled images, split by group into train, validation and test.
    out : Path
        The run's folder: weights and card (``model.safetensors``, ``model.json``), settings,
        checkpoints and log.
    settings : ClassifierSettings, optional
        Network, classes, augmentation, budget.
    resume : bool
        Go on from the newest checkpoint in `out`, if there is one.
    store : PixelStore, optional
        Decoded images of the settings' size, for several trainings on the same ones.

    Returns
    -------
    out : Path
        The folder, ready for `load_classifier`.

    Raises
    ------
    InputError
        If the catalogs are not split, lack a class or share a group across splits, if the
        mapping of classes cannot be read, or if `out` holds a run and `resume` is not given.
    NonFiniteLossError
        If the loss becomes infinite or NaN; the last good checkpoint is kept.
    TrainingError
        If training was interrupted; it can be resumed.
    """
    settings, out = settings or ClassifierSettings(), Path(out)
    check_resume(out, settings, _FREE, resume=resume)
    catalogs = open_all(data)
    classes = classes_of(settings.classes, _training_labels(catalogs))
    labels = class_names(classes)
    samples, left_out = gather(catalogs, classes, labels, settings.judged)
    check_classes(samples, labels)
    train = [sample for sample in samples if sample.split == "train"]
    validation = [sample for sample in samples if sample.split == "validation"]
    seen = fingerprint(f"{s.image_id} {s.split} {labels[s.target]}" for s in samples)
    fabric = make_fabric(settings.device, settings.precision)

    network = build(settings, len(labels))
    network.to(memory_format=torch.channels_last)
    ema = Ema(network, settings.ema_half_life)
    ema.model.to(fabric.device)
    best = Best(ema.model)
    model, optimizer = fabric.setup(network, _optimizer(network, settings))
    state = Checkpoints(
        out / "checkpoints", model=model, optimizer=optimizer, ema=ema.model, best=best
    )
    restored = state.restore() if resume else None
    images = restored[0] if restored else 0
    if restored:
        check_same_data(out, restored[1]["data"], seen)
    save_settings(
        out, "train classifier", settings, data=[str(catalog.root) for catalog in catalogs]
    )

    store = store or PixelStore(settings.image_size, settings.cache_mb)
    size = np.bincount([sample.target for sample in train], minlength=len(labels))
    weights, shares = _class_weights(size, settings).to(fabric.device), size / size.sum()
    batch, every = settings.batch, settings.validate_every or len(train)
    batches = training_batches(train, len(labels), store, settings, images)
    with RunLog(out, images) as log, Interrupt() as interrupt:
        progress = bar(total=settings.images, initial=images, what="training classifier")
        try:
            while images < settings.images and best.waited < settings.patience:
                if interrupt.requested:
                    break
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(settings, images)
                pixels, targets = next(batches)
                loss = _step(fabric, model, optimizer, pixels, targets, weights, settings)
                images += batch
                ema.update(network, images, batch)
                values = check_finite(images, loss=loss)
                progress.update(batch)
                if due(images, batch, settings.log_every):
                    log.scalars(images, **values)
                if due(images, batch, every) or images >= settings.images:
                    figures = _validate(
                        ema.model, validation, store, settings, shares, fabric.device
                    )
                    best.offer(
                        ema.model,
                        figures["validation_macro_f1"],
                        figures["validation_loss"],
                        images,
                    )
                    log.scalars(images, **figures)
                    progress.set_postfix(f1=f"{figures['validation_macro_f1']:.3f}", refresh=False)
                    _keep(state, network, images, seen)
        finally:
            batches.close()
            progress.close()
        if interrupt.requested:
            _keep(state, network, images, seen)
            raise stopped(images, settings.images)
    network.load_state_dict(best.weights)
    network.eval()
    finish(
        out,
        network,
        samples,
        labels,
        store,
        settings,
        fabric.device,
        images_seen=images,
        images_best=best.images,
        precision=str(fabric._precision.precision),
        classes=classes,
        data={
            "name": settings.data_name or ", ".join(c.root.resolve().name for c in catalogs),
            "fingerprint": seen,
            "counts": counts(samples, labels),
            "left_out": left_out,
        },
        credits=settings.credits,
    )
    return out


def learning_rate(settings: ClassifierSettings, images: int) -> float:
    """Return the rate of the step that begins at `images`: a linear rise, then a half cosine."""
    if images < settings.warmup:
        return (
            settings.learning_rate * (images + settings.batch) / (settings.warmup + settings.batch)
        )
    passed = (images - settings.warmup) / max(settings.images - settings.warmup, 1)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(passed, 1)))


def _optimizer(network: nn.Module, settings: ClassifierSettings) -> Any:
    # Decay of biases and normalizations would only fight what they are for.
    decayed = [p for p in network.parameters() if p.ndim > 1]
    exempt = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": exempt, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _step(
    fabric: Any,
    model: Any,
    optimizer: Any,
    pixels: NDArray[np.uint8],
    targets: NDArray[np.int64],
    weights: Tensor,
    settings: ClassifierSettings,
) -> Tensor:
    logits = model(to_model(pixels, fabric.device))
    loss = F.cross_entropy(
        logits.float(),
        torch.from_numpy(targets).to(fabric.device),
        weight=weights,
        label_smoothing=settings.label_smoothing,
    )
    fabric.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return loss


def _validate(
    model: nn.Module,
    validation: Sequence[Sample],
    store: PixelStore,
    settings: ClassifierSettings,
    shares: NDArray[np.float64],
    device: torch.device,
) -> dict[str, float]:
    """Judge the validation part as images will be judged: unaltered, in fp32.

    Where training balanced the classes, their `shares` of the training part are brought back;
    else every rare class would be called too often, and its precision rule the F1.
    """
    seen = pixel_batches(validation, store, settings.batch, settings.workers)
    logits = np.concatenate(list(network_logits(model, seen, settings.batch, device)))
    if settings.balance != "none":
        logits = logits + np.log(shares)
    truth = np.array([sample.target for sample in validation], np.int64)
    table = confusion(logits.argmax(1), truth, len(shares))
    chance = softmax(logits)[np.arange(len(truth)), truth]
    return {
        "validation_loss": float(-np.log(np.maximum(chance, 1e-12)).mean()),
        "validation_accuracy": float(np.trace(table) / len(truth)),
        "validation_balanced_accuracy": balanced_accuracy(table),
        "validation_macro_f1": macro_f1(table),
    }


def _class_weights(size: NDArray[np.int64], settings: ClassifierSettings) -> Tensor:
    """Return the weight of each class in the loss, by inverse frequency where that is asked."""
    if settings.balance != "weights":
        return torch.ones(len(size))
    return torch.from_numpy(size.sum() / (len(size) * size)).float()


def _training_labels(catalogs: Sequence[Any]) -> list[str]:
    """Return the labels that occur in the train part."""
    found: set[str] = set()
    for catalog in catalogs:
        found |= {label for label in catalog.select(split="train").column("label") if label}
    return sorted(found)


def _keep(state: Checkpoints, network: nn.Module, images: int, data: str) -> None:
    check_weights(images, network)
    state.save(images, data=data)
