"""Plots of a generator's measure: real images against one or several made sets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.models.annotations import TeeHead, Whisker
from bokeh.transform import dodge

from parhelion.reporting._plots import INK, LINES, MADE, OTHER, REAL, _figure, _legend

#: Colors of the made sets, in order; they come around again.
SETS = (MADE, "#7fe0a3", OTHER, "#c79bff", "#ffd9f0")


def set_colors(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return each made set's name with its color."""
    return [(name, SETS[number % len(SETS)]) for number, name in enumerate(names)]


def spectra(sets: Mapping[str, Mapping[str, Any]]) -> Any:
    """Plot radial power spectra: mean of log power, and one standard deviation about it."""
    plot = _figure(
        x_axis_label="spatial frequency (cycles per pixel)",
        y_axis_label="power",
        y_axis_type="log",
    )
    first = next(iter(sets.values()))
    lines = [("real", REAL, "real", first)]
    lines += [(name, color, "generated", sets[name]) for name, color in set_colors(list(sets))]
    for label, color, key, figures in lines:
        mean, spread = (np.array(figures[f"{key}_{part}"]) for part in ("mean", "spread"))
        frequency = figures["frequency"]
        low, high = 10 ** (mean - spread), 10 ** (mean + spread)
        plot.varea(frequency, low, high, color=color, alpha=0.15)
        plot.line(frequency, 10**mean, color=color, line_width=2.2, legend_label=label)
    return _legend(plot, "top_right")


def histograms(sets: Mapping[str, Mapping[str, Any]]) -> Any:
    """Overlay one quantity's histogram of the real images and of each made set."""
    first = next(iter(sets.values()))
    plot = _figure(x_axis_label=first["label"], y_axis_label="share of images")
    plot.height = 270
    edges = np.array(first["edges"])
    shares = np.array(first["real_histogram"])
    plot.quad(
        left=edges[:-1],
        right=edges[1:],
        bottom=0,
        top=shares,
        fill_color=REAL,
        fill_alpha=0.35,
        line_color=None,
        legend_label="real",
    )
    for name, color in set_colors(list(sets)):
        values = np.array(sets[name]["made_histogram"])
        # A staircase over the same bins.
        x = np.repeat(edges, 2)[1:-1]
        plot.line(x, np.repeat(values, 2), color=color, line_width=2, legend_label=name)
    plot.y_range.start = 0
    return _legend(plot, "top_right")


def classes(tables: Mapping[str, Mapping[str, Any]]) -> Any:
    """Plot the share of each class in the real images and in each made set, with intervals."""
    first = next(iter(tables.values()))
    names = list(first["classes"])
    names += [name for table in tables.values() for name in table["classes"] if name not in names]
    names = list(dict.fromkeys(names))
    bars = [("real", REAL, first["first"], first["classes"])]
    bars += [
        (name, color, tables[name]["second"], tables[name]["classes"])
        for name, color in set_colors(list(tables))
    ]
    plot = _figure(x_range=FactorRange(*names), y_axis_label="share of images")
    plot.height = 320
    width = 0.8 / len(bars)
    most = 0.0
    for number, (label, color, side, order) in enumerate(bars):
        share = dict(zip(order, side["share"], strict=True))
        ends = dict(zip(order, side["interval"], strict=True))
        columns = {
            "class": names,
            "share": [share.get(name, 0.0) for name in names],
            "low": [ends.get(name, (0.0, 0.0))[0] for name in names],
            "high": [ends.get(name, (0.0, 0.0))[1] for name in names],
        }
        most = max(most, *columns["high"])
        source = ColumnDataSource(columns)
        place = dodge("class", (number - (len(bars) - 1) / 2) * width, range=plot.x_range)
        plot.vbar(
            place,
            top="share",
            width=width * 0.9,
            source=source,
            color=color,
            fill_alpha=0.75,
            legend_label=label,
        )
        whisker = Whisker(
            source=source,
            base=place,
            lower="low",
            upper="high",
            line_color=INK,
            lower_head=TeeHead(size=8, line_color=INK),
            upper_head=TeeHead(size=8, line_color=INK),
        )
        plot.add_layout(whisker)
    plot.y_range.start, plot.y_range.end = 0, most * 1.12
    plot.xgrid.grid_line_color = None
    plot.ygrid.grid_line_color = LINES
    return _legend(plot, "top_right")
