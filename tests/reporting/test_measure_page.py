"""The page of a generator's measure: complete in itself, with all that was measured."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parhelion.errors import InputError
from parhelion.provenance import write_image
from parhelion.reporting import measure_page, report


def figure(names: list[str], value: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        found[name] = value
        found[f"{name}_interval"] = found[f"{name}_floor_interval"] = [value - 0.1, value + 0.1]
        found[f"{name}_at_floor"] = found[f"{name}_floor"] = value / 2
    return found


DISTANCES = ["kid", "frechet", "precision", "recall", "density", "coverage"]


def quantity(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": f"label of {name}",
        "edges": [0.0, 1.0, 2.0],
        "real_histogram": [0.25, 0.75],
        "made_histogram": [0.5, 0.5],
        "real_mean": 1.25,
        "made_mean": 1.0,
        "real_count": 20,
        "made_count": 19,
        **figure(["wasserstein", "normalized"], 0.5),
    }


def made_set(name: str) -> dict[str, Any]:
    spectrum = {key: [0.5, -1.0] for key in ("real_mean", "generated_mean", "frequency")}
    spread = {key: [0.1, 0.1] for key in ("real_spread", "generated_spread")}
    side = {"count": [15, 5], "share": [0.75, 0.25], "interval": [[0.5, 0.9], [0.1, 0.5]]}
    network = {"network": "some <network>", "dimension": 8, **figure(DISTANCES, 0.25)}
    pair = {"generated": "a.png", "real": "b.png", "ssim": 0.75, "copy": True}
    return {
        "name": name,
        "generated": 40,
        "crop": 0.5,
        "networks": [network],
        **network,
        "spectra": {**spectrum, **spread, **figure(["log_difference"], 0.03)},
        "photometry": [quantity("brightness"), quantity("saturation")],
        "morphology": {
            "measured": 20,
            "failures": {"nothing at the centre": 3},
            "real_measured": 20,
            "real_failures": {},
            "quantities": [quantity("gini")],
        },
        "classes": [
            {
                "by": "predicted by classifier x",
                "classes": ["spiral", "elliptical"],
                "first": side,
                "second": side,
                "merged": [],
                "chi_square": 1.5,
                "degrees": 1,
                "p_value": 0.25,
                "p_value_floor": 0.5,
                **figure(["cramers_v"], 0.2),
            }
        ],
        "memorisation": {
            "max_ssim": 0.75,
            "null_max_ssim": 0.7,
            "threshold": 0.7,
            "flagged": 1,
            "copies": 1,
            "median_ssim": 0.5,
            "null_median_ssim": 0.4,
            "searched": 60,
            "pairs": [pair],
        },
    }


def measured(folder: Path, others: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    about = {
        "image_size": 16,
        "count": 20,
        "floor_count": 10,
        "neighbors": 5,
        "real": "survey",
        "real_crop": 0.5,
        "real_split": {"note": "all", "reference": 60, "first": 30, "second": 30, "known": 60},
    }
    figures = about | made_set("ours") | {"others": others, "seconds": 3.0}
    (folder / "figures.json").write_text(json.dumps(figures))
    pixels = np.full((16, 16, 3), 9, np.uint8)
    write_image(folder / "real.png", pixels, recipe={}, made=False)
    for number in range(1, len(others) + 2):
        for name in ("made", "nearest"):
            write_image(folder / f"{name}-{number}.png", pixels, recipe={}, made=True)
    return folder


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "src" and (value or "").startswith("data:"):
                self.pictures += tag == "img"
            elif name in ("src", "srcset") or (name == "href" and tag == "link"):
                self.outside.append(value or "")


def test_all_that_was_measured_is_there_and_nothing_is_loaded(tmp_path: Path) -> None:
    page = measure_page(measured(tmp_path / "out", [made_set("theirs"), made_set("ours")]))
    assert page == tmp_path / "out" / "index.html"
    text = page.read_text()
    links = _Links()
    links.feed(text)
    assert links.outside == []
    assert links.pictures == 1 + 3 * 2
    for title in (
        "What they look like",
        "Distances, precision",
        "Do the classes come as often?",
        "Radial power spectra",
        "Brightness and color",
        "Shapes",
        "Are they copies?",
        "How it was measured",
    ):
        assert f"<h2>{title}" in text
    assert "<h1>ours, theirs, ours (3) against survey</h1>" in text
    assert "0.250 (0.150 to 0.350)" in text
    assert "ours, n = 10" in text  # at the floor's count, since that is smaller
    assert "chi-square 1.50 with 1 degrees of freedom, p = 0.25" in text
    assert "3 of 20 images left out (3 nothing at the centre)" in text
    assert "some &lt;network&gt;" in text
    assert "<network>" not in text


def test_without_shapes_or_classes_the_page_has_no_such_parts(tmp_path: Path) -> None:
    folder = measured(tmp_path / "out", [])
    figures = json.loads((folder / "figures.json").read_text())
    figures["classes"], figures["morphology"] = [], None
    (folder / "figures.json").write_text(json.dumps(figures))
    text = measure_page(folder, tmp_path / "page.html").read_text()
    assert "<h2>Shapes" not in text
    assert "classes come" not in text


def test_a_table_too_small_to_test_says_so(tmp_path: Path) -> None:
    folder = measured(tmp_path / "out", [])
    figures = json.loads((folder / "figures.json").read_text())
    for key in ("chi_square", "degrees", "p_value", "cramers_v", "cramers_v_interval"):
        figures["classes"][0][key] = None
    (folder / "figures.json").write_text(json.dumps(figures))
    assert "too few images or classes for a test" in measure_page(folder).read_text()


def test_the_report_has_a_short_form(tmp_path: Path) -> None:
    folder = measured(tmp_path / "out", [])
    text = report([folder], tmp_path / "report.html").read_text()
    assert "Are they like real ones, and are they copies?" in text
    assert "Coverage between real images" in text


def test_a_folder_without_figures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no figures\.json"):
        measure_page(tmp_path)
