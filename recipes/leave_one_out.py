"""Judge a kind of detector on generators and surveys that it has never seen.

    python recipes/families --data DIR --out OUT
    python recipes/leave_one_out.py --data OUT --out RUNS --config made-detector
    python recipes/leave_one_out.py --data OUT --out RUNS --table

For each family of made images a detector is trained without it, and tested on that family's test
part against the real images' test part. For each survey one is trained without its images, and
without what was made from them, and asked about all of its real images. Every test goes through
each of the fixed chains. Runs that are finished are not done again, others are resumed.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parhelion._settings import load_recipe
from parhelion.catalog import Catalog, open_catalog
from parhelion.detection import CHAINS, DetectorSettings, evaluate, peer_scores, train_detector
from parhelion.measurement import detector_figures

_SURVEYS = ("galaxies-zoo", "space-objects")
_RESAMPLES = 500
_CURVES = ("roc", "reliability")


def main() -> None:
    """Train and score what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="what recipes/families wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="made-detector")
    parser.add_argument("--images", type=int, help="of a training; the recipe's when not given")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=JSON", help="a setting")
    parser.add_argument("--only", nargs="*", help="folds")
    parser.add_argument("--table", action="store_true", help="of what is there; train nothing")
    chosen = parser.parse_args()
    families = sorted(path.name for path in (chosen.data / "made").iterdir())
    if not chosen.table:
        settings = load_recipe(chosen.config, "train detector", DetectorSettings)
        values = dict(text.split("=", 1) for text in chosen.set)
        settings = replace(settings, **{name: _value(text) for name, text in values.items()})
        if chosen.images:
            settings = replace(settings, images=chosen.images)
        for fold in chosen.only or [*families, *(f"survey {name}" for name in _SURVEYS)]:
            _fold(fold, chosen.data, chosen.out, settings)
    table = figures(chosen.out)
    (chosen.out / "table.json").write_text(json.dumps(table, indent=1))
    print(_markdown(table))


def _fold(fold: str, data: Path, out: Path, settings: DetectorSettings) -> None:
    place = out / fold.replace(" ", "-")
    scores, peers = place / "fold.parquet", place / "peers.parquet"
    if scores.is_file():
        return
    real = [open_catalog(path) for path in sorted((data / "real").iterdir())]
    made: dict[str, list[Catalog]] = {}
    for path in sorted((data / "made").glob("*/*")):
        made.setdefault(path.parent.name, []).append(open_catalog(path))
    survey = fold.removeprefix("survey ") if fold.startswith("survey ") else None
    learned = [catalog for family, part in made.items() if family != fold for catalog in part]
    if survey is None:
        tested = [*real, *made.get(fold, learned)]
        known = real
    else:
        tested = [catalog for catalog in real if catalog.root.name == survey]
        known = [catalog for catalog in real if catalog.root.name != survey]
        learned = [_without(catalog, tested[0]) for catalog in learned]
    if not (place / "model.json").is_file():
        train_detector([*known, *learned], place, settings, resume=True)
    parts, split = [], "test" if survey is None else None
    for chain in CHAINS:
        table = evaluate(place, tested, split=split, chain=chain)
        parts.append(table.append_column("chain", pa.array([chain] * len(table))))
    pq.write_table(peer_scores([*known, *learned], tested, settings, split=split), peers)
    pq.write_table(pa.concat_tables(parts), scores)


def _without(catalog: Catalog, survey: Catalog) -> Catalog:
    """Return a catalog less what descends from a survey's images."""
    groups = pa.array(sorted(set(survey.column("group_id"))))
    kept = pc.invert(pc.is_in(catalog.table["group_id"], value_set=groups))
    return Catalog(catalog.root, catalog.table.filter(kept))


def figures(out: Path) -> dict[str, Any]:
    """Return AUC, balanced accuracy and false alarms: of each detector, fold and chain."""
    table: dict[str, Any] = {}
    for path in sorted(out.glob("*/fold.parquet")):
        fold = path.parent.name
        rows, others = pq.read_table(path), pq.read_table(path.with_name("peers.parquet"))
        judged = {"parhelion": rows}
        for peer in dict.fromkeys(others["peer"].to_pylist()):
            judged[peer] = others.filter(pc.equal(others["peer"], peer))
        for name, mine in judged.items():
            table.setdefault(name, {})[fold] = {
                chain: _of(mine.filter(pc.equal(mine["chain"], chain))) for chain in CHAINS
            }
    return table


def _of(rows: pa.Table) -> dict[str, Any]:
    made = np.array(rows["is_made"].to_pylist(), bool)
    probability = rows["probability_made"].to_numpy()
    found = {"false_alarms": float((probability[~made] >= 0.5).mean())}
    if not made.any():
        return {**found, "made": 0, "observed": len(made)}
    groups = rows["group_id"].to_pylist()
    figures = detector_figures(probability, made, groups, bootstrap=_RESAMPLES)
    return {**found, **{n: value for n, value in figures.items() if n not in _CURVES}}


def _markdown(table: dict[str, Any]) -> str:
    lines = ["| left out | " + " | ".join(CHAINS) + " |", "|---" * (len(CHAINS) + 1) + "|"]
    for fold, chains in table["parhelion"].items():
        lines.append(f"| {fold} | " + " | ".join(_cell(chains[chain]) for chain in CHAINS) + " |")
    for name, folds in table.items():
        families = [chains for chains in folds.values() if "auc" in chains["plain"]]
        surveys = [chains for chains in folds.values() if "auc" not in chains["plain"]]
        cells = []
        for chain in CHAINS:
            auc, right = (
                np.mean([chains[chain][figure] for chains in families])
                for figure in ("auc", "balanced_accuracy")
            )
            alarms = [chains[chain]["false_alarms"] for chains in surveys]
            cells.append(f"AUC {auc:.3f}, {right:.3f}, alarms {np.mean(alarms or [np.nan]):.3f}")
        lines.append(f"| **{name}**, mean | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(found: dict[str, Any]) -> str:
    if "auc" not in found:
        return f"alarms {found['false_alarms']:.3f}"
    low, high = found["balanced_accuracy_interval"]
    accuracy = f"{found['balanced_accuracy']:.3f} [{low:.3f}, {high:.3f}]"
    return f"AUC {found['auc']:.3f}, {accuracy}, alarms {found['false_alarms']:.3f}"


def _value(text: str) -> Any:
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main()
