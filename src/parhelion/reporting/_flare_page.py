"""The page of ``parhelion reproduce flare``: the gain, both audits, where made images help."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from parhelion._files import write_text
from parhelion.reporting._astrospy_plots import with_pictures
from parhelion.reporting._astrospy_sections import INTERVALS, interval
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._flare_plots import features, scarcity
from parhelion.reporting._pictures import file_uri
from parhelion.reporting._render import render
from parhelion.reporting._report import costs_section, read_summary

PAGE_FILE = "index.html"

Figures = Mapping[str, Any]

_TEXTS = {
    "fine": (
        "The paper's test images are derived files split at random: siblings of nearly all of them "
        "were learned from. Its figures stand beside ours as what was claimed."
    ),
    "macro": "Macro classes are called by the sum of the probabilities of their fine classes.",
}


def report_flare(folder: Path | str) -> Path:
    """Write the page of a folder that `reproduce_flare` wrote.

    Parameters
    ----------
    folder : Path
        Holds ``summary.json``, ``samples.png`` and ``features.parquet``.

    Returns
    -------
    path : Path
        ``index.html`` in the folder; it needs no other file.

    Raises
    ------
    InputError
        If the folder holds no such summary.
    """
    folder = Path(folder)
    summary = read_summary(folder, "flare")
    counts = summary["data"]["counts"]
    test = sum(counts["test"].values())
    page = render(
        [
            _gains(summary),
            *(_table(summary, labels) for labels in summary["tables"]),
            _leaks(summary),
            _lengths(summary),
            _scarcity(summary),
            _samples(folder, summary),
            _features(folder),
            _method(summary),
            costs_section(summary),
        ],
        title="FLARE, done again",
        lead=(
            "The experiments of FLARE up your data: Diffusion-based Augmentation Method in "
            f"Astronomical Imaging at {summary['settings']['scale']} scale, judged on {test:,} "
            "real test images that nothing learned from descends from. Everything on this page "
            "was measured by the run that wrote it; what is the paper's is said to be."
        ),
        cards=_cards(summary),
        place=folder,
    )
    target = folder / PAGE_FILE
    write_text(target, page)
    return target


def _cards(summary: Figures) -> list[dict[str, str]]:
    gains = [gain for gain in summary["gains"] if gain["labels"] == "fine"]
    cards = [
        {
            "name": f"FLARE over {gain['than']}, points ({gain['backbone']})",
            "value": f"{100 * gain['difference']:+.1f}",
        }
        for gain in gains
        if gain["better"] == "FLARE" and gain["than"].startswith("raw")
    ]
    return [*cards, {"name": "minutes, all in all", "value": f"{summary['seconds'] / 60:.1f}"}]


def _gains(summary: Figures) -> Section:
    rows = [
        (
            gain["labels"],
            gain["backbone"],
            f"{gain['better']} over {gain['than']}",
            *_points(gain),
            _outcome(gain["interval"]),
        )
        for gain in summary["gains"]
    ]
    text = (
        "Differences of accuracy in points, on the same real test images; images (by group) and "
        "trainings are resampled together. The paper's mixture gains 20.8 to 23.3 points over raw "
        "images on its own split."
    )
    header = ("labels", "backbone", "what", "points", "95 % interval", "so")
    return Section("What is gained", text, [Block(header=header, rows=rows)])


def _points(gain: Figures) -> tuple[str, str]:
    low, high = gain["interval"]
    return f"{100 * gain['difference']:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}"


def _outcome(ends: Sequence[float]) -> str:
    if ends[0] > 0:
        return "a gain"
    return "a loss" if ends[1] < 0 else "not told apart"


def _table(summary: Figures, labels: str) -> Section:
    rows = summary["tables"][labels]
    tests = list(rows[0]["elsewhere"])
    cells = []
    for row in rows:
        found, abroad = row["in_domain"], row["elsewhere"].values()
        means = [one["accuracy"] for one in abroad]
        cells.append(
            [
                row["backbone"],
                row["name"],
                f"{row['images']:,}",
                "" if row["paper"] is None else f"{row['paper']:.3f}",
                f"{found['accuracy']:.3f}",
                interval(found["accuracy_seeds_interval"]),
                interval(found["accuracy_interval"]),
                f"{found['macro_f1']:.3f}",
                *(f"{mean:.3f}" for mean in means),
                *([f"{np.mean(means):.3f}"] if len(means) > 1 else []),
            ]
        )
    header = (
        "backbone",
        "learned from",
        "images",
        "the paper",
        "accuracy",
        "over trainings",
        "over images",
        "macro F1",
        *tests,
        *(["mean elsewhere"] if len(tests) > 1 else []),
    )
    seeds, count = rows[0]["in_domain"]["seeds"], rows[0]["in_domain"]["count"]
    caption = f"Mean of {seeds} trainings of each row, on {count:,} test images. {INTERVALS}"
    if tests:
        caption += (
            " Elsewhere: accuracy on images of other surveys; the paper's averages rise from "
            "54.8-66.3 to 74.1-80.1 %, though on Galaxy Zoo plain augmentation is better."
        )
    title = {"fine": "Fine classes", "macro": "Macro classes"}[labels]
    text = "" if labels == "macro" and summary["macro_trained"] else _TEXTS[labels]
    return Section(title, text, [Block(caption, header=header, rows=cells)])


def _leaks(summary: Figures) -> Section:
    honest = {
        (row["row"], row["backbone"]): row["in_domain"]["accuracy"]
        for row in summary["tables"]["fine"]
    }
    rows = []
    for leak in summary["leaks"]:
        clean = honest[leak["row"], leak["backbone"]]
        found = float(np.mean(leak["accuracy_of_seeds"]))
        rows.append(
            (
                leak["name"],
                f"{100 * leak['with_kin']:.1f} %",
                f"{found:.3f}",
                f"{clean:.3f}",
                f"{100 * (found - clean):+.1f}",
            )
        )
    text = (
        "The published code derives six files of each image and then splits all files at random. "
        f"The same trainings ({summary['leaks'][0]['backbone']}, fine classes) on such a split of "
        "each class, and on ours, where a group never spans two parts and only real images judge."
    )
    header = (
        "learned from",
        "test images with kin in training",
        "as published",
        "leak-free",
        "points",
    )
    return Section("The leak audit", text, [Block(header=header, rows=rows)])


def _lengths(summary: Figures) -> Section:
    found = summary["lengths"]
    rows = [
        (
            row["backbone"],
            row["name"],
            f"{np.mean(row['images_seen']):,.0f}",
            f"{row['in_domain']['accuracy']:.3f}",
            interval(row["in_domain"]["accuracy_interval"]),
        )
        for row in found["rows"]
    ]
    equal = {
        (gain["backbone"], gain["better"], gain["than"]): gain["difference"]
        for gain in summary["gains"]
        if gain["labels"] == "fine"
    }
    gains = [
        (
            gain["backbone"],
            f"{gain['better']} over {gain['than']}",
            *_points(gain),
            _outcome(gain["interval"]),
            f"{100 * equal[gain['backbone'], gain['better'], gain['than']]:+.1f}",
        )
        for gain in found["gains"]
    ]
    text = (
        "Where every training goes through its files equally often, one that has ten times the "
        f"files learns ten times as long. The same rows (fine classes) with {found['passes']} "
        "passes each, leak-free: what is gained here and not where all rows see as many images is "
        "gained by longer training."
    )
    header = ("backbone", "learned from", "images seen", "accuracy", "over images")
    gained = ("backbone", "what", "points", "95 % interval", "so", "with as many images")
    blocks = [Block(header=header, rows=rows), Block(header=gained, rows=gains)]
    return Section("The length audit", text, blocks)


def _scarcity(summary: Figures) -> Section:
    found = summary["scarcity"]
    rows = [
        (
            curve["name"],
            *(
                f"{point['in_domain']['accuracy']:.3f}"
                + _short(point["in_domain"]["accuracy_interval"])
                for point in curve["points"]
            ),
        )
        for curve in found["curves"]
    ]
    sizes = [str(point["size"]) for point in found["curves"][0]["points"]]
    text = (
        f"Accuracy ({found['backbone']}, fine classes) from so many independent images of each "
        "class. The generator learned from all training images, and so knows more than the "
        "few: read FLARE's curve at its low end as what a generator taught elsewhere would give."
    )
    blocks = [
        Block("Mean of the trainings, and 95 % over images.", plot=scarcity(found["curves"])),
        Block(header=("learned from", *sizes), rows=rows),
    ]
    return Section("Where made images help", text, blocks)


def _samples(folder: Path, summary: Figures) -> Section:
    shown = summary["samples"]
    text = (
        f"A row for each class, from the top: {', '.join(shown['classes'])}. In each row "
        f"{shown['each']} real images, {shown['each']} drawn by the diffusion model, and "
        f"{shown['each']} variations of real images."
    )
    return Section("What was made", text, [Block(picture=file_uri(folder / "samples.png"))])


def _features(folder: Path) -> Section:
    source = with_pictures(pq.read_table(folder / "features.parquet").to_pydict())
    text = (
        "Features of images that FLARE's classifier learned from, laid out by t-SNE together: who "
        "is near whom means something, axes and far distances do not. Point at a mark to see its "
        "image. Circles are real, diamonds augmented, triangles made."
    )
    blocks = [
        Block("Real.", plot=features(source, ["real"]), half=True),
        Block("And augmented.", plot=features(source, ["real", "augmented"]), half=True),
        Block("And made: the mixture.", plot=features(source, ["real", "augmented", "made"])),
    ]
    return Section("Features (the paper's Figure 1)", text, blocks)


def _method(summary: Figures) -> Section:
    settings, counts = summary["classifier"], summary["data"]["counts"]
    mixture = summary["mixture"]
    parts = "; ".join(f"{part} {sum(number.values()):,}" for part, number in counts.items())
    rows = [
        (
            "classes",
            "8: planet, galaxy, asteroid, nebula, comet, black hole, star, constellation",
            _classes(summary["classes"]),
        ),
        (
            "test images",
            "derived files, split at random",
            f"real ones, split by group ({parts} with what FLARE's mixture learns from)",
        ),
        (
            "generator",
            "UniDiffuser, pretrained, asked for 'A realistic image of {class} in space'",
            _generator(summary["generator"]),
        ),
        (
            "classifiers",
            "224 px, pretrained",
            f"{settings['image_size']} px, random start, {settings['images']:,} images seen, "
            "whatever the row",
        ),
        (
            "FLARE's mixture",
            "shares of augmented and of made images; its public code hints at 0.5 and 1",
            f"a share of {mixture['alpha']:g} of the augmented and {mixture['beta']:g} of "
            f"{mixture['made_in_all']:,} made images: {mixture['images']:,} in all, "
            f"{mixture['made'] / mixture['images']:.0%} made",
        ),
    ]
    found = ", ".join(f"{name} {count}" for name, count in summary["screened"].items())
    text = (
        "The figures are not of the same data: read them as the same questions, asked again. "
        f"Screening the images found: {found or 'nothing'}; they were left in."
    )
    header = ("", "the paper", "here")
    return Section("What differs from the paper", text, [Block(header=header, rows=rows)])


def _classes(labels: Sequence[str]) -> str:
    named = f"{len(labels)}: {', '.join(label.replace('_', ' ') for label in labels)}"
    return named if "black_hole" in labels else f"{named}; none of black holes"


def _generator(told: Figures) -> str:
    if "pretrained" in told:
        return f"{told['pretrained']}, pretrained: whether on test images is not known"
    kind = {"lora": "a LoRA", "diffusion": "a diffusion model"}[told["kind"]]
    return (
        f"{kind} of {told['parameters'] / 1e6:.1f} M parameters, taught on the train part alone "
        f"({told['images_seen']:,} images seen)"
    )


def _short(ends: Sequence[float]) -> str:
    return f" ({ends[0]:.2f} to {ends[1]:.2f})"
