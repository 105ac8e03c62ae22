"""What follows training: rounding, calibration, one look at the test part, the card."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._settings import settings_dict
from parhelion.classification._calibrate import fit_calibration
from parhelion.classification._data import Sample, pixel_batches
from parhelion.classification._figures import classifier_figures
from parhelion.classification._network import ClassifierNetwork
from parhelion.classification._predict import calibrated, network_logits
from parhelion.classification._settings import ClassifierSettings
from parhelion.training import PixelStore, save_model

_log = logging.getLogger(__name__)


def finish(
    out: Path,
    network: ClassifierNetwork,
    samples: Sequence[Sample],
    labels: Sequence[str],
    store: PixelStore,
    settings: ClassifierSettings,
    device: torch.device,
    **facts: Any,
) -> None:
    """Calibrate on validation, judge the test part once, save everything.

    Parameters
    ----------
    out : Path
        The run's folder.
    network : ClassifierNetwork
        With the weights to keep, on `device`.
    samples : sequence of Sample
        All three parts.
    labels : sequence of str
        The classes.
    store : PixelStore
        Where pixels come from.
    settings : ClassifierSettings
        The run's settings.
    device : torch.device
        Where to compute.
    **facts
        More to put on the card.
    """
    state = network.state_dict()
    if settings.stored == "fp16":
        # Everything below is measured with the weights as they will be loaded.
        state = {name: _half(tensor) for name, tensor in state.items()}
        network.load_state_dict(state)

    def judge(split: str) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
        mine = [sample for sample in samples if sample.split == split]
        seen = pixel_batches(mine, store, settings.batch, settings.workers)
        logits = np.concatenate(list(network_logits(network, seen, settings.batch, device)))
        truth = np.array([sample.target for sample in mine], np.int64)
        return logits, truth, [sample.group_id for sample in mine]

    logits, truth, groups = judge("validation")
    temperature, shifts = fit_calibration(logits, truth)
    validation = classifier_figures(calibrated(logits, temperature, shifts), truth, labels, groups)
    logits, truth, groups = judge("test")
    figures = classifier_figures(calibrated(logits, temperature, shifts), truth, labels, groups)
    card = {
        "settings": settings_dict(settings),
        "labels": list(labels),
        "parameters": sum(p.numel() for p in network.parameters()),
        **facts,
        "temperature": temperature,
        "shifts": shifts,
        "validation": {name: validation[name] for name in ("accuracy", "macro_f1", "ece")},
        "figures": figures,
    }
    save_model(out, "classifier", state, card)
    _log.info(
        "accuracy %.3f, macro F1 %.3f on %d test images",
        figures["accuracy"],
        figures["macro_f1"],
        figures["count"],
    )


def _half(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
