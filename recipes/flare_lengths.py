"""Hold FLARE's mixture, and made images alone, against real ones in longer trainings.

    parhelion reproduce flare --data OBJECTS --generator GENERATOR --out flare
    python recipes/flare_lengths.py --flare flare --out lengths --share 4

Classifiers learn from the images that `parhelion reproduce flare` made, with its settings but for
the number of images that each training sees, which is the same for all rows; the run need not have
gone further than these images. Prints the accuracy of each row, and what one gains over another.
Trainings that are finished are not done again, others are resumed.
"""

import argparse
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

from parhelion._settings import SETTINGS_FILE, settings_from_dict
from parhelion.catalog import joined, open_catalog
from parhelion.experiments._flare_data import Sets
from parhelion.experiments._flare_rows import (
    FLARE,
    GAINS,
    HIGH_AUGMENTED,
    MADE,
    RAW,
    RAW_AUGMENTED,
    ROWS,
    SCALES,
    Training,
)
from parhelion.experiments._flare_runs import Runs
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Stages

_ROWS = (RAW, RAW_AUGMENTED, HIGH_AUGMENTED, MADE, FLARE)


def main() -> None:
    """Train what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--flare", type=Path, required=True, help="what reproduce flare wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=4.0, help="of reproduce flare's images")
    parser.add_argument("--only", nargs="*", help="backbones; all when not given")
    chosen = parser.parse_args()

    kept = json.loads((chosen.flare / SETTINGS_FILE).read_text())["settings"]
    settings = settings_from_dict(ReproduceFlareSettings, kept, where=str(chosen.flare))
    settings = replace(settings, share=chosen.share)
    scale = SCALES[settings.scale]
    if scale.side is None:
        raise SystemExit(
            f"--flare (={chosen.flare}) must be a run at small scale, with its own low/"
        )
    stages = Stages(chosen.out, "flare lengths", settings, {"flare": str(chosen.flare)})
    runs = Runs(chosen.out / "runs", stages, scale, settings, _sets(chosen.flare / "data"))
    backbones = chosen.only or scale.backbones
    seeds = range(settings.seed, settings.seed + settings.seeds)
    cases = {
        (backbone, row): [Training(row, backbone, seed) for seed in seeds]
        for backbone, row in product(backbones, _ROWS)
    }
    runs.train([training for trainings in cases.values() for training in trainings])

    print("| backbone | learned from | images seen | accuracy | over images |")
    print("|---|---|---|---|---|")
    for (backbone, row), trainings in cases.items():
        figures = runs.figures(trainings)
        seen = sum(figures["images_seen"]) / len(trainings)
        found = figures["in_domain"]
        low, high = found["accuracy_interval"]
        print(
            f"| {backbone} | {ROWS[row]} | {seen:,.0f} "
            f"| {found['accuracy']:.3f} | {low:.3f} to {high:.3f} |"
        )
    for backbone, (better, than) in product(backbones, GAINS):
        if {better, than} <= set(_ROWS):
            gain = runs.gain(cases[backbone, better], cases[backbone, than])
            low, high = (f"{100 * end:+.1f}" for end in gain["interval"])
            points = f"{100 * gain['difference']:+.1f} points ({low} to {high})"
            print(f"{backbone}: {ROWS[better]} over {ROWS[than]} {points}")


def _sets(folder: Path) -> Sets:
    """Open the images of a run."""
    low, high, low_augmented, high_augmented, made, made_augmented = (
        open_catalog(folder / name)
        for name in (
            "low",
            "high",
            "low-augmented",
            "high-augmented",
            "synthetic",
            "synthetic-augmented",
        )
    )
    made = joined([made, made_augmented])
    return Sets(low, high, low_augmented, high_augmented, made, elsewhere={})


if __name__ == "__main__":
    main()
