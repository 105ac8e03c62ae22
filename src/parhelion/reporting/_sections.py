"""What the page says of each kind of folder that Parhelion writes."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion.catalog import CATALOG_FILE, MADE_ORIGINS, decode, open_catalog
from parhelion.errors import InputError
from parhelion.reporting import _pictures, _plots
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._field_page import field_section, is_field_measure
from parhelion.reporting._measure_page import FIGURES_FILE
from parhelion.sky import read_view, view_image
from parhelion.training import read_card, read_log

_LARGEST_SHOWN = 8192  # pixels square; larger views are shown by their preview
_MOST_CIRCLES = 10_000  # to a layer: more make the page slow, and cannot be told apart


def sections_of(folder: Path) -> list[Section]:
    """Return what there is to say of a folder: nothing, if Parhelion did not write it."""
    try:
        return [make(folder) for marker, make in _KINDS if marker(folder)]
    except KeyError as error:
        raise InputError(
            f"{folder} does not say {error}: an earlier version wrote it; write it again"
        ) from error


def _catalog(folder: Path) -> Section:
    catalog = open_catalog(folder)
    origins = Counter(catalog.column("origin"))
    made = any(origin in MADE_ORIGINS for origin in origins)
    splits = Counter(split for split in catalog.column("split") if split)
    labels = Counter(label for label in catalog.column("label") if label)
    groups = len(set(catalog.column("group_id")))
    parts = [f"{len(catalog)} images in {groups} groups"]
    if splits:
        parts.append("split by group: " + _listed(splits))
    if labels:
        parts.append("labels: " + _listed(labels))
    if made:
        title = "Made images"
        text = "Drawn by the generator, none chosen by hand: seeds in order. "
    else:
        title = "Real images"
        text = "What the telescope saw. "
    sheet = _pictures.contact_sheet(catalog, count=96, columns=16)
    uri = _pictures.data_uri(sheet, made=made, what="contact sheet")
    caption = f"{folder.name}: {min(96, len(catalog))} of {len(catalog)} images, evenly spaced."
    return Section(title, text + "; ".join(parts) + ".", [Block(caption, picture=uri)])


def _gan(folder: Path) -> Section:
    card = read_card(folder, "gan")
    blocks = []
    samples = sorted((folder / "samples").glob("*.png"))
    if samples:
        sheet, times = _pictures.growth(samples)
        seen = ", ".join(f"{time:,}" for time in times)
        uri = _pictures.data_uri(sheet, made=True, what="growth of samples")
        blocks.append(
            Block(
                f"The same twelve seeds as training went on; rows from above: after {seen} images.",
                picture=uri,
            )
        )
    log = read_log(folder)
    if len(log) > 1:
        blocks.append(
            Block(
                "Losses (the discriminator's hinge loss is 4 when it can only guess).",
                plot=_plots.losses(log),
            )
        )
    settings = card["settings"]
    text = (
        f"A Lightweight GAN of {settings['image_size']} pixels with "
        f"{card['generator_parameters'] / 1e6:.2f} M generator and "
        f"{card['discriminator_parameters'] / 1e6:.2f} M discriminator parameters saw "
        f"{card['images_seen']:,} images, drawn from {card['data']['images']} real ones, "
        f"{card['images_per_second']:.0f} per second ({card['precision']}). "
        f"Model {card['model_id']}, seed {settings['seed']}."
    )
    return Section("The generator learns", text, blocks)


def _generator_measure(folder: Path) -> Section:
    figures = json.loads((folder / FIGURES_FILE).read_text())
    copies, spectra = figures["memorisation"], figures["spectra"]
    rows = [
        _row("Kernel distance (KID)", figures, "kid", figures["count"]),
        _row("KID between real images", figures, "kid_floor", figures["floor_count"]),
        _row("Precision", figures, "precision", figures["count"]),
        _row("Recall", figures, "recall", figures["count"]),
        _row("Coverage", figures, "coverage", figures["count"]),
        _row("Coverage between real images", figures, "coverage_floor", figures["floor_count"]),
        _row("Fréchet distance", figures, "frechet", figures["count"]),
        _row("Difference of spectra (dex)", spectra, "log_difference", figures["count"]),
        _row(
            "the same between real images", spectra, "log_difference_floor", figures["floor_count"]
        ),
        (
            "Largest SSIM of a made and a real image",
            f"{copies['max_ssim']:.3f}",
            "",
            str(figures["generated"]),
        ),
        (
            "Largest SSIM of two real objects",
            f"{copies['null_max_ssim']:.3f}",
            "",
            str(copies["searched"]),
        ),
        (
            "Made images nearer to a real one than that",
            str(copies["flagged"]),
            "",
            str(figures["generated"]),
        ),
    ]
    text = (
        f"Features by {figures['network']}; real images: {figures['real_split']['note']}. "
        "Distances are taken at equal counts, intervals are 95 % bootstrap. Copies are sought by "
        "structural similarity (SSIM) in gray, which small round sources on an empty sky reach "
        "without being copies: the figures say where to look, the pairs are to be looked at."
    )
    blocks = [
        Block(
            "Radial power spectra: mean and one standard deviation.", plot=_plots.spectra(spectra)
        ),
        Block("", header=("figure", "value", "95 % interval", "images"), rows=rows),
    ]
    pairs = folder / "nearest-1.png"
    if pairs.is_file():
        caption = (
            "Each made image (above) with the most similar real one (below), the most alike "
            f"first, from SSIM {copies['pairs'][0]['ssim']:.2f}."
        )
        blocks.insert(0, Block(caption, picture=_pictures.file_uri(pairs)))
    return Section("Are they like real ones, and are they copies?", text, blocks)


def _sky(folder: Path) -> Section:
    truth = pq.read_table(folder / "truth.parquet")
    view, size = _shown(folder)
    layers: dict[str, tuple[str, Mapping[str, Any]]] = {}
    if truth.num_rows <= _MOST_CIRCLES:
        layers["truth"] = (_plots.REAL, _circles(truth, "object_id"))
    text = f"{truth.num_rows:,} objects on {size:,} x {size:,} pixels. "
    detections = folder / "detections.parquet"
    blocks = []
    if detections.is_file():
        found = pq.read_table(detections)
    if detections.is_file() and found.num_rows <= _MOST_CIRCLES:
        layers["detected"] = (_plots.MADE, _circles(found, "object_id"))
    measured = folder / "measure.json"
    if measured.is_file():
        figures = json.loads(measured.read_text())
        limit = figures["above_limit"]
        rows = [
            _row("Completeness", figures, "completeness", figures["galaxies"]),
            _row(
                f"Completeness above {limit['limit_snr']:g} sigma",
                limit,
                "completeness",
                limit["galaxies"],
            ),
            _row("Purity", figures, "purity", figures["detected"]),
        ]
        blocks.append(
            Block(
                "Source detection (sep) against the truth catalog; 95 % Wilson intervals.",
                header=("figure", "value", "95 % interval", "of"),
                rows=rows,
            )
        )
        text += (
            f"The source detector finds {figures['matched']:,} of them, "
            f"{figures['completeness']:.0%}; {figures['purity']:.0%} of what it finds is real "
            "in the truth catalog's sense. "
        )
    uri = _pictures.data_uri(view, made=True, what="wide view", lossy=True)
    plot = _plots.sky_view(uri, size, layers)
    caption = (
        "The middle of the view: turn the wheel to zoom out to the whole, drag to move. Click "
        "the legend to show what was put there and what was found; point at a source to read it."
    )
    page = folder / "index.html"
    link = page if page.is_file() else None
    shown = Block(
        caption, plot=plot, link=link, link_text="Open the sky page: every zoom, truth rows"
    )
    return Section("A wide view", text, [shown, *blocks])


def _shown(folder: Path) -> tuple[NDArray[np.uint8], int]:
    """Return the picture of a view, reduced where the view is large, and the view's side."""
    if (folder / "sky.json").is_file():
        described = read_view(folder)
        if described["width"] > _LARGEST_SHOWN or "png" not in described["files"]:
            preview = folder / described["files"]["preview"]
            return decode(preview)[0].pixels, described["width"]
    pixels = decode(view_image(folder))[0].pixels
    return pixels, pixels.shape[0]


def _detector(folder: Path) -> Section:
    figures = json.loads((folder / "detector.json").read_text())
    rows = [
        _row("Accuracy", figures, "accuracy", figures["count"]),
        _row("Balanced accuracy", figures, "balanced_accuracy", figures["count"]),
        _row("Area under the ROC curve", figures, "auc", figures["count"]),
        _row("Expected calibration error", figures, "ece", figures["count"]),
        _row(
            "Expected calibration error, classes and their catalogs weighing alike",
            figures,
            "ece_weighted",
            figures["count"],
        ),
        (
            "From the file format alone, as the detector sees it (chance: 0.5)",
            f"{figures['format_only_accuracy']:.3f}",
            "",
            "",
        ),
        (
            "From the file format alone, as stored",
            f"{figures['format_only_raw_accuracy']:.3f}",
            "",
            "",
        ),
    ]
    text = (
        f"AstroSpy's two paths, image and spectrum, judged {figures['observed']} real and "
        f"{figures['made']} made images of groups that neither training nor calibration saw. "
        "Both kinds went through one decode, resize and re-encode path."
    )
    blocks = [
        Block(
            "Receiver operating characteristic.",
            plot=_plots.roc(figures["roc"], figures["auc"]),
            half=True,
        ),
        Block(
            "Calibration of the probability.",
            plot=_plots.reliability(figures["reliability"], figures["ece"]),
            half=True,
        ),
        Block("", header=("figure", "value", "95 % interval", "images"), rows=rows),
        Block(
            "By the side of the squares judged.",
            header=("side", "balanced accuracy", "area under the curve", "made", "observed"),
            rows=[
                (
                    side,
                    f"{own['balanced_accuracy']:.3f}",
                    f"{own['auc']:.3f}",
                    f"{own['made']:,}",
                    f"{own['observed']:,}",
                )
                for side, own in figures["sizes"].items()
            ],
        ),
        Block(
            "Answers at the detector's own thresholds, by catalog.",
            header=("catalog", "made", "observed", "cannot tell", "wrong, 95 %", "images"),
            rows=_answers(figures["verdicts"]),
        ),
    ]
    return Section("Told apart from the real ones", text, blocks)


def _answers(verdicts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[tuple[str, ...]]:
    return [
        (
            f"{source} ({kind})",
            *(_number(told[name]) for name in ("made", "observed", "cannot_tell")),
            " to ".join(map(_number, told["wrong_interval"])),
            f"{told['count']:,}",
        )
        for kind, sources in verdicts.items()
        for source, told in sources.items()
    ]


def _explanations(folder: Path) -> Section:
    lines = (folder / "verdicts.jsonl").read_text().splitlines()
    verdicts = [json.loads(line) for line in lines]
    blocks = [
        Block(picture=_pictures.file_uri(path), half=True) for path in sorted(folder.glob("*.png"))
    ]
    counts = Counter((verdict["origin"], verdict["verdict"]) for verdict in verdicts)
    said = "; ".join(
        f"{count} {origin} called {verdict}" for (origin, verdict), count in sorted(counts.items())
    )
    text = f"Verdicts on {len(verdicts)} images of the test part: {said}."
    return Section("Verdicts, and why", text, blocks)


def _circles(table: Any, text: str) -> dict[str, Any]:
    columns = {name: table[name].to_numpy() for name in ("x", "y", "a", "flux")}
    names = table[text].to_pylist()
    shown = [
        f"{'no galaxy of the truth catalog' if name is None else f'galaxy {name}'}, flux {flux:.0f}"
        for name, flux in zip(names, columns["flux"], strict=True)
    ]
    # Pixel centers are whole numbers in the tables, halves in the picture.
    return {
        "x": columns["x"] + 0.5,
        "y": columns["y"] + 0.5,
        "r": np.maximum(4, 3 * columns["a"]),
        "text": shown,
    }


def _row(name: str, figures: Mapping[str, Any], key: str, count: int) -> tuple[str, ...]:
    low, high = figures[f"{key}_interval"]
    return name, _number(figures[key]), f"{_number(low)} to {_number(high)}", f"{count:,}"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _is_model(kind: str) -> Callable[[Path], bool]:
    def marker(folder: Path) -> bool:
        path = folder / "model.json"
        return path.is_file() and json.loads(path.read_text()).get("kind") == kind

    return marker


_KINDS: list[tuple[Callable[[Path], bool], Callable[[Path], Section]]] = [
    (lambda folder: (folder / CATALOG_FILE).is_file(), _catalog),
    (_is_model("gan"), _gan),
    (lambda folder: (folder / "truth.parquet").is_file(), _sky),
    (lambda folder: (folder / FIGURES_FILE).is_file(), _generator_measure),
    (is_field_measure, field_section),
    (lambda folder: (folder / "detector.json").is_file(), _detector),
    (lambda folder: (folder / "verdicts.jsonl").is_file(), _explanations),
]
