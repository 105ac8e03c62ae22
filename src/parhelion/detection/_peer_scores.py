"""Scores of the simple published detectors, on the same images through the same chains."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from parhelion.catalog import Catalog
from parhelion.detection._chain import CHAINS
from parhelion.detection._data import (
    Sample,
    check_classes,
    gather,
    judged_views,
    judging_store,
    some,
)
from parhelion.detection._peers import peers
from parhelion.detection._settings import DetectorSettings

_LEARNED = 2000  # images of each class that they learn from


def peer_scores(
    learned: Sequence[Catalog | Path | str],
    tested: Sequence[Catalog | Path | str],
    settings: DetectorSettings,
    *,
    split: str | None = "test",
) -> pa.Table:
    """Teach each peer on the train part of some catalogs, and score others with it.

    Parameters
    ----------
    learned : sequence of Catalog or Path
        Observed and made images, split. They go through random histories, as those of a patch
        detector do.
    tested : sequence of Catalog or Path
        What is scored, through each of `CHAINS`.
    settings : DetectorSettings
        `image_size` and the histories are used; of each image a peer sees the fullest patch.
    split : {"test", "validation", "train"} or None
        Part of `tested` to score.

    Returns
    -------
    scores : pyarrow.Table
        A row for each peer, chain and image: `peer`, `chain`, `catalog` (its folder), `group_id`,
        `is_made`, `probability_made`.
    """
    known = gather(learned)
    check_classes(known, ("train",))
    train = [s for made in (False, True) for s in some(known, "train", made, _LEARNED)]
    asked = [s for s in gather(tested, split_needed=split is not None) if split in (None, s.split)]
    store = judging_store(settings)

    def fullest(samples: Sequence[Sample], chain: str) -> list[NDArray[np.uint8]]:
        return [seen.patches[0] for seen in judged_views(samples, store, settings, chain)]

    images, is_made = fullest(train, "random"), np.array([s.is_made for s in train])
    taught = peers()
    for peer in taught:
        peer.fit(images, is_made, settings.seed)
    parts = []
    for chain in CHAINS:
        seen = fullest(asked, chain)
        parts += [
            pa.table(
                {
                    "peer": [peer.name] * len(asked),
                    "chain": [chain] * len(asked),
                    "catalog": [s.catalog for s in asked],
                    "group_id": [s.group_id for s in asked],
                    "is_made": [s.is_made for s in asked],
                    "probability_made": peer.probability_made(seen),
                }
            )
            for peer in taught
        ]
    return pa.concat_tables(parts)
