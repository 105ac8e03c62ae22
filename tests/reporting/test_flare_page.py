"""FLARE's page: gains, losses and what cannot be told apart, in words as found."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parhelion.errors import InputError
from parhelion.provenance import encode_image, write_image
from parhelion.reporting import report_flare
from parhelion.reporting._flare_page import _gains, _lengths

CHROMIUM = shutil.which("chromium")
_ROWS = {"raw": "raw", "flare": "FLARE"}
_LABELS = ("comet", "galaxy", "nebula")


def _figures(accuracy: float, seeds: int = 3) -> dict[str, Any]:
    interval = [accuracy - 0.02, accuracy + 0.03]
    return {
        "count": 30,
        "seeds": seeds,
        "accuracy": accuracy,
        "accuracy_seeds_interval": interval if seeds > 1 else None,
        "accuracy_interval": interval,
        "macro_f1": accuracy,
    }


def _table(labels: str) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "name": name,
            "backbone": backbone,
            "paper": 0.6068 if labels == "fine" and row == "raw" else None,
            "images": 1000,
            "images_seen": [640] * 3,
            "in_domain": _figures(0.6 + 0.1 * place),
            "elsewhere": {"zoo": _figures(0.4)},
        }
        for place, (row, name) in enumerate(_ROWS.items())
        for backbone in ("resnet18", "small")
    ]


def _summary() -> dict[str, Any]:
    gains = [
        {"difference": 0.1, "interval": [0.05, 0.15]},
        {"difference": -0.1, "interval": [-0.15, -0.05]},
        {"difference": 0.01, "interval": [-0.05, 0.07]},
    ]
    points = [
        {"size": size, "images": 35, "in_domain": _figures(0.3 + 0.1 * place)}
        for place, size in enumerate((5, 10, "all"))
    ]
    counts = {part: dict.fromkeys(_LABELS, 10) for part in ("train", "validation", "test")}
    return {
        "paper": "flare",
        "screened": {"duplicate": 3},
        "features": {"images": 30},
        "samples": {"classes": list(_LABELS), "each": 5},
        "tables": {labels: _table(labels) for labels in ("fine", "macro")},
        "gains": [
            {"labels": "fine", "backbone": "small", "better": "FLARE", "than": "raw", **gain}
            for gain in gains
        ],
        "leaks": [
            {
                "row": "raw",
                "name": "raw",
                "backbone": "resnet18",
                "accuracy_of_seeds": [0.9, 0.92],
                "with_kin": 0.998,
            }
        ],
        "macro_trained": False,
        "lengths": {
            "passes": 2,
            "rows": [
                {
                    "row": row,
                    "name": name,
                    "backbone": "small",
                    "images_seen": [seen] * 3,
                    "in_domain": _figures(0.5 + seen / 100_000),
                }
                for (row, name), seen in zip(_ROWS.items(), (2_000, 20_000), strict=True)
            ],
            "gains": [
                {
                    "backbone": "small",
                    "better": "FLARE",
                    "than": "raw",
                    "difference": 0.18,
                    "interval": [0.12, 0.25],
                }
            ],
        },
        "scarcity": {
            "backbone": "small",
            "curves": [{"row": row, "name": name, "points": points} for row, name in _ROWS.items()],
        },
        "classifier": {"image_size": 80, "images": 10_000},
        "classes": list(_LABELS),
        "generator": {"kind": "diffusion", "parameters": 7_400_000, "images_seen": 90_000},
        "data": {"data": "objects", "elsewhere": ["zoo=comet"], "counts": counts},
        "mixture": {
            "alpha": 1.0,
            "beta": 0.3,
            "score": "random",
            "images": 900,
            "made": 225,
            "made_in_all": 500,
        },
        "settings": {"scale": "small"},
        "machine": "2 CPU cores",
        "seconds": 600.0,
        "peak_memory_mb": 900,
        "stages": {"train": {"seconds": 600.0, "peak_memory_mb": 900}},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "summary.json").write_text(json.dumps(_summary()))
    sheet = np.random.default_rng(0).integers(0, 256, (96, 200, 3)).astype(np.uint8)
    write_image(tmp_path / "samples.png", sheet, recipe={"operation": "sheet"}, made=True)
    rng = np.random.default_rng(1)
    picture = encode_image(sheet[:32, :32], "JPEG", recipe={"operation": "x"}, made=True)
    table = {
        "kind": ["real", "augmented", "made"] * 10,
        "label": [_LABELS[number % 3] for number in range(30)],
        "thumbnail": [picture] * 30,
        "x": rng.normal(size=30),
        "y": rng.normal(size=30),
    }
    pq.write_table(pa.table(table), tmp_path / "features.parquet")
    return tmp_path


def test_outcomes_are_said_as_found() -> None:
    rows = _gains(_summary()).blocks[0].rows
    assert [row[-1] for row in rows] == ["a gain", "a loss", "not told apart"]
    assert [row[3] for row in rows] == ["+10.0", "-10.0", "+1.0"]


def test_what_longer_training_gains_is_told_apart() -> None:
    section = _lengths(_summary())
    assert "(fine classes) with 2 passes each" in section.text
    rows, gains = (block.rows for block in section.blocks)
    assert rows[0] == ("small", "raw", "2,000", "0.520", "0.500 to 0.550")
    assert gains == [("small", "FLARE over raw", "+18.0", "+12.0 to +25.0", "a gain", "+1.0")]


def test_the_page_has_the_paper_s_figure_beside_ours(folder: Path) -> None:
    page = report_flare(folder).read_text()
    for text in (
        "0.607",
        "99.8 %",
        "as published",
        "7.4 M parameters",
        "duplicate 3",
        "zoo",
        "none of black holes",
        "1 of the augmented and 0.3 of 500 made images: 900 in all, 25% made",
    ):
        assert text in page


def test_how_macro_classes_were_called_is_said(folder: Path) -> None:
    text = "called by the sum of the probabilities"
    assert text in report_flare(folder).read_text()
    (folder / "summary.json").write_text(json.dumps(_summary() | {"macro_trained": True}))
    assert text not in report_flare(folder).read_text()


def test_a_pretrained_generator_is_said_to_be_one(folder: Path) -> None:
    summary = _summary() | {"generator": {"pretrained": "hub:OWNER/NAME"}}
    (folder / "summary.json").write_text(json.dumps(summary))
    assert "whether on test images is not known" in report_flare(folder).read_text()


def test_the_mean_of_tests_elsewhere_is_not_said_of_one(folder: Path) -> None:
    assert "mean elsewhere" not in report_flare(folder).read_text()


def test_a_run_that_was_stopped_says_so(folder: Path) -> None:
    assert "was stopped" not in report_flare(folder).read_text()
    stages = {"train": {"seconds": 600.0, "peak_memory_mb": 900, "stopped_before": True}}
    (folder / "summary.json").write_text(json.dumps(_summary() | {"stages": stages}))
    assert "was stopped in 1 of its stages" in report_flare(folder).read_text()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        report_flare(tmp_path)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_every_plot_is_drawn_in_a_browser(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    page_file = report_flare(folder)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(page_file.resolve().as_uri())
        page.wait_for_selector(".bk-Figure >> canvas")
        page.wait_for_function("document.querySelectorAll('.bk-Figure').length === 4")
        browser.close()
    assert errors == []
