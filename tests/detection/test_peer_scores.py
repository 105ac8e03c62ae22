"""Peers see what ours sees, through the same chains."""

import dataclasses

import numpy as np
import pyarrow.compute as pc

from parhelion.catalog import Catalog
from parhelion.detection import CHAINS, DetectorSettings, peer_scores

SETTINGS = DetectorSettings(
    view="patches", image_size=32, augment_probability=0.0, recompress=0.0, workers=2
)


def test_a_lattice_is_found_by_simple_means(drawn: list[Catalog]) -> None:
    table = peer_scores(drawn, drawn, SETTINGS)
    assert set(table["chain"].to_pylist()) == set(CHAINS)
    assert set(table["catalog"].to_pylist()) == {str(catalog.root) for catalog in drawn}
    for peer in set(table["peer"].to_pylist()):
        mine = table.filter(
            pc.and_(pc.equal(table["peer"], peer), pc.equal(table["chain"], "plain"))
        )
        made = np.array(mine["is_made"].to_pylist())
        probability = mine["probability_made"].to_numpy()
        assert len(mine) == 40
        # So few images bind it to a cautious answer, but to the right order.
        assert (probability[made][:, None] > probability[~made]).mean() > 0.6


def test_any_part_can_be_scored(drawn: list[Catalog]) -> None:
    everything = peer_scores(drawn, drawn[:1], dataclasses.replace(SETTINGS, seed=1), split=None)
    assert len(everything) % (len(drawn[0]) * len(CHAINS)) == 0
    assert not any(everything["is_made"].to_pylist())
