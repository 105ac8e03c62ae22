"""AstroSpy's three tables as sections of a page, and in words the order that they show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parhelion.reporting._blocks import Block, Section

Figures = Mapping[str, Any]

_PAPER_ELSEWHERE = "natural 0.83, medical 0.59, faces 0.93, on average 0.78"
#: The paper's order of what Table 1 looks at, with the rows that stand for it.
_SHORT = {
    "joint": "joint, addition",
    "image": "image + augmentation",
    "Fourier": "Fourier only",
}


_HEADER = (
    "configuration",
    "the paper",
    "accuracy",
    "over trainings",
    "over images",
    "F1",
    "AUC",
)
INTERVALS = (
    "Intervals hold 95 %: over trainings by Student's t, over images by a bootstrap of groups."
)
_TESTS = ("test", "observed", "made")


def order_section(summary: Figures) -> Section:
    """Say in words whether joint > image > Fourier, as the paper has it, was found here."""
    accuracy = {row["name"]: row["in_domain"]["accuracy"] for row in summary["tables"]["1"]}
    found = sorted(_SHORT.items(), key=lambda pair: -accuracy[pair[1]])
    words = " > ".join(f"{short} ({accuracy[name]:.3f})" for short, name in found)
    same = [short for short, _ in found] == list(_SHORT)
    steps = summary["order"].values()
    sure = all(step["interval"][0] > 0 for step in steps)
    verdict = (
        "the paper's order, and both steps are larger than their uncertainty"
        if same and sure
        else "the paper's order, but not every step is larger than its uncertainty"
        if same
        else "not the paper's order"
    )
    text = (
        "The paper finds joint > image > Fourier (0.98, 0.94, 0.69). Here, by mean in-domain "
        f"accuracy: {words}. That is {verdict}."
    )
    rows = [
        (
            f"{step['better']} over {step['worse']}",
            paper,
            f"{step['difference']:+.3f}",
            f"{step['interval'][0]:+.3f} to {step['interval'][1]:+.3f}",
            _outcome(step["interval"]),
        )
        for step, paper in zip(steps, ("+0.04", "+0.25"), strict=True)
    ]
    header = ("step", "the paper", "here", "95 % interval", "so")
    return Section(
        "Joint, image, Fourier: the order found",
        text,
        [
            Block(
                "Differences of accuracy on the same test images; images (by group) and trainings "
                "are resampled together.",
                header=header,
                rows=rows,
            )
        ],
    )


def _outcome(interval: Sequence[float]) -> str:
    if interval[0] > 0:
        return "better, as in the paper"
    if interval[1] < 0:
        return "worse, against the paper"
    return "not told apart"


def looks_section(summary: Figures) -> Section:
    rows = summary["tables"]["1"]
    names = list(rows[0]["elsewhere"])
    cells = [[*_row(row), *_abroad(row["elsewhere"])] for row in rows]
    gaps = [""] * (len(names) + bool(names))
    format_only = [
        "format only (a control)",
        "",
        f"{summary['format_only_accuracy']:.3f}",
        *[""] * 4,
        *gaps,
    ]
    header = [*_HEADER, *names, *(["mean elsewhere"] if names else [])]
    text = (
        "Accuracy is the mean of that on observed and that on made images of the test part, none "
        "of which shares a source with an image trained on; both classes pass through one codec. "
        "A logistic regression on what is left of the file, its number of bytes, is the control: "
        "it ought to be at 0.5."
    )
    blocks = [
        Block(
            f"{_seeds(rows[0])}. {INTERVALS} Elsewhere: accuracy, and AUC in brackets where a "
            f"test has both classes; the paper's joint detector has {_PAPER_ELSEWHERE}.",
            header=header,
            rows=[*cells, format_only],
        )
    ]
    if names:
        blocks.append(Block("The tests elsewhere.", header=_TESTS, rows=_tests(rows[0])))
    return Section("Table 1: what is looked at", text, blocks)


def _tests(row: Figures) -> list[list[str]]:
    return [
        [name, f"{figures['observed']:,}", f"{figures['made']:,}"]
        for name, figures in row["elsewhere"].items()
    ]


def _row(row: Figures) -> list[str]:
    figures = row["in_domain"]
    return [
        row["name"],
        "" if row["paper"] is None else f"{row['paper']:.2f}",
        f"{figures['accuracy']:.3f}",
        interval(figures["accuracy_seeds_interval"]),
        interval(figures["accuracy_interval"]),
        f"{figures['f1']:.3f}",
        f"{figures['auc']:.3f}",
    ]


def _abroad(tests: Figures) -> list[str]:
    cells = [
        f"{figures['accuracy']:.2f}" + (f" ({figures['auc']:.2f})" if "auc" in figures else "")
        for figures in tests.values()
    ]
    if not cells:
        return []
    return [*cells, f"{np.mean([figures['accuracy'] for figures in tests.values()]):.2f}"]


def interval(ends: Sequence[float] | None) -> str:
    """Tell a 95 % interval of accuracies, or that there is none of one training."""
    if ends is None:
        return "one training"
    # Student's interval of few values may pass what an accuracy can be.
    return f"{max(ends[0], 0):.3f} to {min(ends[1], 1):.3f}"


def _seeds(row: Figures) -> str:
    seeds = row["in_domain"]["seeds"]
    count = row["in_domain"]["count"]
    return f"Mean of {seeds} trainings of each row, on {count:,} test images"


def backbones_section(summary: Figures) -> Section:
    rows = summary["tables"]["2"]
    text = (
        "Two of each, one for the image and one for its spectrum, their features added. "
        + _how_started(summary)
    )
    block = Block(INTERVALS, header=_HEADER, rows=[_row(row) for row in rows])
    return Section("Table 2: backbones", text, [block])


def augmentations_section(summary: Figures) -> Section:
    rows = summary["tables"]["3"]
    settings = summary["detector"]
    text = (
        "One random change of training images at a time, of the joint detector (addition): flips "
        f"of every second image; with probability {settings['augment_probability']:g} each, "
        f"rotation by up to {settings['rotation']:g} degrees, color jitter of up to "
        f"{settings['color_jitter']:.0%}, Gaussian blur of up to {settings['blur']:g} px. The "
        "strengths are ours."
    )
    caption = (
        f"{INTERVALS} The last row is that of Table 1. The paper's F1 with all of them is 0.97."
    )
    block = Block(caption, header=_HEADER, rows=[_row(row) for row in rows])
    return Section("Table 3: augmentations", text, [block])


def _how_started(summary: Figures) -> str:
    start = summary["settings"]["pretrained"]
    if start is None:
        return "All start at random."
    return f"All but the CNN start from pretrained weights ({start})."
