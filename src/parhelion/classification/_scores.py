"""A classifier's calls on catalogs, as a table that others measure."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from parhelion.classification._data import Catalogs, Sample, gather, open_all, pixel_batches
from parhelion.classification._predict import Classifier, load_classifier
from parhelion.errors import CatalogError
from parhelion.training import PixelStore


def score_classifier(
    model: Classifier | Path | str,
    data: Catalogs,
    *,
    split: str = "test",
    device: str = "auto",
    workers: int | None = None,
) -> pa.Table:
    """Judge the images of one part of catalogs whose labels are known.

    Only observed images are judged, or these enlarged if the classifier was trained for them (of
    the train part: all), and only those whose label the classifier's mapping knows.

    Parameters
    ----------
    model : Classifier or Path
        The classifier, its folder, or the name of one that ships.
    data : Catalog, Path or sequence of them
        Labeled images, split.
    split : {"test", "validation", "train"}
        Part to judge.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute, if the classifier is not loaded yet.
    workers : int, optional
        Threads that decode.

    Returns
    -------
    scores : pyarrow.Table
        A row per image: `path`, `image_id`, `group_id`, `label` (the catalog's), `truth` and
        `called` (classes), `probability` (a list of float64 per row, in the order of
        ``classifier.labels``).

    Raises
    ------
    CatalogError
        If images have no split, or none in the part is of a class that the classifier knows.
    """
    classifier = model if isinstance(model, Classifier) else load_classifier(model, device)
    judged = classifier.card["settings"].get("judged", "observed")
    samples, _ = gather(open_all(data), classifier.classes, classifier.labels, judged)
    samples = [sample for sample in samples if sample.split == split]
    if not samples:
        raise CatalogError(
            f"the {split} part has no {judged} image of a class that the classifier knows: "
            f"{', '.join(classifier.labels)}"
        )
    # Each image is read once: nothing is worth keeping.
    store = PixelStore(classifier.image_size, 0)
    batches = pixel_batches(samples, store, classifier.batch, workers)
    probability = classifier.probability(classifier.logits(batches))
    return _table(samples, probability, classifier.labels)


def _table(samples: list[Sample], probability: NDArray[np.float64], labels: list[str]) -> pa.Table:
    return pa.table(
        {
            "path": [str(sample.path) for sample in samples],
            "image_id": [sample.image_id for sample in samples],
            "group_id": [sample.group_id for sample in samples],
            "label": [sample.label for sample in samples],
            "truth": [labels[sample.target] for sample in samples],
            "called": [labels[k] for k in probability.argmax(1)],
            "probability": pa.array(probability.tolist(), pa.list_(pa.float64())),
        }
    )
