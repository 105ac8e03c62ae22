"""Measure a detector: its verdicts on catalogs whose truth is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from parhelion._files import write_json
from parhelion._names import short_name_of_each
from parhelion.detection import by_size, calibration_weights, evaluate
from parhelion.measurement._detector import detector_figures
from parhelion.measurement._verdicts import verdict_shares
from parhelion.training import find_model, read_card

DETECTOR_FILE = "detector.json"
#: What is told of each size of patches.
_OF_A_SIZE = ("made", "observed", "balanced_accuracy", "auc", "ece_weighted")


def measure_detector(
    model: Path | str,
    catalogs: Sequence[Path | str],
    out: Path | str | None = None,
    *,
    split: str | None = "test",
    chain: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge the images of catalogs and compare the verdicts with their origin.

    Parameters
    ----------
    model : Path
        Folder of a trained detector, or the name of the one that ships.
    catalogs : sequence of Path
        Catalogs that together hold observed and made images.
    out : Path, optional
        Folder for ``detector.json``.
    split : {"test", "validation", "train"} or None
        Part of the catalogs to judge; None takes every row.
    chain : str, optional
        What both classes go through first: one of `parhelion.detection.CHAINS`.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    figures : dict
        See `detector_figures`, whose ``ece_weighted`` weighs images as calibration does
        (`parhelion.detection.calibration_weights`); also ``sizes``, some of these figures for the
        patches from each side on; ``verdicts`` by catalog, see `verdict_shares`; `split`,
        `chain`, `model_id`, and the accuracies of a classifier that sees only file formats, from
        the model's card: ``format_only_accuracy`` on what the detector sees,
        ``format_only_raw_accuracy`` on the files as stored (balanced: 0.5 is chance).

    Raises
    ------
    InputError
        If there is no such chain, an image cannot be read, or one of the classes is missing.
    """
    model = find_model(model)
    card = read_card(model, "detector")
    scores = evaluate(model, catalogs, split=split, chain=chain)
    figures = _figures(scores, seed)
    figures |= {
        "sizes": _of_sizes(scores, seed),
        "verdicts": verdict_shares(
            scores["verdict"].to_pylist(),
            scores["is_made"].to_pylist(),
            short_name_of_each(scores["catalog"].to_pylist()),
        ),
        "split": split,
        "chain": chain,
        "model_id": card["model_id"],
        "format_only_accuracy": card["format_only_accuracy"],
        "format_only_raw_accuracy": card["format_only_raw_accuracy"],
    }
    if out is not None:
        write_json(Path(out) / DETECTOR_FILE, figures)
    return figures


def _figures(scores: pa.Table, seed: int) -> dict[str, Any]:
    is_made = np.array(scores["is_made"].to_pylist(), bool)
    weights = calibration_weights(
        is_made, scores["side"].to_numpy(), short_name_of_each(scores["catalog"].to_pylist())
    )
    return detector_figures(
        scores["probability_made"].to_numpy(),
        is_made,
        np.array(scores["group_id"].to_pylist()),
        weights=weights,
        seed=seed,
    )


def _of_sizes(scores: pa.Table, seed: int) -> dict[str, dict[str, Any]]:
    """Return the figures of each size of patches of which both classes occur."""
    found = {}
    for side, own in by_size(scores["side"].to_numpy()):
        part = scores.filter(pa.array(own))
        if pc.count_distinct(part["is_made"]).as_py() == 2:
            figures = _figures(part, seed)
            found[f"from {side} px"] = {
                name: value
                for name, value in figures.items()
                if name.removesuffix("_interval") in _OF_A_SIZE
            }
    return found
