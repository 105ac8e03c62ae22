"""The page: complete in itself, about whatever it is given, and refused where there is nothing."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parhelion.catalog import Catalog
from parhelion.errors import InputError
from parhelion.generation import GanSettings, GenerateSettings, generate, train_gan
from parhelion.provenance import write_image
from parhelion.reporting import report
from parhelion.reporting._pictures import growth
from parhelion.training import grid


class _Links(HTMLParser):
    """Collects what a page would load from elsewhere."""

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


@pytest.fixture
def folders(galaxies: Catalog, tmp_path: Path) -> Path:
    """A folder of folders: a catalog, a run, made images and a wide view with its measures."""
    root = tmp_path / "all"
    shutil.copytree(galaxies.root, root / "1-real")
    settings = GanSettings(
        image_size=32,
        width=2,
        max_channels=8,
        latent=8,
        batch=4,
        images=16,
        sample_every=8,
        log_every=4,
        precision="fp32",
    )
    train_gan(root / "1-real", root / "2-run", settings)
    generate(root / "2-run", root / "3-made", GenerateSettings(count=6))
    sky = root / "4-sky"
    sky.mkdir()
    write_image(sky / "view.png", np.full((64, 64, 3), 9, np.uint8), recipe={}, made=True)
    columns = {"x": [5.0], "y": [6.0], "a": [2.0], "flux": [10.0], "object_id": [0]}
    pq.write_table(pa.table(columns), sky / "truth.parquet")
    return root


def test_a_page_of_everything_is_complete_in_itself(folders: Path, tmp_path: Path) -> None:
    page = report([folders], tmp_path / "page.html").read_text()
    links = _Links()
    links.feed(page)
    assert links.outside == []
    assert links.pictures == 3
    for title in ("Real images", "The generator learns", "Made images", "A wide view"):
        assert f"<h2>{title}</h2>" in page
    assert "trainedAlgorithmicMedia" in page


def test_a_paper_s_experiments_are_linked(folders: Path, tmp_path: Path) -> None:
    summary = {"paper": "gan-universe", "seconds": 90.0, "machine": "2 CPU cores"}
    (folders / "summary.json").write_text(json.dumps(summary))
    (folders / "index.html").write_text("<p>tables</p>")
    page = report([folders], tmp_path / "page.html").read_text()
    assert "The experiments of gan-universe, done again in 1.5 minutes on 2 CPU cores." in page
    assert 'href="all/index.html"' in page


def test_folders_can_be_given_one_by_one(folders: Path, tmp_path: Path) -> None:
    page = report([folders / "3-made"], tmp_path / "page.html").read_text()
    assert "Made images" in page
    assert "Real images" not in page


def test_text_from_files_cannot_become_markup(folders: Path, tmp_path: Path) -> None:
    card = folders / "2-run" / "model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "model_id": "<script>x"}))
    page = report([folders / "2-run"], tmp_path / "page.html").read_text()
    assert "&lt;script&gt;x" in page
    assert "<script>x" not in page


def test_nothing_to_report_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was written by Parhelion"):
        report([tmp_path], tmp_path / "page.html")
    with pytest.raises(InputError, match="is not a folder"):
        report([tmp_path / "none"], tmp_path / "page.html")


def test_growth_shows_the_same_seeds_at_each_time(tmp_path: Path) -> None:
    for time, level in ((10, 50), (1000, 100), (2000, 150)):
        images = np.full((64, 16, 16, 3), level, np.uint8)
        images[1] += 9
        write_image(tmp_path / f"{time:09d}.png", grid(images), recipe={}, made=True)
    sheet, times = growth(sorted(tmp_path.iterdir()), columns=2, most=2)
    assert times == [10, 2000]
    assert sheet.shape == (2 * 66 - 2, 2 * 66 - 2, 3)
    assert (sheet[5, 5, 0], sheet[5, 80, 0], sheet[100, 5, 0]) == (50, 59, 150)


def test_what_an_earlier_version_measured_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "detector.json").write_text('{"count": 6, "accuracy": 0.5}')
    with pytest.raises(InputError, match="does not say 'accuracy_interval': an earlier version"):
        report([tmp_path], tmp_path / "page.html")
