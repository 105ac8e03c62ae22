"""FLARE's tables, its gain, what leaks and longer training add, and where made images help."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np

from parhelion._files import write_json
from parhelion._settings import load_recipe, settings_dict
from parhelion.catalog import MADE_ORIGINS, Catalog, open_catalog, screen
from parhelion.errors import InputError
from parhelion.experiments._elsewhere import check_unseen, labeled_tests
from parhelion.experiments._flare_data import Sets, is_pretrained, prepare
from parhelion.experiments._flare_labels import check_tests, label_sets, labeled_images
from parhelion.experiments._flare_pictures import write_features, write_samples
from parhelion.experiments._flare_rows import (
    FLARE,
    GAINS,
    HIGH_AUGMENTED,
    PAPER,
    RAW,
    RAW_AUGMENTED,
    ROWS,
    SCALES,
    Scale,
    Training,
    as_published,
)
from parhelion.experiments._flare_runs import Runs
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Figures, Stages, machine, say
from parhelion.generation import DiffusionSettings, train_diffusion
from parhelion.mixing import MixSettings
from parhelion.reporting import report_flare
from parhelion.training import find_model, read_card

#: Rows of the scarcity curve: without made images, and with them.
_CURVES = (HIGH_AUGMENTED, FLARE)
#: Rows of the two audits.
_AUDITED = (RAW, RAW_AUGMENTED, FLARE)

#: The trainings of each row, by labels, network and row.
Tables = Mapping[tuple[str, str, str], list[Training]]


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
        If `data` is not split, a part of it lacks a class or an image cannot be read; if
        `elsewhere` shares images with it or none of its classes; or if `out` holds a run with
        other settings or images.
    ModelError
        If the generator learned from anything but the train part of `data`.
    """
    settings, out = settings or ReproduceFlareSettings(), Path(out)
    scale = SCALES[settings.scale]
    whole = labeled_images(open_catalog(data))
    abroad = labeled_tests(elsewhere)
    for name, catalog in abroad.items():
        check_unseen(name, [catalog], [whole])
    check_tests(abroad, whole)
    label_kinds = label_sets(whole)
    shares = scale.mixture(settings)
    drawn, upscaler = settings.drawn or scale.drawn, settings.upscaler or scale.upscaler
    own = {"alpha": shares.alpha, "beta": shares.beta, "drawn": drawn, "upscaler": upscaler}
    facts = {"data": str(data), "elsewhere": list(elsewhere)}
    stages = Stages(
        out, "reproduce flare", settings, {**facts, **own}, images={"--data": whole, **abroad}
    )
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
        drawn=drawn,
        upscaler=upscaler,
    )
    runs = Runs(out / "runs", stages, scale, settings, sets)
    smaller = scale.backbones[-1]

    def of_seeds(row: str, backbone: str = smaller, **unlike: Any) -> list[Training]:
        seeds = range(settings.seed, settings.seed + settings.seeds)
        return [Training(row, backbone, seed, **unlike) for seed in seeds]

    tables = {
        (labels, backbone, row): of_seeds(row, backbone, labels=labels if scale.apart else "fine")
        for labels, backbone, row in product(label_kinds, scale.backbones, ROWS)
    }
    leaky = {row: of_seeds(row, leaky=True) for row in _AUDITED}
    longer = {
        (backbone, row): of_seeds(row, backbone, passes=scale.passes)
        for backbone, row in product(scale.backbones, _AUDITED)
    }
    few = {case: of_seeds(case[0], size=case[1]) for case in product(_CURVES, (*scale.sizes, None))}
    groups = chain(tables.values(), leaky.values(), longer.values(), few.values())
    runs.train(list(dict.fromkeys(chain.from_iterable(groups))))  # some are in two groups

    first = tables["fine", scale.backbones[0], FLARE][0]
    (mixture,) = runs.images(first)
    (folder,) = runs.folders([first])
    card = read_card(folder, "classifier")

    def features() -> Figures:
        return write_features(out, folder, mixture, settings.device, settings.seed)

    summary: Figures = {
        "paper": "flare",
        "screened": screened,
        "features": stages.run("lay out the features by t-SNE", features),
        "samples": stages.run(
            "show what was made", partial(write_samples, out, sets, settings.seed)
        ),
        "tables": {labels: _table(runs, tables, labels) for labels in label_kinds},
        "gains": _gains(runs, tables),
        "leaks": _leaks(runs, leaky, sets),
        "lengths": _lengths(runs, longer, scale),
        "macro_trained": scale.apart,
        "scarcity": _scarcity(runs, few),
        "classifier": card["settings"],
        "classes": card["labels"],
        "generator": _told(generator),
        "data": {**facts, "counts": card["data"]["counts"]},
        "mixture": _mixed(shares, mixture, sets),
        "settings": settings_dict(settings),
        "machine": machine(),
        **stages.costs(),
    }
    write_json(out / "summary.json", summary)
    report_flare(out)
    say(f"{out / 'index.html'} is written; {summary['seconds'] / 60:.1f} minutes in all")
    return summary


def _screened(whole: Catalog) -> Figures:
    """Count what screening finds, by reason; stop at what cannot be read."""
    findings = screen(whole)
    unreadable = [finding for finding in findings if finding.reason == "unreadable"]
    if unreadable:
        first = unreadable[0]
        raise InputError(
            f"{len(unreadable)} images of {whole.root} cannot be read ({first.path}: "
            f"{first.detail}); leave them out with `parhelion screen {whole.root} --out FIT`"
        )
    return dict(sorted(Counter(finding.reason for finding in findings).items()))


def _generator(stages: Stages, out: Path, whole: Catalog, settings: ReproduceFlareSettings) -> str:
    """Train the scale's diffusion model, for less long where it is only tried out."""
    recipe = load_recipe(SCALES[settings.scale].generator, "train diffusion", DiffusionSettings)
    share = min(1.0, settings.share)
    recipe = replace(
        recipe,
        images=max(recipe.batch, round(share * recipe.images)),
        autoencoder_images=max(recipe.batch, round(share * recipe.autoencoder_images)),
        device=settings.device,
    )

    def train() -> Figures:
        train_diffusion([whole], out, recipe, resume=True)
        return {"images_seen": read_card(out, "diffusion")["images_seen"]}

    stages.run("train the generator", train)
    return str(out)


def _table(runs: Runs, tables: Tables, labels: str) -> list[Figures]:
    """Measure the rows of a table, of one network after the other."""
    return [
        {
            "row": row,
            "name": ROWS[row],
            "backbone": backbone,
            "paper": PAPER.get(backbone, {}).get(row) if labels == "fine" else None,
            **runs.figures(trainings, labels, abroad=True),
        }
        for (wanted, backbone, row), trainings in tables.items()
        if wanted == labels
    ]


def _gains(runs: Runs, tables: Tables) -> list[Figures]:
    """Measure by how much a row is better than another."""
    cases = dict.fromkeys((labels, backbone) for labels, backbone, _ in tables)
    return [
        {
            "labels": labels,
            "backbone": backbone,
            "better": ROWS[better],
            "than": ROWS[than],
            **runs.gain(tables[labels, backbone, better], tables[labels, backbone, than], labels),
        }
        for (labels, backbone), (better, than) in product(cases, GAINS)
    ]


def _leaks(runs: Runs, cases: Mapping[str, list[Training]], sets: Sets) -> list[Figures]:
    """Measure trainings on files that were split at random, as published."""
    found = []
    for row, trainings in cases.items():
        # Each has a test part of its own, so that there are no calls to join.
        cards = [read_card(folder, "classifier") for folder in runs.folders(trainings)]
        with_kin = [as_published(row, sets, training.seed)[1] for training in trainings]
        found.append(
            {
                "row": row,
                "name": ROWS[row],
                "backbone": trainings[0].backbone,
                "accuracy_of_seeds": [card["figures"]["accuracy"] for card in cards],
                "with_kin": float(np.mean(with_kin)),
            }
        )
    return found


def _lengths(runs: Runs, cases: Mapping[tuple[str, str], list[Training]], scale: Scale) -> Figures:
    """Measure trainings with as many passes over their files, not as many images."""
    rows = [
        {"row": row, "name": ROWS[row], "backbone": backbone, **runs.figures(trainings)}
        for (backbone, row), trainings in cases.items()
    ]
    gains = [
        {
            "backbone": backbone,
            "better": ROWS[better],
            "than": ROWS[than],
            **runs.gain(cases[backbone, better], cases[backbone, than]),
        }
        for backbone, (better, than) in product(scale.backbones, GAINS)
        if {better, than} <= set(_AUDITED)
    ]
    return {"passes": scale.passes, "rows": rows, "gains": gains}


def _scarcity(runs: Runs, cases: Mapping[tuple[str, int | None], list[Training]]) -> Figures:
    """Measure trainings on so many independent images of each class."""
    curves: dict[str, list[Figures]] = {}
    for (row, size), trainings in cases.items():
        point = {"size": size or "all", **runs.figures(trainings)}
        curves.setdefault(row, []).append(point)
    return {
        "backbone": next(iter(cases.values()))[0].backbone,
        "curves": [
            {"row": row, "name": ROWS[row], "points": points} for row, points in curves.items()
        ],
    }


def _mixed(shares: MixSettings, mixture: Catalog, sets: Sets) -> Figures:
    """Tell what FLARE's mixture is made of."""
    learned = mixture.select(split="train")
    return {
        "alpha": shares.alpha,
        "beta": shares.beta,
        "score": shares.score,
        "images": len(learned),
        "made": len(learned.select(origin=sorted(MADE_ORIGINS))),
        "made_in_all": len(sets.synthetic),
    }


def _told(generator: str) -> Figures:
    """Return what the page says of the generator."""
    if is_pretrained(generator):
        return {"pretrained": generator}
    card = read_card(find_model(generator))
    return {key: card[key] for key in ("kind", "model_id", "images_seen", "parameters", "data")}
