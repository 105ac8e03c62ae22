"""Scores of a detector on catalogs, as a table that others measure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion._files import atomic_path
from parhelion.catalog import Catalog
from parhelion.detection._align import limits
from parhelion.detection._chain import CHAINS
from parhelion.detection._data import (
    Sample,
    catalog_name,
    check_classes,
    gather,
    judged_views,
    judging_store,
)
from parhelion.detection._predict import Detector, judge, load_detector
from parhelion.detection._views import View
from parhelion.errors import InputError

SCORES_FILE = "scores.parquet"


def evaluate(
    model: Path | str,
    catalogs: Sequence[Catalog | Path | str],
    *,
    split: str | None = "test",
    chain: str | None = None,
    device: str = "auto",
) -> pa.Table:
    """Score every image of catalogs whose truth is known.

    Parameters
    ----------
    model : Path
        Folder of a trained detector, or the name of one that ships.
    catalogs : sequence of Catalog or Path
        Observed and made images.
    split : {"test", "validation", "train"} or None
        Part to score; None scores every row, split or not.
    chain : str, optional
        What both classes go through first: one of `CHAINS`; files as they are when not given.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.

    Returns
    -------
    scores : pyarrow.Table
        A row per image, in the catalogs' order: `path`, `image_id`, `group_id`, `origin`,
        `catalog` (its folder), `split`, `is_made` (bool), `side` (int64: of the patches judged, in
        pixels), `logit` (calibrated log-odds), `probability_made`, `distance` from what was learned
        from (float64) and `verdict`.

    Raises
    ------
    InputError
        If there is no such chain, no image is left, or (with a split) the part lacks one of the
        classes.
    """
    if chain is not None:
        check_chain(chain)
    detector = load_detector(model, device=device)
    samples = gather(catalogs, split_needed=split is not None)
    if split is not None:
        check_classes(samples, (split,))
        samples = [sample for sample in samples if sample.split == split]
    if not samples:
        raise InputError(f"no image to score in {', '.join(map(catalog_name, catalogs))}")
    store = judging_store(detector.settings)
    return score_table(detector, samples, judged_views(samples, store, detector.settings, chain))


def check_chain(chain: str) -> None:
    """Raise `InputError` unless there is such a chain."""
    if chain not in CHAINS:
        raise InputError(f"chain (={chain}) must be one of {', '.join(CHAINS)}")


def score_table(detector: Detector, samples: Sequence[Sample], views: Iterable[View]) -> pa.Table:
    """Return the table of `evaluate` for samples and what is seen of them, in their order."""
    sides, distances = [], []

    def noted() -> Iterator[View]:
        for seen in views:
            sides.append(seen.patches.shape[1])
            distances.append(detector.distance(seen))
            yield seen

    logits = detector.logits(noted())
    probability = detector.probability_made(logits)
    return pa.table(
        {
            "path": [str(sample.path) for sample in samples],
            "image_id": [sample.image_id for sample in samples],
            "group_id": [sample.group_id for sample in samples],
            "origin": [sample.origin for sample in samples],
            "catalog": [sample.catalog for sample in samples],
            "split": pa.array([sample.split for sample in samples], pa.string()),
            "is_made": [sample.is_made for sample in samples],
            "side": pa.array(sides, pa.int64()),
            "logit": logits,
            "probability_made": probability,
            "distance": pa.array(distances, pa.float64()),
            "verdict": verdicts(probability, distances, np.array(sides, np.int64), detector.card),
        }
    )


def verdicts(
    probability_made: Iterable[float],
    distances: Iterable[float],
    sides: NDArray[np.int64],
    card: Mapping[str, Any],
) -> list[str]:
    """Return the verdict on each image of a detector with this card."""
    bounds = map(tuple, limits(sides, card["bands"]).tolist())
    every = zip(probability_made, distances, bounds, strict=True)
    return [judge(probability, distance, band, card)[0] for probability, distance, band in every]


def write_scores(path: Path, table: pa.Table) -> None:
    """Write scores as Parquet, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
