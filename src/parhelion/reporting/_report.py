"""One self-contained HTML page about folders that Parhelion wrote."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from parhelion._files import write_text
from parhelion._version import __version__
from parhelion.errors import InputError
from parhelion.provenance import MADE
from parhelion.reporting._sections import Block, Section, sections_of

SUMMARY_FILE = "summary.json"


def report(folders: Sequence[Path | str], out: Path | str) -> Path:
    """Write one HTML page, complete in itself, that works offline.

    Parameters
    ----------
    folders : sequence of Path
        Catalogs, runs, measures, wide views; or folders of such folders, as the demo writes.
    out : Path
        The page.

    Returns
    -------
    path : Path
        The page.

    Raises
    ------
    InputError
        If none of the folders holds anything that Parhelion wrote.
    """
    sections: list[Section] = []
    summaries = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; give folders that Parhelion wrote")
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
        for place in [folder, *inner]:
            sections += sections_of(place)
        if (folder / SUMMARY_FILE).is_file():
            summaries.append(json.loads((folder / SUMMARY_FILE).read_text()))
    if not sections:
        names = ", ".join(map(str, folders))
        raise InputError(f"nothing in {names} was written by Parhelion: no catalog, run or measure")
    summary = summaries[0] if len(summaries) == 1 else None
    if summary is not None:
        sections += [_figures(summary), _costs(summary)]
    path = Path(out)
    write_text(path, _page(sections, summary))
    return path


def _page(sections: Sequence[Section], summary: Mapping[str, Any] | None) -> str:
    plots = [b.plot for section in sections for b in section.blocks if b.plot is not None]
    script, divs = components(plots) if plots else ("", ())
    environment = Environment(
        loader=PackageLoader("parhelion.reporting", "."),
        autoescape=select_autoescape(["j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["batch_pairs"] = _pairs
    return environment.get_template("page.html.j2").render(
        title="Parhelion report" if summary is None else "A mock sky from real pixels",
        lead="Everything on this page was measured by the run that wrote it.",
        cards=[] if summary is None else _cards(summary),
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


def _cards(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    generator, sky, detector = (summary[k] for k in ("generator", "widefield", "detector"))
    return [
        {"name": "real cut-outs", "value": str(summary["cutouts"]["count"])},
        {"name": "images seen in training", "value": f"{generator['images_seen']:,}"},
        {"name": "kernel distance (KID)", "value": f"{summary['kid']:.3f}"},
        {
            "name": "largest SSIM with a real image",
            "value": f"{summary['memorisation']['max_ssim']:.2f}",
        },
        {"name": "galaxies in the wide view", "value": f"{sky['galaxies']:,}"},
        {"name": "found by the source detector", "value": f"{sky['completeness']:.0%}"},
        {"name": "detector's accuracy", "value": f"{detector['accuracy']:.1%}"},
        {"name": "minutes, all in all", "value": f"{summary['seconds'] / 60:.1f}"},
    ]


def _figures(summary: Mapping[str, Any]) -> Section:
    rows = []
    for name, value in _flat(summary):
        if name.startswith("stages.") or name.endswith("_interval"):
            continue
        interval = dict(_flat(summary)).get(f"{name}_interval")
        shown = "" if interval is None else f"{interval[0]:.4g} to {interval[1]:.4g}"
        rows.append((name, f"{value:.4g}" if isinstance(value, float) else f"{value}", shown))
    header = ("figure", "value", "95 % interval")
    return Section("Every figure", "As in summary.json.", [Block(header=header, rows=rows)])


def _costs(summary: Mapping[str, Any]) -> Section:
    rows = [
        (name, f"{stage['seconds']:.1f}", f"{stage['peak_memory_mb']:,.0f}")
        for name, stage in summary["stages"].items()
    ]
    rows.append(("all", f"{summary['seconds']:.1f}", f"{summary['peak_memory_mb']:,.0f}"))
    text = f"On {summary['machine']}."
    header = ("stage", "seconds", "peak memory so far (MB)")
    return Section("What it cost", text, [Block(header=header, rows=rows)])


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    items: list[tuple[str, Any]] = []
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            items += _flat(inner, f"{prefix}{name}.")
        else:
            items.append((prefix + name, inner))
    return items
