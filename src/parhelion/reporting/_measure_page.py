"""The page of ``parhelion measure generator``: real images and made ones, side by side."""

import json
from collections.abc import Mapping
from pathlib import Path

from parhelion._files import write_text
from parhelion.errors import InputError
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._measure_tables import (
    Figures,
    class_sections,
    distances_section,
    morphology_sections,
    number,
    photometry_section,
    spectra_section,
)
from parhelion.reporting._pictures import file_uri
from parhelion.reporting._render import render

FIGURES_FILE = "figures.json"
PAGE_FILE = "index.html"


def measure_page(folder: Path | str, out: Path | str | None = None) -> Path:
    """Write the page of a folder that `parhelion.measure_generator` wrote.

    Parameters
    ----------
    folder : Path
        Holds ``figures.json`` and the pictures.
    out : Path, optional
        The page; ``index.html`` in the folder when not given. It needs no other file.

    Raises
    ------
    InputError
        If the folder holds no such figures.
    """
    folder = Path(folder)
    figures = _read(folder)
    sections = measure_sections(folder)
    names = ", ".join(_named(figures))
    page = render(
        sections,
        title=f"{names} against {figures['real']}",
        lead=(
            f"{figures['count']:,} images of each set, framed alike at {figures['image_size']} "
            "pixels; intervals are 95 %. The floor is the same figure between two parts of the "
            f"real images, {figures['floor_count']:,} of each: what cannot be told from it is as "
            "good as real to that measure."
        ),
        cards=_cards(figures),
    )
    target = folder / PAGE_FILE if out is None else Path(out)
    write_text(target, page)
    return target


def measure_sections(folder: Path) -> list[Section]:
    """Return the sections about a folder that `parhelion.measure_generator` wrote."""
    figures = _read(folder)
    made = _named(figures)
    return [
        _samples(folder, figures, made),
        distances_section(figures, made),
        *class_sections(made),
        spectra_section(figures, made),
        photometry_section(figures, made),
        *morphology_sections(figures, made),
        _nearest(folder, made),
        _about(figures, made),
    ]


def _read(folder: Path) -> Figures:
    path = folder / FIGURES_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {FIGURES_FILE}; write it with "
            f"`parhelion measure generator --real CATALOG --generated CATALOG --out {folder}`"
        )
    figures: Figures = json.loads(path.read_text())
    return figures


def _named(figures: Figures) -> dict[str, Figures]:
    """The made sets by name; those of one name are numbered."""
    named: dict[str, Figures] = {}
    for position, item in enumerate([figures, *figures["others"]], 1):
        name = item["name"]
        named[name if name not in named else f"{name} ({position})"] = item
    return named


def _cards(figures: Figures) -> list[dict[str, str]]:
    copies = figures["memorisation"]
    cards = [
        {"name": "images of each set", "value": f"{figures['count']:,}"},
        {"name": f"KID (floor {figures['kid_floor']:.4f})", "value": f"{figures['kid']:.4f}"},
        {
            "name": f"coverage (floor {figures['coverage_floor']:.2f})",
            "value": f"{figures['coverage']:.2f}",
        },
        {
            "name": f"precision (floor {figures['precision_floor']:.2f})",
            "value": f"{figures['precision']:.2f}",
        },
        {
            "name": "likely copies of real images",
            "value": f"{copies['copies']:,} of {figures['generated']:,}",
        },
    ]
    if figures["classes"] and figures["classes"][0]["cramers_v"] is not None:
        table = figures["classes"][0]
        name = f"Cramér's V of the classes (floor {number(table['cramers_v_floor'])})"
        cards.append({"name": name, "value": number(table["cramers_v"])})
    return cards


def _samples(folder: Path, figures: Figures, made: Mapping[str, Figures]) -> Section:
    blocks = [
        Block(
            f"Real: {figures['real']}, drawn at random.",
            picture=file_uri(folder / "real.png"),
            half=True,
        )
    ]
    blocks += [
        Block(
            f"Made: {name}, drawn at random, none chosen by hand.",
            picture=file_uri(folder / f"made-{number}.png"),
            half=True,
        )
        for number, name in enumerate(made, 1)
    ]
    return Section("What they look like", "", blocks)


def _nearest(folder: Path, made: Mapping[str, Figures]) -> Section:
    blocks = []
    rows = []
    for position, (name, item) in enumerate(made.items(), 1):
        copies = item["memorisation"]
        path = folder / f"nearest-{position}.png"
        if path.is_file():
            caption = (
                f"{name}: made images (above), each with the most similar real one (below): "
                f"likely copies first, then by SSIM, down to {copies['pairs'][-1]['ssim']:.3f}."
            )
            blocks.append(Block(caption, picture=file_uri(path)))
        rows.append(
            (
                name,
                f"{copies['max_ssim']:.3f}",
                f"{copies['median_ssim']:.3f}",
                f"{copies['flagged']:,} of {item['generated']:,}",
                f"{copies['copies']:,} of {item['generated']:,}",
            )
        )
    copies = next(iter(made.values()))["memorisation"]
    rows.append(
        (
            "real, against others",
            f"{copies['null_max_ssim']:.3f}",
            f"{copies['null_median_ssim']:.3f}",
            "",
            "",
        )
    )
    header = (
        "set",
        "largest SSIM",
        "median SSIM of the nearest",
        "above any two real objects",
        "likely copies",
    )
    text = (
        f"The most similar of {copies['searched']:,} real images to each made one, by structural "
        "similarity (SSIM) in gray. Small round sources on an empty sky reach high values "
        "without being copies; a likely copy also is much nearer to one real image than to the "
        "next ones. The figures say where to look, the pairs are to be looked at."
    )
    return Section("Are they copies?", text, [*blocks, Block("", header=header, rows=rows)])


def _about(figures: Figures, made: Mapping[str, Figures]) -> Section:
    split = figures["real_split"]
    rows = [
        ("Real images", f"{figures['real']}: {split['note']}"),
        ("to compare with", f"{split['reference']:,}, of which {figures['count']:,} were drawn"),
        ("two parts for the floor", f"{split['first']:,} and {split['second']:,}"),
        ("searched for copies", f"{split['known']:,}"),
        ("centre kept of real images", f"{figures['real_crop']:.0%} of the side"),
    ]
    rows += [
        (f"Made images: {name}", f"{item['generated']:,}; centre kept {item['crop']:.0%}")
        for name, item in made.items()
    ]
    rows.append(("seconds", f"{figures['seconds']:,.0f}"))
    return Section("How it was measured", "", [Block("", header=("", ""), rows=rows)])
