"""Plots of AstroSpy's page: mean spectra, and t-SNE layouts with the image under the pointer."""

import base64
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    GroupFilter,
    HoverTool,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
)
from bokeh.models.annotations.legends import ColorBar
from bokeh.palettes import inferno, interp_palette
from numpy.typing import NDArray

from parhelion.reporting._plots import INK, LINES, MADE, PAPER, REAL, _figure, _legend

#: Colors of catalogs of observed images, and of made ones; they come around again.
_OBSERVED = (REAL, "#ffe08a", "#d98b4a", "#fff3d6")
_MADE = (MADE, "#7fe0a3", "#c79bff", "#ff8fb1", "#4fd8e0")
#: For values, and for differences: more in made images, or more in observed ones.
HEAT: Sequence[str] = inferno(256)
DIFFERENCE: Sequence[str] = interp_palette((REAL, PAPER, MADE), 255)
#: Of plots beside each other: a square, its labels and a bar of colors.
_ASPECT = 1.12
_COLUMNS = 3  # of a legend
_TOOLTIP = """
<div style="display:flex;gap:8px;align-items:center">
<img src="@picture" width="64" height="64" alt=""><span>@kind</span></div>
"""


def plane(
    spectrum: NDArray[np.float32], limits: tuple[float, float], palette: Sequence[str]
) -> Any:
    """Show a spectrum ``(S, S)``, zero frequency in the middle; the pointer tells its values.

    Parameters
    ----------
    spectrum : ndarray
        ``(S, S)`` float32.
    limits : (float, float)
        Values of the palette's ends.
    palette : sequence of str
        Colors, `HEAT` or `DIFFERENCE`.
    """
    plot = _figure(
        x_axis_label="cycles per pixel",
        y_axis_label="cycles per pixel",
        x_range=Range1d(start=-0.5, end=0.5),
        y_range=Range1d(start=-0.5, end=0.5),
    )
    plot.sizing_mode, plot.aspect_ratio = "scale_width", _ASPECT
    mapper = LinearColorMapper(palette=palette, low=limits[0], high=limits[1])
    image = plot.image(
        image=[spectrum[::-1]], x=-0.5, y=-0.5, dw=1, dh=1, color_mapper=mapper, level="image"
    )
    bar = ColorBar(
        color_mapper=mapper,
        width=8,
        background_fill_color=PAPER,
        major_label_text_color=INK,
        bar_line_color=LINES,
        major_tick_line_color=LINES,
    )
    plot.add_layout(bar, "right")
    plot.add_tools(HoverTool(renderers=[image], tooltips=[("", "@image{0.00} at ($x, $y)")]))
    plot.grid.visible = False
    return plot


def profiles(observed: NDArray[np.float32], made: NDArray[np.float32]) -> Any:
    """Plot medians of radial profiles, and bands from the 5th to the 95th percentile.

    Parameters
    ----------
    observed, made : ndarray
        ``(3, R)`` float32: 5th percentile, median, 95th; see `mean_spectrum`.
    """
    plot = _figure(
        x_axis_label="spatial frequency (cycles per pixel)", y_axis_label="standardized log power"
    )
    plot.sizing_mode, plot.aspect_ratio = "scale_width", _ASPECT
    for name, rings, color in (("observed", observed, REAL), ("made", made, MADE)):
        low, median, high = rings[:, 1:]  # the mean, taken off, is the ring of frequency 0
        frequency = np.arange(1, rings.shape[1]) / (2 * rings.shape[1])
        plot.varea(frequency, low, high, color=color, alpha=0.18)
        plot.line(frequency, median, color=color, line_width=2, legend_label=name)
    return _legend(plot, "top_right")


def source_of(table: Mapping[str, Sequence[Any]]) -> ColumnDataSource:
    """Return what the layouts of a t-SNE share: pictures once, whatever the number of plots.

    Parameters
    ----------
    table : mapping
        Columns `source`, `is_made`, `thumbnail` (JPEG files), and a pair of places for each
        layout.
    """
    words = {False: "observed", True: "made"}
    kinds = [
        f"{name} ({words[made]})"
        for name, made in zip(table["source"], table["is_made"], strict=True)
    ]
    return with_pictures(table, kind=kinds)


def with_pictures(table: Mapping[str, Sequence[Any]], **more: Sequence[Any]) -> ColumnDataSource:
    """Return the columns of a table, its thumbnails (JPEG files) as `picture`, and more."""
    pictures = [
        f"data:image/jpeg;base64,{base64.b64encode(file).decode()}" for file in table["thumbnail"]
    ]
    columns = {name: list(values) for name, values in table.items() if name != "thumbnail"}
    return ColumnDataSource({**columns, **more, "picture": pictures})


def layout(source: ColumnDataSource, name: str) -> Any:
    """Plot one layout of a t-SNE: a color for each catalog, disks observed and triangles made."""
    plot = _figure()
    plot.axis.visible = False
    palettes = {False: cycle(_OBSERVED), True: cycle(_MADE)}
    kinds = dict(zip(source.data["kind"], source.data["is_made"], strict=True))
    for kind, made in kinds.items():
        points = plot.scatter(
            f"{name}_x",
            f"{name}_y",
            source=source,
            view=CDSView(filter=GroupFilter(column_name="kind", group=kind)),
            marker="triangle" if made else "circle",
            size=8 if made else 7,
            color=next(palettes[made]),
            fill_alpha=0.75,
            line_alpha=0,
            legend_label=kind,
        )
        plot.add_tools(HoverTool(renderers=[points], tooltips=_TOOLTIP))
    return explorable(plot, len(kinds), columns=_COLUMNS, height=440)


def explorable(plot: Any, kinds: int, *, columns: int, height: int) -> Any:
    """Let a layout be zoomed and dragged, and put its legend, whose clicks hide, below it.

    Parameters
    ----------
    plot : figure
        With a legend.
    kinds : int
        Entries of the legend.
    columns : int
        Of the legend.
    height : int
        Of the plot without its legend, in pixels.
    """
    wheel = WheelZoomTool()
    plot.add_tools(PanTool(), wheel, ResetTool())
    plot.toolbar.active_scroll = wheel
    _legend(plot, "center")
    legend = plot.legend[0]
    legend.ncols, legend.click_policy, legend.border_line_alpha = columns, "hide", 0
    legend.label_text_font_size, legend.spacing, legend.margin = "11px", 0, 4
    plot.add_layout(legend, "below")  # inside it would hide images
    plot.height = height + 22 * -(-kinds // columns)
    return plot
