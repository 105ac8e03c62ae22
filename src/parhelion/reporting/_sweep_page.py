"""The page of ``parhelion mix --sweep``: a surface over the two shares."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.palettes import Viridis256
from bokeh.transform import linear_cmap

from parhelion._files import write_text
from parhelion.errors import InputError
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._plots import _figure
from parhelion.reporting._render import render

_FIGURES = {"macro_f1": "macro F1", "accuracy": "accuracy"}


def report_sweep(folder: Path | str) -> Path:
    """Write the page of a folder in which `parhelion.sweep_mix` left its figures.

    Raises
    ------
    InputError
        If the folder holds no such figures.
    """
    folder = Path(folder)
    path = folder / "sweep.json"
    if not path.is_file():
        raise InputError(f"{folder} has no sweep.json; make one with `parhelion mix --sweep`")
    found = json.loads(path.read_text(encoding="utf-8"))
    best, seeds = found["best"], found["seeds"]
    blocks = [
        Block(
            caption=f"{label} on the validation part, mean of {seeds}",
            plot=_surface(found["cases"], name),
            half=True,
        )
        for name, label in _FIGURES.items()
    ]
    rows = [
        (
            f"{case['alpha']:g}",
            f"{case['beta']:g}",
            f"{case['images']:,}",
            *(_told(case[name]) for name in _FIGURES),
        )
        for case in found["cases"]
    ]
    header = ("alpha", "beta", "images", *_FIGURES.values())
    blocks.append(Block(caption="Every mixture", header=header, rows=rows))
    text = (
        "Alpha is the share of augmented real images that is kept, beta that of synthetic ones, "
        "of each class. Where few images judge, neighboring cells differ by chance as much."
    )
    page = render(
        [Section("Shares", text, blocks)],
        title="Which mixture learns best",
        lead="Judged on real validation images; test images have no say.",
        cards=[
            {"name": "best alpha", "value": f"{best['alpha']:g}"},
            {"name": "best beta", "value": f"{best['beta']:g}"},
            {"name": "its macro F1", "value": f"{np.mean(best['macro_f1']):.3f}"},
        ],
        place=folder,
    )
    target = folder / "index.html"
    write_text(target, page)
    return target


def _told(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _surface(cases: list[dict[str, Any]], name: str) -> Any:
    """Draw a cell for each mixture, its mean written in it."""
    means = [float(np.mean(case[name])) for case in cases]
    source = ColumnDataSource(
        {
            "alpha": [f"{case['alpha']:g}" for case in cases],
            "beta": [f"{case['beta']:g}" for case in cases],
            "mean": means,
            "text": [f"{mean:.3f}" for mean in means],
            # Dark cells have light words.
            "ink": ["#10151f" if mean > np.median(means) else "#ffffff" for mean in means],
        }
    )
    plot = _figure(
        x_axis_label="alpha: share of augmented images",
        y_axis_label="beta: share of synthetic images",
        x_range=list(dict.fromkeys(source.data["alpha"])),
        y_range=list(dict.fromkeys(source.data["beta"])),
    )
    low, high = min(means), max(means)
    color = linear_cmap("mean", Viridis256, low, high if high > low else low + 1e-6)
    plot.rect("alpha", "beta", 0.96, 0.96, source=source, fill_color=color, line_color=None)
    plot.text(
        "alpha",
        "beta",
        text="text",
        source=source,
        text_align="center",
        text_baseline="middle",
        text_color="ink",
        text_font_size="15px",
    )
    return plot
