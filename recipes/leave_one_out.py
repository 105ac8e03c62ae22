"""Judge a kind of detector on generators and surveys that it has never seen.

    python recipes/families --data DIR --pictures PICTURES --out OUT
    python recipes/leave_one_out.py --data OUT --out RUNS --config made-detector
    python recipes/leave_one_out.py --data OUT --out RUNS --table
    python recipes/leave_one_out.py --data OUT --out RUNS --only "generators 1 of 4" ...

For each family of made images a detector is trained without it, and tested on that family's test
part against the test part of real images of its sizes. For each survey one is trained without its
images, what was made from them and the generators that learned from them, and asked about its real
images. A generator can also be left out while its kin are learned from: "generators 1 of 4" leaves
out every fourth, so that in four folds each is left out once. Each detector is calibrated as what
ships is: on the validation part of what it learned from, after each of the fixed chains. Every test
goes through each of these. Beside it stand the simple published detectors and, with --beside,
another recipe. Runs that are finished are not done again, others are resumed.
"""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parhelion._names import short_name_of_each
from parhelion._settings import load_recipe
from parhelion.catalog import Catalog, open_catalog
from parhelion.detection import (
    CHAINS,
    DetectorSettings,
    calibrate,
    evaluate,
    peer_scores,
    train_detector,
)
from parhelion.measurement import detector_figures, verdict_shares

#: Surveys that are left out, with the generators that learned from them: without the survey itself
#: its look would be theirs alone.
_LEARNED_FROM: dict[str, set[str]] = {
    "galaxies-zoo": {
        "dcgan",
        "diffusion",
        "vae",
        "lightweight-gan/nearest-zoo",
        "lightweight-gan/nearest-128",
        "lightweight-gan/shuffle",
    },
    "free-sky": set(),
}
_RESAMPLES = 500
_FIGURES = (
    "auc",
    "auc_interval",
    "balanced_accuracy",
    "balanced_accuracy_interval",
    "ece",
)
_TESTED = 400  # images of a family that a test looks at, or of a survey left out
_KNOWN = 150  # of each survey whose other images were learned from
_SMALL = 64  # pixels to a side of what generators of galaxies draw
_WATCHED = 60  # images of a catalog in the validation and the test of a training


def main() -> None:
    """Train and score what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="what recipes/families wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="made-detector")
    parser.add_argument("--beside", nargs="*", default=[], metavar="CONFIG", help="other recipes")
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
        others = {
            name: load_recipe(name, "train detector", DetectorSettings) for name in chosen.beside
        }
        for fold in chosen.only or [*families, *(f"survey {name}" for name in _LEARNED_FROM)]:
            _fold(fold, chosen.data, chosen.out, settings, others)
    table = figures(chosen.out)
    (chosen.out / "table.json").write_text(json.dumps(table, indent=1))
    print(_markdown(table))


def _fold(
    fold: str,
    data: Path,
    out: Path,
    settings: DetectorSettings,
    others: dict[str, DetectorSettings],
) -> None:
    place = out / fold.replace(" ", "-")
    plan = _plan(fold, data)
    taught = [_watched(catalog) for catalog in plan.learned]
    for name, wanted in {"parhelion": settings, **others}.items():
        run = place if name == "parhelion" else place / name
        if not (run / "model.json").is_file():
            train_detector(taught, run, wanted, resume=True)
        if not (run / "fold.parquet").is_file():
            held_out = [*taught, *map(_watched, plan.small)]
            calibrate(run, held_out, run, split="validation", chains=list(CHAINS))
            parts = []
            for chain in CHAINS:
                scores = evaluate(run, plan.asked, split=None, chain=chain)
                parts.append(scores.append_column("chain", pa.array([chain] * len(scores))))
            pq.write_table(pa.concat_tables(parts), run / "fold.parquet")
    if not (place / "peers.parquet").is_file():
        pq.write_table(
            peer_scores(taught, plan.asked, settings, split=None), place / "peers.parquet"
        )


@dataclass(frozen=True)
class _Plan:
    learned: list[Catalog]
    """Observed and made images."""
    small: list[Catalog]
    """Observed images made small, which the calibration knows too."""
    asked: list[Catalog]


def _plan(fold: str, data: Path) -> _Plan:
    real, small = (
        [open_catalog(path) for path in sorted((data / kind).iterdir())]
        for kind in ("real", "small")
    )
    made = [open_catalog(path) for path in sorted((data / "made").glob("*/*"))]
    if fold.startswith("survey "):
        return _without_survey(fold.removeprefix("survey "), real, small, made)
    if every := re.fullmatch(r"generators (\d+) of (\d+)", fold):
        first, step = map(int, every.groups())
        left_out = made[first - 1 :: step] if 1 <= first <= step else []
    else:
        left_out = [catalog for catalog in made if catalog.root.parent.name == fold]
    if not left_out:
        raise SystemExit(f"--only (={fold}) is neither a family in {data}, nor a fold of others")
    # What is made small is judged beside observed images as small.
    kinds = {_kind(catalog) for catalog in left_out}
    beside = [catalog for catalog in [*real, *small] if catalog.root.parent.name in kinds]
    asked = [_spaced(catalog.select(split="test"), _KNOWN) for catalog in beside]
    each = _TESTED // len(left_out)
    asked += [_spaced(catalog.select(split="test"), each) for catalog in left_out]
    gone = {catalog.root for catalog in left_out}
    return _Plan([*real, *(catalog for catalog in made if catalog.root not in gone)], small, asked)


def _without_survey(
    name: str, real: list[Catalog], small: list[Catalog], made: list[Catalog]
) -> _Plan:
    gone = _LEARNED_FROM[name]
    (survey,) = (catalog for catalog in real if catalog.root.name == name)
    known, known_small = (
        [catalog for catalog in observed if catalog.root.name != name] for observed in (real, small)
    )
    learned = [
        _without(catalog, survey)
        for catalog in made
        if not {catalog.root.parent.name, _generator(catalog.root)} & gone
    ]
    return _Plan([*known, *learned], known_small, [_spaced(survey, _TESTED)])


def _generator(place: Path) -> str:
    return "/".join(place.parts[-2:])


def _without(catalog: Catalog, survey: Catalog) -> Catalog:
    """Return a catalog less what descends from a survey's images."""
    groups = pa.array(sorted(set(survey.column("group_id"))))
    kept = pc.invert(pc.is_in(catalog.table["group_id"], value_set=groups))
    return Catalog(catalog.root, catalog.table.filter(kept))


def _watched(catalog: Catalog) -> Catalog:
    """Return a catalog with few images in validation and test."""
    parts = [_spaced(catalog.select(split=split), _WATCHED) for split in ("validation", "test")]
    tables = [catalog.select(split="train").table, *(part.table for part in parts)]
    return Catalog(catalog.root, pa.concat_tables(tables))


def _kind(catalog: Catalog) -> str:
    """Tell which observed images are as large: of the folder ``small`` or ``real``."""
    widest = max(int(item["width"]) for item in catalog.rows())
    return "small" if widest <= _SMALL else "real"


def _spaced(catalog: Catalog, most: int) -> Catalog:
    places = np.linspace(0, len(catalog) - 1, min(most, len(catalog))).round().astype(int)
    return Catalog(catalog.root, catalog.table.take(places))


def figures(out: Path) -> dict[str, Any]:
    """Return AUC, balanced accuracy and false alarms: of each detector, fold and chain."""
    table: dict[str, Any] = {}
    for path in sorted(out.glob("*/peers.parquet")):  # what a finished fold wrote last
        fold = path.parent.name
        judged = {"parhelion": pq.read_table(path.parent / "fold.parquet")}
        for beside in sorted(path.parent.glob("*/fold.parquet")):
            judged[beside.parent.name] = pq.read_table(beside)
        others = pq.read_table(path)
        for peer in dict.fromkeys(others["peer"].to_pylist()):
            judged[peer] = others.filter(pc.equal(others["peer"], peer))
        for name, scores in judged.items():
            for left_out, mine in _parts(fold, scores):
                table.setdefault(name, {})[left_out] = {
                    chain: _of(mine.filter(pc.equal(mine["chain"], chain))) for chain in CHAINS
                }
    return table


def _parts(fold: str, scores: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield what was left out, and its scores beside those of observed images of its size."""
    if not fold.startswith("generators"):
        yield fold, scores
        return
    places = [Path(catalog) for catalog in scores["catalog"].to_pylist()]
    is_made = scores["is_made"].to_pylist()
    for generator in sorted({place for place, made in zip(places, is_made, strict=True) if made}):
        kind = _kind(open_catalog(generator))
        own = [place == generator or place.parent.name == kind for place in places]
        yield _generator(generator), scores.filter(pa.array(own))


def _of(rows: pa.Table) -> dict[str, Any]:
    made = np.array(rows["is_made"].to_pylist(), bool)
    probability = rows["probability_made"].to_numpy()
    found: dict[str, Any] = {
        "made": int(made.sum()),
        "observed": int((~made).sum()),
        "false_alarms": round(float((probability[~made] >= 0.5).mean()), 4),
    }
    if "verdict" in rows.column_names:  # by the detector's own thresholds
        places = short_name_of_each(rows["catalog"].to_pylist())
        found["verdicts"] = verdict_shares(rows["verdict"].to_pylist(), made.tolist(), places)
    if made.any():
        groups = rows["group_id"].to_pylist()
        figures = detector_figures(probability, made, groups, bootstrap=_RESAMPLES)
        found |= {name: np.round(figures[name], 4).tolist() for name in _FIGURES}
    return found


def _markdown(table: dict[str, Any]) -> str:
    lines = ["| left out | " + " | ".join(CHAINS) + " |", "|---" * (len(CHAINS) + 1) + "|"]
    for fold, chains in table["parhelion"].items():
        lines.append(f"| {fold} | " + " | ".join(_cell(chains[chain]) for chain in CHAINS) + " |")
    for name, folds in table.items():
        means: dict[str, list[dict[str, Any]]] = {}
        for fold, chains in folds.items():
            means.setdefault("generators" if "/" in fold else "folds", []).append(chains)
        for what, own in means.items():
            cells = [_mean_cell([chains[chain] for chains in own]) for chain in CHAINS]
            lines.append(f"| **{name}**, mean of {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean_cell(found: list[dict[str, Any]]) -> str:
    families = [one for one in found if "auc" in one]
    alarms = [one["false_alarms"] for one in found if "auc" not in one]
    cells = []
    if families:
        auc, right, ece = (
            np.mean([one[figure] for one in families])
            for figure in ("auc", "balanced_accuracy", "ece")
        )
        cells.append(f"AUC {auc:.3f}, {right:.3f}, ECE {ece:.3f}")
    if alarms:
        cells.append(f"alarms {np.mean(alarms):.3f}")
    return ", ".join(cells)


def _cell(found: dict[str, Any]) -> str:
    if "auc" not in found:
        told = found.get("verdicts", {}).get("observed", {})
        called = [f", called made {mine['made']:.3f}" for mine in told.values()]
        return "".join([f"alarms {found['false_alarms']:.3f}", *called])
    low, high = found["balanced_accuracy_interval"]
    accuracy = f"{found['balanced_accuracy']:.3f} [{low:.3f}, {high:.3f}]"
    return f"AUC {found['auc']:.3f}, {accuracy}, alarms {found['false_alarms']:.3f}"


def _value(text: str) -> Any:
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main()
