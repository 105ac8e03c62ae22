"""Measure a classifier: its calls on catalogs whose labels are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from parhelion._files import atomic_path, write_json
from parhelion.catalog import Catalog
from parhelion.classification import (
    Classifier,
    classifier_figures,
    load_classifier,
    score_classifier,
)

CLASSIFIER_FILE = "classifier.json"
CALLS_FILE = "calls.parquet"


def measure_classifier(
    model: Classifier | Path | str,
    data: Catalog | Path | str | list[Path],
    out: Path | str | None = None,
    split: str = "test",
    *,
    seed: int = 0,
    device: str = "auto",
) -> dict[str, Any]:
    """Judge the observed images of catalogs and compare the calls with their labels.

    Parameters
    ----------
    model : Classifier, Path or str
        A classifier, its folder, or the name of one that ships.
    data : Catalog, Path or list of them
        Labeled images, split. Labels that the classifier's mapping does not know are left out.
    out : Path, optional
        Folder for ``classifier.json`` and, a row per image, ``calls.parquet``.
    split : {"test", "validation", "train"}
        Part of the catalogs to judge.
    seed : int
        Seed of the bootstrap, which draws whole groups.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute, if the classifier is not loaded yet.

    Returns
    -------
    figures : dict
        See `parhelion.classification.classifier_figures`; also `split`, `model_id` and
        `labels`.

    Raises
    ------
    InputError
        If an image cannot be read, or no image in the part is of a class that it knows.
    """
    classifier = model if isinstance(model, Classifier) else load_classifier(model, device)
    scores = score_classifier(classifier, data, split=split)
    number = {name: index for index, name in enumerate(classifier.labels)}
    figures = classifier_figures(
        np.array(scores["probability"].to_pylist()),
        np.array([number[name] for name in scores["truth"].to_pylist()]),
        classifier.labels,
        np.array(scores["group_id"].to_pylist()),
        seed=seed,
    )
    figures |= {
        "split": split,
        "model_id": classifier.model_id,
        "labels": classifier.labels,
    }
    if out is not None:
        write_json(Path(out) / CLASSIFIER_FILE, figures)
        with atomic_path(Path(out) / CALLS_FILE) as temporary:
            pq.write_table(scores, temporary, compression="zstd")
    return figures
