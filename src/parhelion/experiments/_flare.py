"""FLARE's tables, its gain, what leaks and longer training add, and where made images help."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from parhelion._files import write_json
from parhelion._settings import load_recipe, settings_dict
from parhelion.catalog import Catalog, open_catalog, screen
from parhelion.errors import InputError
from parhelion.experiments._elsewhere import check_unseen, labeled_tests
from parhelion.experiments._flare_data import Sets, is_pretrained, prepare
from parhelion.experiments._flare_pictures import write_features, write_samples
from parhelion.experiments._flare_rows import (
    FLARE,
    GAINS,
    HIGH_AUGMENTED,
    LABELS,
    PAPER,
    RAW,
    RAW_AUGMENTED,
    ROWS,
    SCALES,
    as_published,
    few,
    learned_from,
)
from parhelion.experiments._flare_runs import Runs
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Figures, Stages, machine, say
from parhelion.generation import DiffusionSettings, train_diffusion
from parhelion.reporting import report_flare
from parhelion.training import find_model, read_card

#: Rows of the scarcity curve: without made images, and with them.
_CURVES = (HIGH_AUGMENTED, FLARE)
#: Rows of the two audits.
_AUDITED = (RAW, RAW_AUGMENTED, FLARE)


def reproduce_flare(
    data: Path | str,
    out: Path | str,
    settings: ReproduceFlareSettings | None = None,
    *,
    elsewhere: Sequence[str] = (),
) -> Figures:
    """Do the experiments of the FLARE paper without its leak, and write its tables beside ours.

    Raw images are enlarged; both are augmented; a diffusion model that learned from the train
    part draws images of each class and varies those it learned from, and these are enlarged and
    augmented too. Classifiers of each backbone, for fine and for macro labels, learn from raw
    images, augmented ones, enlarged ones, both, made images alone, and FLARE's mixture; real
    images that nothing descends from judge them. Then the same on the published split of derived
    files (the leak audit), with as many passes over its files for each row, so that the larger
    set is learned from for longer (the length audit), and on few images of each class (the
    scarcity curve).

    Parameters
    ----------
    data : Path
        Catalog of labeled images, split.
    out : Path
        Folder for everything. ``index.html`` and ``summary.json`` are the results. Stages that an
        earlier run with the same settings finished are not done again, and the one that it
        stopped in goes on.
    settings : ReproduceFlareSettings, optional
        Scale, seeds, generator, mixture.
    elsewhere : sequence of str
        Tests out of the domain: ``CATALOG``, whose labels are classes of `data`, or
        ``CATALOG=CLASS``, all of whose images are of that class.

    Returns
    -------
    summary : dict
        What ``summary.json`` holds.

    Raises
    ------
    InputError
        If `data` is not split or labeled, `elsewhere` shares images with it, or `out` holds a run
        with other settings.
    ModelError
        If the generator learned from anything but the train part of `data`.
    """
    settings, out = settings or ReproduceFlareSettings(), Path(out)
    scale = SCALES[settings.scale]
    whole = _labeled(open_catalog(data))
    abroad = labeled_tests(elsewhere)
    for name, catalog in abroad.items():
        check_unseen(name, [catalog], [whole])
    facts = {"data": str(data), "elsewhere": list(elsewhere)}
    stages = Stages(out, "reproduce flare", settings, facts)
    screened = stages.run("look the images over", partial(_screened, whole))
    generator = settings.generator or _generator(stages, out / "generator", whole, settings)
    sets = prepare(
        stages,
        out / "data",
        whole,
        abroad,
        generator,
        settings,
        side=scale.side,
        drawn=settings.drawn or scale.drawn,
        upscaler=settings.upscaler or scale.upscaler,
    )
    runs = Runs(out / "runs", stages, scale, settings, sets.elsewhere)
    seeds = range(settings.seed, settings.seed + settings.seeds)

    @cache
    def learned(row: str) -> list[Catalog]:
        return learned_from(row, sets, settings)

    done: dict[tuple[str, str, str], list[Path]] = {}
    for row in ROWS:
        for backbone in scale.backbones:
            for labels in LABELS if scale.apart else ("fine",):
                done[backbone, labels, row] = [
                    runs.train(
                        f"{backbone}-{labels}-{row}-{seed}",
                        partial(learned, row),
                        row,
                        backbone,
                        labels,
                        seed,
                        abroad=True,
                    )
                    for seed in seeds
                ]
    if not scale.apart:
        done |= {(backbone, "macro", row): found for (backbone, _, row), found in done.items()}
    leaks = _leaks(runs, sets, scale.backbones[-1], seeds)
    lengths = _lengths(runs, learned, scale.backbones[-1], scale.passes, seeds)
    scarcity = _scarcity(runs, sets, done, scale.backbones[-1], scale.sizes, settings)

    first = done[scale.backbones[0], "fine", FLARE][0]
    (mixture,) = learned(FLARE)
    card = read_card(first, "classifier")

    def features() -> Figures:
        return write_features(out, first, mixture, settings.device, settings.seed)

    summary: Figures = {
        "paper": "flare",
        "screened": screened,
        "features": stages.run("lay out the features by t-SNE", features),
        "samples": stages.run(
            "show what was made", partial(write_samples, out, sets, settings.seed)
        ),
        "tables": {
            labels: [
                {
                    "row": row,
                    "name": name,
                    "backbone": backbone,
                    "paper": PAPER.get(backbone, {}).get(row) if labels == "fine" else None,
                    **runs.figures(done[backbone, labels, row], labels, abroad=True),
                }
                for backbone in scale.backbones
                for row, name in ROWS.items()
            ]
            for labels in LABELS
        },
        "gains": [
            {
                "labels": labels,
                "backbone": backbone,
                "better": ROWS[better],
                "than": ROWS[than],
                **runs.gain(done[backbone, labels, better], done[backbone, labels, than], labels),
            }
            for labels in LABELS
            for backbone in scale.backbones
            for better, than in GAINS
        ],
        "leaks": leaks,
        "lengths": lengths,
        "macro_trained": scale.apart,
        "scarcity": scarcity,
        "classifier": card["settings"],
        "classes": card["labels"],
        "generator": _told(generator),
        "data": {**facts, "counts": card["data"]["counts"]},
        "made": {"synthetic": len(sets.synthetic), "mixture": len(mixture)},
        "settings": settings_dict(settings),
        "machine": machine(),
        **stages.costs(),
    }
    write_json(out / "summary.json", summary)
    report_flare(out)
    say(f"{out / 'index.html'} is written; {summary['seconds'] / 60:.1f} minutes in all")
    return summary


def _labeled(whole: Catalog) -> Catalog:
    """Return the observed images that have a label."""
    chosen = whole.select(origin="observed")
    chosen = chosen.select(label=sorted({label for label in chosen.column("label") if label}))
    if not len(chosen):
        raise InputError(f"{whole.root} has no observed image with a label")
    if None in chosen.column("split"):
        raise InputError(f"{whole.root} is not split; run `parhelion split {whole.root}` first")
    return chosen


def _screened(whole: Catalog) -> Figures:
    """Count what screening finds, by reason."""
    reasons = Counter(finding.reason for finding in screen(whole))
    return dict(sorted(reasons.items()))


def _generator(stages: Stages, out: Path, whole: Catalog, settings: ReproduceFlareSettings) -> str:
    """Train the scale's diffusion model."""
    recipe = load_recipe(SCALES[settings.scale].generator, "train diffusion", DiffusionSettings)

    def train() -> Figures:
        train_diffusion([whole], out, recipe, resume=True)
        return {"images_seen": read_card(out, "diffusion")["images_seen"]}

    stages.run("train the generator", train)
    return str(out)


def _leaks(runs: Runs, sets: Sets, backbone: str, seeds: Sequence[int]) -> list[Figures]:
    """Do some rows again on files that were split at random, as published."""
    found = []
    for row in _AUDITED:
        accuracies, with_kin = [], []
        for seed in seeds:
            leaky, share = as_published(row, sets, seed)
            run = runs.train(
                f"{backbone}-fine-{row}-leaky-{seed}",
                partial(list, [leaky]),
                row,
                backbone,
                "fine",
                seed,
                judged="observed",
            )
            # Each has a test part of its own, so that there are no calls to join.
            accuracies.append(read_card(run, "classifier")["figures"]["accuracy"])
            with_kin.append(share)
        found.append(
            {
                "row": row,
                "name": ROWS[row],
                "backbone": backbone,
                "accuracy_of_seeds": accuracies,
                "with_kin": float(np.mean(with_kin)),
            }
        )
    return found


def _lengths(
    runs: Runs,
    learned: Callable[[str], list[Catalog]],
    backbone: str,
    passes: int,
    seeds: Sequence[int],
) -> Figures:
    """Do some rows again with as many passes over their files, not as many images."""
    trained = {
        row: [
            runs.train(
                f"{backbone}-fine-{row}-{passes}-passes-{seed}",
                partial(learned, row),
                row,
                backbone,
                "fine",
                seed,
                passes=passes,
            )
            for seed in seeds
        ]
        for row in _AUDITED
    }
    rows = [
        {
            "row": row,
            "name": ROWS[row],
            **runs.figures(trained[row]),
            "over_raw": None if row == RAW else runs.gain(trained[row], trained[RAW]),
        }
        for row in _AUDITED
    ]
    return {"backbone": backbone, "passes": passes, "rows": rows}


def _scarcity(
    runs: Runs,
    sets: Sets,
    done: dict[tuple[str, str, str], list[Path]],
    backbone: str,
    sizes: Sequence[int],
    settings: ReproduceFlareSettings,
) -> Figures:
    """Learn from so many independent images of each class, with made images and without."""
    curves = []
    for row in _CURVES:
        points = []
        for size in sizes:
            trained = [
                runs.train(
                    f"{backbone}-fine-{row}-{size}-images-{seed}",
                    partial(_from_few, row, sets, size, seed, settings),
                    row,
                    backbone,
                    "fine",
                    seed,
                )
                for seed in range(settings.seed, settings.seed + settings.seeds)
            ]
            points.append({"size": size, **runs.figures(trained)})
        points.append({"size": "all", **runs.figures(done[backbone, "fine", row])})
        curves.append({"row": row, "name": ROWS[row], "points": points})
    return {"backbone": backbone, "curves": curves}


def _from_few(
    row: str, sets: Sets, size: int, seed: int, settings: ReproduceFlareSettings
) -> list[Catalog]:
    return learned_from(row, few(sets, size, seed), settings)


def _told(generator: str) -> Figures:
    """Return what the page says of the generator."""
    if is_pretrained(generator):
        return {"pretrained": generator}
    card = read_card(find_model(generator))
    return {key: card[key] for key in ("kind", "model_id", "images_seen", "parameters", "data")}
