"""AstroSpy's page: words as found, whichever way; pictures under the pointer; no request."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parhelion.errors import InputError
from parhelion.provenance import encode_image
from parhelion.reporting import report_astrospy
from parhelion.reporting._astrospy_sections import order_section

CHROMIUM = shutil.which("chromium")
_NAMES = (
    "Fourier only",
    "image only",
    "image + augmentation",
    "joint, addition",
    "joint, concatenation",
)


def _figures(accuracy: float, seeds: int = 3) -> dict[str, Any]:
    interval = [accuracy - 0.02, accuracy + 0.03]
    return {
        "count": 100,
        "made": 50,
        "observed": 50,
        "seeds": seeds,
        "accuracy": accuracy,
        "accuracy_seeds_interval": interval if seeds > 1 else None,
        "accuracy_interval": interval,
        "f1": accuracy,
        "auc": accuracy,
    }


def _row(name: str, accuracy: float, **abroad: Any) -> dict[str, Any]:
    return {
        "name": name,
        "run": name,
        "paper": 0.9,
        "images_seen": [640],
        "in_domain": _figures(accuracy),
        "elsewhere": abroad,
    }


def _summary(joint: float, image: float, fourier: float, reach: float = 0.01) -> dict[str, Any]:
    accuracies = dict(zip(_NAMES, (fourier, image - 0.05, image, joint, joint), strict=True))
    only_made = {"count": 9, "made": 9, "observed": 0, "seeds": 3, "accuracy": 0.25}
    steps = {
        "joint over image": joint - image,
        "image over Fourier": image - fourier,
    }
    return {
        "tables": {
            "1": [
                _row(name, accuracy, natural=_figures(0.7), fakes=only_made)
                for name, accuracy in accuracies.items()
            ],
            "2": [_row("CNN", 0.8)],
            "3": [_row("none", 0.7), _row("all", joint)],
        },
        "order": {
            name: {
                "better": name.split()[0],
                "worse": name.split()[2],
                "difference": step,
                "interval": [step - reach, step + reach],
            }
            for name, step in steps.items()
        },
        "spectra": {"observed": 5, "made": 4},
        "embedding": {"images": 4},
        "format_only_accuracy": 0.51,
        "format_only_raw_accuracy": 0.97,
        "data": {"data": ["a/real", "made"], "counts": {"train": {"observed": 800, "made": 400}}},
        "detector": {
            "augment_probability": 0.5,
            "rotation": 180.0,
            "color_jitter": 0.2,
            "blur": 1.0,
            "image_size": 96,
            "backbone": "resnet18",
            "batch": 32,
            "learning_rate": 5e-4,
            "patience": 5,
            "test_quality": 90,
        },
        "settings": {"scale": "small", "pretrained": None},
        "machine": "2 CPU cores",
        "seconds": 90.0,
        "peak_memory_mb": 800,
        "stages": {"train joint-add-0": {"seconds": 90.0, "peak_memory_mb": 800}},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "summary.json").write_text(json.dumps(_summary(0.97, 0.93, 0.7)))
    np.savez(
        tmp_path / "spectra.npz",
        observed_spectrum=rng.normal(size=(16, 16)).astype(np.float32),
        made_spectrum=rng.normal(size=(16, 16)).astype(np.float32),
        observed_profiles=np.sort(rng.normal(size=(3, 8)), 0).astype(np.float32),
        made_profiles=np.sort(rng.normal(size=(3, 8)), 0).astype(np.float32),
    )
    pixels = np.full((16, 16, 3), 200, np.uint8)
    columns = {
        "source": ["real", "mixed", "mixed", "fakes"],
        "is_made": [False, False, True, True],
        "thumbnail": [encode_image(pixels, "JPEG", recipe={}, made=True)] * 4,
    }
    for name in ("joint_x", "joint_y", "fourier_x", "fourier_y"):
        columns[name] = [0.0, 1.0, 2.0, 3.0]  # type: ignore[list-item]
    pq.write_table(pa.table(columns), tmp_path / "embedding.parquet")
    return tmp_path


def test_the_tables_stand_beside_the_paper_s(folder: Path) -> None:
    page = report_astrospy(folder).read_text()
    for text in (
        "joint (0.970) &gt; image (0.930) &gt; Fourier (0.700)",
        "0.950 to 1.000",  # an interval ends where an accuracy does
        "0.70 (0.70)",  # a test elsewhere of both classes, with its AUC
        "<td>0.25</td>",  # one of a single class, without
        "format only (a control)",
        "at quality 90; from files as stored, the format alone tells 0.970",
        "800 + 400",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("accuracies", "reach", "words"),
    [
        ((0.97, 0.93, 0.7), 0.01, "the paper's order, and both steps are larger"),
        ((0.94, 0.93, 0.7), 0.05, "the paper's order, but not every step"),
        ((0.90, 0.93, 0.7), 0.01, "is not the paper's order"),
        ((0.90, 0.70, 0.8), 0.01, "joint (0.900) > Fourier (0.800) > image (0.700)"),
    ],
)
def test_the_order_is_told_as_found(
    accuracies: tuple[float, float, float], reach: float, words: str
) -> None:
    assert words in order_section(_summary(*accuracies, reach=reach)).text


def test_each_step_says_what_its_interval_says() -> None:
    (block,) = order_section(_summary(0.90, 0.93, 0.929)).blocks
    assert [row[-1] for row in block.rows] == ["worse, against the paper", "not told apart"]


def test_a_folder_without_a_summary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no summary\.json; write it with `parhelion"):
        report_astrospy(tmp_path)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_it_draws_and_asks_nobody_for_anything(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    errors: list[str] = []
    path = report_astrospy(folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_function("Bokeh.documents.length == 1 && Bokeh.documents[0].is_idle")
        # Four kinds of image in each of two layouts: a mixed catalog's classes are told apart.
        kinds = page.evaluate(
            "Bokeh.documents[0].roots().flatMap(plot => plot.renderers)"
            ".filter(item => item.view?.filter?.group).map(item => item.view.filter.group)"
        )
        browser.close()
    assert sorted(kinds) == sorted(
        2 * ["real (observed)", "mixed (observed)", "mixed (made)", "fakes (made)"]
    )
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
