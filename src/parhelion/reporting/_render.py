"""Sections of a page, rendered as one HTML file that needs nothing else."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from parhelion._version import __version__
from parhelion.provenance import MADE
from parhelion.reporting._blocks import Block, Section


def render(
    sections: Sequence[Section],
    *,
    title: str,
    lead: str = "Everything on this page was measured by the run that wrote it.",
    cards: Sequence[Mapping[str, str]] = (),
    place: Path | None = None,
) -> str:
    """Return the page's text: its title, a line below it, cards of figures, then the sections.

    Parameters
    ----------
    sections : sequence of Section
        In order.
    title, lead : str
        The heading and the line below it.
    cards : sequence of mappings
        `name` and `value` of the figures that come first.
    place : Path, optional
        Folder of the page, to which links are relative; default: the current one.
    """
    plots = [b.plot for section in sections for b in section.blocks if b.plot is not None]
    script, divs = components(plots) if plots else ("", ())
    environment = Environment(
        loader=PackageLoader("parhelion.reporting", "."),
        autoescape=select_autoescape(["j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["batch_pairs"] = _pairs
    environment.filters["url"] = lambda path: quote(Path(os.path.relpath(path, place)).as_posix())
    return environment.get_template("page.html.j2").render(
        title=title,
        lead=lead,
        cards=cards,
        sections=sections,
        divs={plot: Markup(div) for plot, div in zip(plots, divs, strict=True)},
        script=Markup(script),
        resources=Markup(Resources(mode="inline", components=["bokeh"]).render()) if plots else "",
        software=f"Parhelion {__version__}",
        source_type=MADE,
    )


def _pairs(blocks: Sequence[Block]) -> list[list[Block]]:
    """Group neighboring blocks of half width, two to a row."""
    rows: list[list[Block]] = []
    for block in blocks:
        if block.half and rows and len(rows[-1]) == 1 and rows[-1][0].half:
            rows[-1].append(block)
        else:
            rows.append([block])
    return rows
