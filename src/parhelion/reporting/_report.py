"""One self-contained HTML page about folders that Parhelion wrote."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parhelion._files import write_text
from parhelion.errors import InputError
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._render import render
from parhelion.reporting._sections import sections_of

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
            summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
            if "paper" in summary:  # what `reproduce` found has a page of its own
                sections.append(_paper(folder, summary))
            else:
                summaries.append(summary)
    if not sections:
        names = ", ".join(map(str, folders))
        raise InputError(f"nothing in {names} was written by Parhelion: no catalog, run or measure")
    demo: dict[str, Any] | None = summaries[0] if len(summaries) == 1 else None
    if demo is not None:
        sections += [_figures(demo), costs_section(demo)]
    path = Path(out)
    page = render(
        sections,
        title="Parhelion report" if demo is None else "A mock sky from real pixels",
        cards=[] if demo is None else _cards(demo),
        place=path.parent,
    )
    write_text(path, page)
    return path


def _paper(folder: Path, summary: Mapping[str, Any]) -> Section:
    text = (
        f"The experiments of {summary['paper']}, done again in {summary['seconds'] / 60:.1f} "
        f"minutes on {summary['machine']}. Tables and figures have a page of their own."
    )
    page = folder / "index.html"
    blocks = [Block(link=page, link_text="Open it")] if page.is_file() else []
    return Section(f"{folder.resolve().name}: a paper's experiments", text, blocks)


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


def read_summary(folder: Path, verb: str) -> dict[str, Any]:
    """Return the summary that a `parhelion reproduce` verb left in a folder.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    path = folder / SUMMARY_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {path.name}; write it with "
            f"`parhelion reproduce {verb} --data CATALOG --out {folder}`"
        )
    summary: dict[str, Any] = json.loads(path.read_text())
    return summary


def costs_section(summary: Mapping[str, Any]) -> Section:
    """Return the section about the stages' time and memory."""
    rows = [
        (name, f"{stage['seconds']:.1f}", f"{stage['peak_memory_mb']:,.0f}")
        for name, stage in summary["stages"].items()
    ]
    rows.append(("all", f"{summary['seconds']:.1f}", f"{summary['peak_memory_mb']:,.0f}"))
    text = f"On {summary['machine']}."
    stopped = sum(stage.get("stopped_before", False) for stage in summary["stages"].values())
    if stopped:
        text += (
            f" The run was stopped in {stopped} of its stages and went on: what these had taken "
            "before is not counted."
        )
    if sum(stage["seconds"] for stage in summary["stages"].values()) > summary["seconds"] + 1:
        text += " Several stages went on at once: together they took less than one by one."
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
