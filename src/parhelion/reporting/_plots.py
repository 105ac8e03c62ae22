"""The page's plots, drawn by Bokeh in the page's own colors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    WheelZoomTool,
)
from bokeh.models.annotations.arrows import TeeHead
from bokeh.models.annotations.geometry import Whisker
from bokeh.plotting import figure

REAL, MADE, OTHER, INK, PAPER, LINES = (
    "#f2b661",
    "#63b3ff",
    "#ff6b6b",
    "#dfe6f0",
    "#10151f",
    "#2a3446",
)


def _figure(**options: Any) -> Any:
    plot = figure(
        height=360,
        sizing_mode="stretch_width",
        background_fill_color=PAPER,
        border_fill_color=PAPER,
        outline_line_color=LINES,
        toolbar_location=None,
        tools="",
        **options,
    )
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = LINES
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = INK
        axis.axis_label_text_font_style = "normal"
    plot.grid.grid_line_color = LINES
    return plot


def _unit_square(x: str, y: str) -> Any:
    """Axes from 0 to 1, and the diagonal."""
    plot = _figure(
        x_axis_label=x,
        y_axis_label=y,
        x_range=Range1d(start=-0.05, end=1.05),
        y_range=Range1d(start=-0.05, end=1.05),
    )
    plot.line([0, 1], [0, 1], color=LINES, line_dash="dashed")
    return plot


def _legend(plot: Any, place: str) -> Any:
    plot.legend.location = place
    plot.legend.background_fill_color = PAPER
    plot.legend.border_line_color = LINES
    plot.legend.label_text_color = INK
    return plot


def losses(log: Sequence[Mapping[str, float]]) -> Any:
    """Plot the losses of a run against the images seen."""
    plot = _figure(x_axis_label="images seen", y_axis_label="loss")
    plot.xaxis.formatter.use_scientific = False
    names = ("discriminator", "generator", "reconstruction")
    for name, color in zip(names, (REAL, MADE, OTHER), strict=True):
        lines = [line for line in log if name in line]
        values = [line[name] for line in lines]
        smooth = np.convolve(values, np.ones(5) / 5, mode="valid") if len(values) > 5 else values
        seen = [line["images"] for line in lines][len(values) - len(smooth) :]
        plot.line(seen, smooth, color=color, line_width=1.8, legend_label=name)
    return _legend(plot, "top_right")


def spectra(figures: Mapping[str, Any]) -> Any:
    """Plot the radial power spectra of real and made images, with the spread of each."""
    plot = _figure(
        x_axis_label="spatial frequency (cycles per pixel)",
        y_axis_label="power",
        y_axis_type="log",
    )
    frequency = figures["frequency"]
    for name, label, color in (("real", "real", REAL), ("generated", "made", MADE)):
        mean = np.array(figures[f"{name}_mean"])  # of log10 power, as is the spread
        spread = np.array(figures[f"{name}_spread"])
        low, high = 10 ** (mean - spread), 10 ** (mean + spread)
        plot.varea(frequency, low, high, color=color, alpha=0.18)
        plot.line(frequency, 10**mean, color=color, line_width=2, legend_label=label)
    return _legend(plot, "top_right")


def roc(curve: Mapping[str, Sequence[float]], area: float) -> Any:
    """Plot a receiver operating characteristic."""
    plot = _unit_square("real images called made", "made images called made")
    label = f"area {area:.3f}"
    plot.line(
        curve["false_positive_rate"],
        curve["true_positive_rate"],
        color=MADE,
        line_width=2.5,
        legend_label=label,
    )
    return _legend(plot, "bottom_right")


def reliability(points: Mapping[str, Sequence[float]], error: float) -> Any:
    """Plot how often images were made against how probable the detector held that."""
    plot = _unit_square("probability given", "share that was made")
    given, share, count = points["probability"], points["fraction_made"], points["count"]
    sizes = 6 + 22 * np.sqrt(np.array(count) / max(count))
    plot.line(given, share, color=MADE, line_width=1.5)
    label = f"calibration error {error:.3f}; size shows count"
    plot.scatter(given, share, size=sizes, color=MADE, fill_alpha=0.6, legend_label=label)
    return _legend(plot, "top_left")


def shares(series: Mapping[str, Sequence[Any]], axis: str, share: str, label: str) -> Any:
    """Plot shares with their intervals against the middles of bins.

    Parameters
    ----------
    series : mapping
        For each name, bins with `axis` (least and greatest value), `share` and its interval.
    axis, share : str
        Keys of the bins.
    label : str
        Of the axis of bins.
    """
    plot = _log_bins(label, share, y_range=Range1d(start=-0.03, end=1.03))
    for (name, bins), color in zip(series.items(), (REAL, MADE), strict=False):
        points = [
            (item[axis], item[share], *item[f"{share}_interval"])
            for item in bins
            if item[share] is not None and item[axis][0] > 0
        ]
        _whiskers(plot, name, color, points)
    return _legend(plot, "bottom_right")


def residuals(series: Mapping[str, Sequence[Any]], value: str, spread: str, label: str) -> Any:
    """Plot a value in bins of true flux, with its spread to both sides where there is one.

    Parameters
    ----------
    series : mapping
        For each name, bins with ``flux`` (least and greatest), `value` and, unless empty, `spread`.
    value, spread : str
        Keys of the bins.
    label : str
        Of the axis of values.
    """
    drawn = {
        name: [
            (item["flux"], item[value], item[value] - reach, item[value] + reach)
            for item in bins
            if item[value] is not None and item["flux"][0] > 0
            for reach in (item[spread] if spread else 0,)
        ]
        for name, bins in series.items()
    }
    ends = [end for points in drawn.values() for point in points for end in point[2:]] or [0, 1]
    room = 0.05 * (max(ends) - min(ends)) + 1e-3
    # Above the points is room for the legend.
    limits = Range1d(start=min(ends) - room, end=max(ends) + 5 * room)
    plot = _log_bins("true flux (luma above the sky)", label, y_range=limits)
    for (name, points), color in zip(drawn.items(), (REAL, MADE), strict=False):
        _whiskers(plot, name, color, points)
    return _legend(plot, "top_right")


def _log_bins(x: str, y: str, **options: Any) -> Any:
    plot = _figure(x_axis_label=x, y_axis_label=y, x_axis_type="log", **options)
    plot.xaxis.formatter = NumeralTickFormatter(format="0.[0]a")
    return plot


def _whiskers(
    plot: Any, name: str, color: str, points: Sequence[tuple[Sequence[float], float, float, float]]
) -> None:
    """Draw points of a bin, a value and its lower and upper end, at the middles of the bins."""
    x = [(bin_[0] * bin_[1]) ** 0.5 for bin_, _, _, _ in points]
    y = [value for _, value, _, _ in points]
    low, high = [point[2] for point in points], [point[3] for point in points]
    source = ColumnDataSource({"x": x, "low": low, "high": high})
    heads = [TeeHead(size=6, line_color=color) for _ in range(2)]
    whisker = Whisker(
        source=source,
        base="x",
        lower="low",
        upper="high",
        line_color=color,
        lower_head=heads[0],
        upper_head=heads[1],
    )
    plot.add_layout(whisker)
    plot.line(x, y, color=color, line_width=1.5, legend_label=name)
    plot.scatter(x, y, size=7, color=color, legend_label=name)


def sky_view(uri: str, size: int, layers: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Any:
    """Show a wide view that one can zoom and move, with sources that can be switched on.

    Parameters
    ----------
    uri : str
        The view, as a data URI.
    size : int
        Side of the view, in pixels.
    layers : mapping
        For each name, a color and columns ``x``, ``y``, ``r`` (pixels) and ``text``.
    """
    # At first the middle, near full resolution: the whole is a dust of points.
    width, height = min(size, 1400) / 2, min(size, 950) / 2
    middle, bounds = size / 2, (-size / 10, size * 1.1)
    plot = figure(
        height=760,
        sizing_mode="stretch_width",
        match_aspect=True,
        x_range=Range1d(start=middle - width, end=middle + width, bounds=bounds, min_interval=32),
        y_range=Range1d(start=middle + height, end=middle - height, bounds=bounds, min_interval=32),
        tools="pan,reset,save",
        background_fill_color="#05070b",
        border_fill_color=PAPER,
        outline_line_color=LINES,
        toolbar_location="right",
    )
    wheel = WheelZoomTool()
    plot.add_tools(wheel)
    plot.toolbar.active_scroll = wheel
    plot.axis.visible = False
    plot.grid.visible = False
    plot.image_url(url=[uri], x=0, y=0, w=size, h=size, anchor="top_left")
    for name, (color, columns) in layers.items():
        circles = plot.circle(
            "x",
            "y",
            radius="r",
            source=ColumnDataSource(dict(columns)),
            fill_alpha=0,
            line_color=color,
            line_width=1.4,
            legend_label=name,
            visible=False,
        )
        plot.add_tools(HoverTool(renderers=[circles], tooltips=[("", "@text")]))
    if layers:
        _legend(plot, "top_left")
        plot.legend.click_policy = "hide"
        plot.legend.inactive_fill_color = PAPER
        plot.legend.inactive_fill_alpha = 0.7
    return plot
