"""The page of ``parhelion reproduce astrospy``: the paper's three tables beside ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from parhelion._files import write_text
from parhelion._names import short_names
from parhelion.reporting._astrospy_plots import DIFFERENCE, HEAT, layout, plane, profiles, source_of
from parhelion.reporting._astrospy_sections import (
    augmentations_section,
    backbones_section,
    looks_section,
    order_section,
)
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._render import render
from parhelion.reporting._report import costs_section, read_summary

PAGE_FILE = "index.html"

Figures = Mapping[str, Any]

_PAPER_SETTINGS = (
    "224 px, ResNet-50, batches of 32, Adam at 2e-5, 25 epochs, patience 5, split 80-10-10"
)


def report_astrospy(folder: Path | str) -> Path:
    """Write the page of a folder that `reproduce_astrospy` wrote.

    Parameters
    ----------
    folder : Path
        Holds ``summary.json``, ``spectra.npz`` and ``embedding.parquet``.

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
    summary = read_summary(folder, "astrospy")
    sections = [
        order_section(summary),
        looks_section(summary),
        backbones_section(summary),
        augmentations_section(summary),
        _spectra(folder, summary["spectra"]),
        _embedding(folder, summary["embedding"]),
        _method(summary),
        costs_section(summary),
    ]
    counts = summary["data"]["counts"]
    images = sum(number for part in counts.values() for number in part.values())
    page = render(
        sections,
        title="AstroSpy, done again",
        lead=(
            "The experiments of AstroSpy: On detecting Fake Images in Astronomy via Joint "
            f"Image-Spectral Representations at {summary['settings']['scale']} scale, on "
            f"{images:,} images. Everything on this page was measured by the run that wrote it; "
            "what is the paper's is said to be."
        ),
        cards=_cards(summary),
        place=folder,
    )
    target = folder / PAGE_FILE
    write_text(target, page)
    return target


def _cards(summary: Figures) -> list[dict[str, str]]:
    rows = {row["name"]: row["in_domain"] for row in summary["tables"]["1"]}
    names = {
        "joint, addition": "joint, in-domain (paper 0.98)",
        "image + augmentation": "image + augmentation (0.94)",
        "Fourier only": "Fourier only (0.69)",
    }
    return [
        *(
            {"name": label, "value": f"{rows[name]['accuracy']:.3f}"}
            for name, label in names.items()
        ),
        {"name": "format only: 0.5 is chance", "value": f"{summary['format_only_accuracy']:.3f}"},
        {"name": "trainings", "value": str(_trainings(summary))},
        {"name": "minutes, all in all", "value": f"{summary['seconds'] / 60:.1f}"},
    ]


def _trainings(summary: Figures) -> int:
    rows = {row["run"]: row for table in summary["tables"].values() for row in table}
    return sum(row["in_domain"]["seeds"] for row in rows.values())


def _spectra(folder: Path, counts: Figures) -> Section:
    with np.load(folder / "spectra.npz") as arrays:
        observed, made = (arrays[f"{name}_spectrum"] for name in ("observed", "made"))
        rings = arrays["observed_profiles"], arrays["made_profiles"]
    both = np.stack([observed, made])
    limits = (float(np.percentile(both, 1)), float(both.max()))
    reach = float(np.percentile(np.abs(made - observed), 99.5))
    text = (
        "Mean log spectra of the test part as the detector sees it: gray, without its mean, under "
        "a Hann window, standardized image by image. What a generator's upsampling leaves behind "
        "shows as a lattice or as too little, or too much, at high frequencies."
    )
    blocks = [
        Block(
            f"Observed, {counts['observed']:,}.",
            plot=plane(observed, limits, HEAT),
            half=True,
        ),
        Block(f"Made, {counts['made']:,}.", plot=plane(made, limits, HEAT), half=True),
        Block(
            "Made less observed.",
            plot=plane(made - observed, (-reach, reach), DIFFERENCE),
            half=True,
        ),
        Block(
            "Means over rings: the median, and 5 to 95 % of images.",
            plot=profiles(*rings),
            half=True,
        ),
    ]
    return Section("Spectra (the paper's Figure 3)", text, blocks)


def _embedding(folder: Path, counts: Figures) -> Section:
    source = source_of(pq.read_table(folder / "embedding.parquet").to_pydict())
    text = (
        f"Features of {counts['images']:,} test images before the last layer, laid out by t-SNE: "
        "who is near whom means something, axes and far distances do not. Point at a mark to see "
        "its image; the wheel zooms; a click on the legend hides a catalog."
    )
    blocks = [
        Block("The joint detector (addition).", plot=layout(source, "joint"), half=True),
        Block("The Fourier path alone.", plot=layout(source, "fourier"), half=True),
    ]
    return Section("t-SNE of the features", text, blocks)


def _method(summary: Figures) -> Section:
    """What differs from the paper."""
    settings, counts = summary["detector"], summary["data"]["counts"]
    seen = max(max(row["images_seen"]) for table in summary["tables"].values() for row in table)
    parts = "; ".join(
        f"{part} {number['observed']:,} + {number['made']:,}" for part, number in counts.items()
    )
    given = ", ".join(short_names(summary["data"]["data"]))
    rows = [
        ("data", "real and generated astronomical images", f"{given} (observed + made: {parts})"),
        (
            "training",
            _PAPER_SETTINGS,
            f"{settings['image_size']} px, {settings['backbone']} in Tables 1 and 3, batches of "
            f"{settings['batch']}, Adam at {settings['learning_rate']:g}, at most {seen:,} images "
            f"seen, patience {settings['patience']}",
        ),
        (
            "spectrum",
            "log magnitude of the Fourier transform",
            "the same, without the mean and under a Hann window, standardized",
        ),
        (
            "file format",
            "not controlled",
            f"both classes re-encoded as JPEG at quality {settings['test_quality']}; from files "
            f"as stored, the format alone tells {summary['format_only_raw_accuracy']:.3f}",
        ),
    ]
    header = ("", "the paper", "here")
    text = "The figures are not of the same data: read them as the same questions, asked again."
    return Section("What differs from the paper", text, [Block(header=header, rows=rows)])
