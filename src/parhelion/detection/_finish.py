"""What follows training: calibration, one look at the test part, the controls, the card."""

import logging
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._settings import settings_dict
from parhelion.catalog import SPLITS
from parhelion.detection._align import fit_bands, fit_lines, log_odds, sides_of
from parhelion.detection._batches import training_batches
from parhelion.detection._data import (
    CLASSES,
    Sample,
    judged_views,
    some,
    test_chain,
    validation_chain,
)
from parhelion.detection._domain import Domain, fit_domain, fit_limit, traits
from parhelion.detection._figures import sigmoid, told
from parhelion.detection._fit_linear_path import fit_linear_path
from parhelion.detection._format_baseline import format_only
from parhelion.detection._linear_path import LinearPath
from parhelion.detection._margins import measure_margins
from parhelion.detection._model import TwoPath
from parhelion.detection._predict import Detector, means
from parhelion.detection._scores import SCORES_FILE, score_table, write_scores
from parhelion.detection._settings import DetectorSettings
from parhelion.detection._spectrum import resampled, spectrum_profile
from parhelion.detection._views import View
from parhelion.training import PixelStore, save_model

_log = logging.getLogger(__name__)
_SURVEYED = 1000  # images of a class from which its domain and envelope are taken


def finish(
    out: Path,
    network: TwoPath,
    samples: Sequence[Sample],
    store: PixelStore,
    settings: DetectorSettings,
    device: torch.device,
    **facts: Any,
) -> None:
    """Calibrate on validation, judge the test part once, fit the controls, save everything.

    Parameters
    ----------
    out : Path
        The run's folder.
    network : TwoPath
        With the weights to keep, on `device`.
    samples : sequence of Sample
        All three parts.
    store : PixelStore
        Where pixels come from.
    settings : DetectorSettings
        The run's settings.
    device : torch.device
        Where to compute.
    **facts
        More to put on the card.
    """
    train, validation, test = (
        [sample for sample in samples if sample.split == split] for split in SPLITS
    )
    domain, envelopes = _survey(train, store, settings)
    seen = list(judged_views(validation, store, settings, validation_chain(settings)))
    is_made = np.array([sample.is_made for sample in validation])
    raw = means(network, seen, settings.batch, device)
    if settings.linear:
        network.linear_path = _linear_path(train, seen, raw, store, settings).to(device)
        raw = raw + means(network.linear_path, seen, settings.batch, device)
    sides = sides_of(seen)
    lines = fit_lines(raw, is_made, sides)
    calibrated = log_odds(raw, sides, lines)
    catalogs = [sample.catalog for sample in validation]
    bands, error = fit_bands(sigmoid(calibrated), is_made, sides, settings.error, catalogs)
    distances = domain.distance(np.stack([traits(item.patches) for item in seen]))
    card: dict[str, Any] = {
        "settings": settings_dict(settings),
        **facts,
        "lines": lines,
        "bands": bands,
        "band_error": error,
        "domain_limit": fit_limit(distances, settings.error),
        "validation": told(calibrated, is_made),
    }
    card["lower"] = measure_margins(network, seen, raw, card, settings.batch)
    detector = Detector(network, domain, card, device, settings.batch)

    scores = score_table(detector, test, judged_views(test, store, settings, test_chain(settings)))
    test_made = np.array([sample.is_made for sample in test])
    card["test"] = told(scores["logit"].to_numpy(), test_made)
    learned = [s for made in (False, True) for s in some(samples, "train", made, _SURVEYED)]
    card |= format_only(learned, test, store, settings)
    card["spectra"] = envelopes
    write_scores(out / SCORES_FILE, scores)
    save_model(out, "detector", detector.state(), card)
    _log.info(
        "accuracy %.3f on %d test images; from the format alone %.3f (files as stored: %.3f)",
        card["test"]["accuracy"],
        len(test_made),
        card["format_only_accuracy"],
        card["format_only_raw_accuracy"],
    )


def _linear_path(
    train: Sequence[Sample],
    validation: Sequence[View],
    logits: NDArray[np.float64],
    store: PixelStore,
    settings: DetectorSettings,
) -> LinearPath:
    """Return the path that joins a network, which has these logits on the validation part."""
    with closing(training_batches(train, store, settings)) as batches:
        path = fit_linear_path(batches, settings.images)
    own = means(path, validation, settings.batch, torch.device("cpu"))
    path.scale(settings.linear * float(logits.std()) / max(float(own.std()), 1e-6))
    path.load_state_dict({name: half_digits(tensor) for name, tensor in path.state_dict().items()})
    return path


def _survey(
    train: Sequence[Sample], store: PixelStore, settings: DetectorSettings
) -> tuple[Domain, dict[str, dict[str, list[float]]]]:
    """Return where the training images lie, and the envelope of each class's spectra."""
    lying, envelopes = [], {}
    for name, is_made in zip(CLASSES, (False, True), strict=True):
        chosen = some(train, "train", is_made, _SURVEYED)
        seen = list(judged_views(chosen, store, settings, validation_chain(settings)))
        lying.append([traits(item.patches) for item in seen])
        rings = settings.image_size // 2
        profiles = [resampled(spectrum_profile(item.patches), rings) for item in seen]
        envelopes[name] = envelope(np.stack(profiles))
    return fit_domain(*lying), envelopes


def half_digits(tensor: Tensor) -> Tensor:
    """Return weights with the digits that half precision holds, as they ship."""
    most = torch.finfo(torch.float16).max
    return (
        tensor.clamp(-most, most).half().to(tensor.dtype) if tensor.is_floating_point() else tensor
    )


def envelope(values: NDArray[np.float32]) -> dict[str, list[float]]:
    """Return the 5th, 50th and 95th percentile of profiles ``(N, R)``, ring by ring."""
    quantiles = np.percentile(values, (5, 50, 95), axis=0)
    names = ("low", "median", "high")
    return {
        name: [round(float(value), 4) for value in row]
        for name, row in zip(names, quantiles, strict=True)
    }
