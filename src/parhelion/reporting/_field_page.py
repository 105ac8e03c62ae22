"""What the page says of a detector that went over a wide view: figures, plots and outlines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parhelion.reporting import _pictures, _plots
from parhelion.reporting._blocks import Block, Section

FIELD_FILE = "field.json"

_NAMES = {"sep": "sep (the library form of SExtractor)", "onnx": "the network"}


def is_field_measure(folder: Path) -> bool:
    """Return whether `folder` is one that `measure_field` wrote."""
    return (folder / FIELD_FILE).is_file()


def field_section(folder: Path) -> Section:
    """Return the section about a folder with ``field.json`` and overlays of a wide view."""
    figures = json.loads((folder / FIELD_FILE).read_text())
    detectors = {"sep": figures}
    if "onnx" in figures:
        detectors["onnx"] = figures["onnx"]
    text = (
        f"{figures['galaxies']:,} galaxies of the truth catalog, sought over the whole view and "
        "zoomed: reduced as a whole, or its middle enlarged. An object is found when it and a "
        "detection are each other's nearest, within its semi-major axis (or a least radius; see "
        "settings.json). Purity is the share of detections that are objects so found. Intervals "
        "are 95 % Wilson intervals."
    )
    header = ("detector", "zoom", "galaxies", "completeness", "detected", "purity", "by chance")
    rows = [
        row
        for name, part in detectors.items()
        for zoom, one in [(1.0, part), *((inner["zoom"], inner) for inner in part["zooms"])]
        for row in [_row(name, zoom, one)]
    ]
    blocks = [
        Block(
            "By chance: matches to expect of as many detections that show nothing of the truth. "
            "Enlarged, only the middle of a large view is searched and counted.",
            header=header,
            rows=rows,
        )
    ]
    for title, key, axis, label in (
        ("Completeness by true flux.", "by_flux", "flux", "true flux (luma above the sky)"),
        ("Completeness by true size.", "by_size", "a", "true semi-major axis (pixels)"),
        ("Purity by measured flux.", "purity_by_flux", "flux", "measured flux"),
        ("Purity by measured size.", "purity_by_size", "a", "measured semi-major axis (pixels)"),
    ):
        share = "purity" if key.startswith("purity") else "completeness"
        series = {name: part[key] for name, part in detectors.items()}
        plot = _plots.shares(series, axis, share, label)
        blocks.append(Block(f"{title} Equally many to a point.", plot=plot, half=True))
    places = {name: part["astrometry"]["by_flux"] for name, part in detectors.items()}
    light = {name: part["photometry"]["by_flux"] for name, part in detectors.items()}
    blocks += [
        Block(
            "Places: RMS distance of measured from true ones.",
            plot=_plots.residuals(places, "rms", "", "distance (pixels)"),
            half=True,
        ),
        Block(
            "Fluxes: median of measured to true, and their scatter (1.4826 times the median "
            "absolute deviation).",
            plot=_plots.residuals(light, "median", "scatter", "measured to true flux"),
            half=True,
        ),
        _residuals(detectors),
    ]
    for item in figures["overlays"]:
        caption = (
            f"{_NAMES[item['detector']]}, at zoom {item['zoom']:g}: found (circles), missed "
            "(diamonds) and spurious (squares)."
        )
        blocks.append(Block(caption, picture=_pictures.file_uri(folder / item["file"]), half=True))
    return Section("Sources found in the wide view", text, blocks)


def _row(name: str, zoom: float, part: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{zoom:g}",
        f"{part['galaxies']:,}",
        _share(part, "completeness"),
        f"{part['detected']:,}",
        _share(part, "purity"),
        f"{part['matched_by_chance']:,.0f}",
    )


def _share(part: Mapping[str, Any], name: str) -> str:
    if part[name] is None:
        return "–"
    low, high = part[f"{name}_interval"]
    return f"{part[name]:.3f} ({low:.3f} to {high:.3f})"


def _residuals(detectors: Mapping[str, Mapping[str, Any]]) -> Block:
    rows = []
    for name, part in detectors.items():
        places, light = part["astrometry"], part["photometry"]
        if not places["count"]:
            continue
        for axis in ("dx", "dy"):
            offset = places[axis]
            error = "" if offset["mean_error"] is None else f" ± {offset['mean_error']:.4f}"
            mean = f"{offset['mean']:.4f}{error}"
            rows.append((name, f"{axis}, pixels", mean, f"rms {offset['rms']:.3f}"))
        for axis in ("east", "north") if "arcsec" in places else ():
            offset = places["arcsec"][axis]
            rows.append(
                (name, f"{axis}, arcsec", f"{offset['mean']:.5f}", f"rms {offset['rms']:.4f}")
            )
        low, high = light["median_interval"]
        median = f"{light['median']:.3f} ({low:.3f} to {high:.3f})"
        rows.append((name, "flux, measured to true", median, f"scatter {light['scatter']:.3f}"))
    count = ", ".join(
        f"{part['astrometry']['count']:,} by {name}" for name, part in detectors.items()
    )
    return Block(
        f"Residuals of the galaxies that were found ({count}): measured less true places; the "
        "median of flux ratios, and 1.4826 times their median absolute deviation.",
        header=("detector", "of", "mean, or median", "spread"),
        rows=rows,
    )
