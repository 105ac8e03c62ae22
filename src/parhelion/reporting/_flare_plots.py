"""Plots of FLARE's page: accuracy against real images, and a t-SNE by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    GroupFilter,
    HoverTool,
)
from bokeh.palettes import Category20

from parhelion.reporting._astrospy_plots import explorable
from parhelion.reporting._plots import INK, MADE, OTHER, REAL, _figure, _legend

_COLORS = (INK, REAL, MADE, OTHER)
_STEPS = 0.06  # of a place on the axis, between curves: their intervals must not hide each other
_LEGEND_COLUMNS = 4
_TOOLTIP = """
<div style="display:flex;gap:8px;align-items:center">
<img src="@picture" width="56" height="56" alt=""><span>@label (@kind)</span></div>
"""


def scarcity(curves: Sequence[Mapping[str, Any]]) -> Any:
    """Plot accuracy, with its interval over images, against real images of a class."""
    sizes = [str(point["size"]) for point in curves[0]["points"]]
    plot = _figure(
        x_axis_label="independent real images of a class",
        y_axis_label="accuracy on real test images",
        x_range=(-0.4, len(sizes) - 0.6),
    )
    plot.xaxis.ticker = list(range(len(sizes)))
    plot.xaxis.major_label_overrides = dict(enumerate(sizes))
    for number, (curve, color) in enumerate(zip(curves, _COLORS, strict=False)):
        found = [point["in_domain"] for point in curve["points"]]
        places = [place + _STEPS * (number - 1) for place in range(len(sizes))]
        means = [one["accuracy"] for one in found]
        low, high = ([one["accuracy_interval"][side] for one in found] for side in (0, 1))
        plot.segment(places, low, places, high, color=color, line_alpha=0.5, line_width=3)
        plot.line(places, means, color=color, line_width=2, legend_label=curve["name"])
        plot.scatter(places, means, color=color, size=7, legend_label=curve["name"])
    return _legend(plot, "bottom_right")


def features(source: ColumnDataSource, kinds: Sequence[str]) -> Any:
    """Plot the images of some kinds, a color for each class; made ones are triangles."""
    plot = _figure(x_range=_reach(source, "x"), y_range=_reach(source, "y"))
    plot.axis.visible = False
    labels = sorted(set(source.data["label"]))
    palette = Category20[20]
    for number, label in enumerate(labels):
        for kind in kinds:
            both = GroupFilter(column_name="label", group=label) & GroupFilter(
                column_name="kind", group=kind
            )
            points = plot.scatter(
                "x",
                "y",
                source=source,
                view=CDSView(filter=both),
                marker={"made": "triangle", "augmented": "diamond"}.get(kind, "circle"),
                size=7,
                color=palette[(2 * number) % 20],
                fill_alpha=0.8,
                line_alpha=0,
                legend_label=label,
            )
            plot.add_tools(HoverTool(renderers=[points], tooltips=_TOOLTIP))
    return explorable(plot, len(labels), columns=_LEGEND_COLUMNS, height=400)


def _reach(source: ColumnDataSource, name: str) -> tuple[float, float]:
    values = np.asarray(source.data[name], np.float64)
    edge = 0.05 * (float(np.ptp(values)) or 1.0)
    return float(values.min()) - edge, float(values.max()) + edge
