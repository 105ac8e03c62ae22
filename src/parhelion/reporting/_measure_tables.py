"""The tables and plots of a generator's measure, a section for each kind of figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from parhelion.reporting import _measure_plots as plots
from parhelion.reporting._blocks import Block, Section

Figures = Mapping[str, Any]

_DISTANCES = {
    "kid": "Kernel distance (KID), unbiased",
    "frechet": "Fréchet distance",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
}


def distances_section(figures: Figures, made: Mapping[str, Figures]) -> Section:
    """Distances and neighborhoods, a table for each feature network."""
    same = figures["count"] == figures["floor_count"]
    at = f"n = {figures['count']:,}"
    floor = f"n = {figures['floor_count']:,}"
    header = ["figure"]
    for name in made:
        header += [f"{name}, {at}"] if same else [f"{name}, {at}", f"{name}, {floor}"]
    header.append(f"floor: real against real, {floor}")
    blocks = []
    for index, network in enumerate(figures["networks"]):
        rows = []
        for key, label in _DISTANCES.items():
            row = [label]
            for item in made.values():
                found = item["networks"][index]
                row.append(_with_interval(found, key))
                if not same:
                    row.append(number(found[f"{key}_at_floor"]))
            row.append(_with_interval(network, f"{key}_floor"))
            rows.append(row)
        caption = f"Features: {network['network']}, {network['dimension']} of them."
        blocks.append(Block(caption, header=header, rows=rows))
    text = (
        "Small distances are good. Precision is the share of made images that lie among real "
        "ones, recall the share of real images that lie among made ones; density is precision "
        "without the weight of outliers, coverage recall in balls about real images "
        f"({figures['neighbors']} neighbors). The Fréchet distance, precision, recall and "
        "coverage depend on the number of images: compare columns of one n only. Distances of "
        "one network say nothing of another's."
    )
    return Section("Distances, precision, recall, density, coverage", text, blocks)


def class_sections(made: Mapping[str, Figures]) -> list[Section]:
    """Class distributions, a section for each way of telling classes."""
    kinds = {table["by"] for item in made.values() for table in item["classes"]}
    sections = []
    for kind in sorted(kinds):
        tables = {
            name: table
            for name, item in made.items()
            for table in item["classes"]
            if table["by"] == kind
        }
        blocks = [Block("Shares with 95 % Wilson intervals.", plot=plots.classes(tables))]
        for name, table in tables.items():
            header = ("class", "real", "share of real", name, f"share of {name}")
            blocks.append(Block(_test(name, table), header=header, rows=_class_rows(table)))
        text = f"Classes {kind}." if kind.startswith("predicted") else f"Classes: {kind}."
        sections.append(Section("Do the classes come as often?", text, blocks))
    return sections


def _class_rows(table: Figures) -> list[list[str]]:
    rows = []
    for index, label in enumerate(table["classes"]):
        row = [label]
        for side in (table["first"], table["second"]):
            low, high = side["interval"][index]
            row.append(f"{side['count'][index]:,}")
            row.append(f"{side['share'][index]:.1%} ({low:.1%} to {high:.1%})")
        rows.append(row)
    return rows


def _test(name: str, table: Figures) -> str:
    if table["cramers_v"] is None:
        return f"{name}: too few images or classes for a test."
    merged = f" ({', '.join(table['merged'])} taken together)" if table["merged"] else ""
    floor = ""
    if table["cramers_v_floor"] is not None:
        floor = (
            f" Between two parts of the real images V is {number(table['cramers_v_floor'])}, "
            f"p = {_probability(table['p_value_floor'])}."
        )
    return (
        f"{name}: chi-square {table['chi_square']:.2f} with {table['degrees']} degrees of "
        f"freedom{merged}, p = {_probability(table['p_value'])}; Cramér's V "
        f"{_with_interval(table, 'cramers_v')} (0: the same shares, 1: nothing in common).{floor}"
    )


def spectra_section(figures: Figures, made: Mapping[str, Figures]) -> Section:
    """Radial power spectra."""
    counts = f"n = {figures['count']:,}", f"n = {figures['floor_count']:,}"
    same = counts[0] == counts[1]
    header = [
        "mean difference of log10 power (dex)",
        counts[0],
        *([] if same else [counts[1]]),
        f"floor: real against real, {counts[1]}",
    ]
    rows = [
        [
            name,
            _with_interval(item["spectra"], "log_difference"),
            *([] if same else [number(item["spectra"]["log_difference_at_floor"])]),
            _with_interval(item["spectra"], "log_difference_floor"),
        ]
        for name, item in made.items()
    ]
    plot = plots.spectra({name: item["spectra"] for name, item in made.items()})
    text = "Power in rings of equal spatial frequency: fine detail is on the right."
    blocks = [
        Block("Mean, and one standard deviation between images.", plot=plot),
        Block("", header=header, rows=rows),
    ]
    return Section("Radial power spectra", text, blocks)


def photometry_section(figures: Figures, made: Mapping[str, Figures]) -> Section:
    """Histograms of brightness and color."""
    quantities = {name: item["photometry"] for name, item in made.items()}
    text = (
        "Of pixel values as they are, in whatever stretch the images came. The object is what "
        "exceeds the sky at the border by three of its standard deviations. Bins follow the "
        "real images; the outer ones hold what lies beyond."
    )
    return Section("Brightness and color", text, _quantities(figures, quantities))


def morphology_sections(figures: Figures, made: Mapping[str, Figures]) -> list[Section]:
    """Histograms of shapes, with what failed; none where they were not measured."""
    shapes = figures["morphology"]
    if shapes is None:
        return []
    parts = [_failed(figures["real"], shapes["real_measured"], shapes["real_failures"])]
    parts += [
        _failed(name, item["morphology"]["measured"], item["morphology"]["failures"])
        for name, item in made.items()
    ]
    text = (
        "Concentration, asymmetry, Gini, M20 and half-light radius by statmorph, in luma. "
        + " ".join(parts)
    )
    quantities = {name: item["morphology"]["quantities"] for name, item in made.items()}
    return [Section("Shapes", text, _quantities(figures, quantities))]


def _failed(name: str, measured: int, failures: Mapping[str, int]) -> str:
    if not failures:
        return f"{name}: all of {measured:,} images measured."
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in failures.items())
    return f"{name}: {sum(failures.values()):,} of {measured:,} images left out ({reasons})."


def _quantities(figures: Figures, quantities: Mapping[str, Sequence[Figures]]) -> list[Block]:
    names = {item["name"]: item for found in quantities.values() for item in found}
    same = figures["count"] == figures["floor_count"]
    blocks, rows = [], []
    for key, first in names.items():
        sets = {
            name: item
            for name, found in quantities.items()
            for item in found
            if item["name"] == key
        }
        blocks.append(Block("", plot=plots.histograms(sets), half=True))
        for name, item in sets.items():
            if "normalized" not in item:
                continue
            rows.append(
                (
                    first["label"],
                    name,
                    f"{number(item['real_mean'])} ({item['real_count']:,})",
                    f"{number(item['made_mean'])} ({item['made_count']:,})",
                    _with_interval(item, "normalized"),
                    *([] if same else [number(item["normalized_at_floor"])]),
                    _with_interval(item, "normalized_floor"),
                    _with_interval(item, "wasserstein"),
                )
            )
    header = (
        "quantity",
        "set",
        "mean of real (n)",
        "mean of made (n)",
        "Wasserstein distance (real standard deviations)",
        *([] if same else ["at the floor's n"]),
        "floor",
        "in its own unit",
    )
    caption = "A Wasserstein distance of 0.1 moves the average image by a tenth of the spread."
    return [*blocks, Block(caption, header=header, rows=rows)]


def _with_interval(figures: Figures, key: str) -> str:
    value, ends = figures[key], figures[f"{key}_interval"]
    if value is None:
        return ""
    return f"{number(value)} ({number(ends[0])} to {number(ends[1])})"


def number(value: float | None) -> str:
    """A number with about three digits; nothing for None."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4f}"


def _probability(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-4 else "less than 0.0001"
