"""Verdicts: for files, folders and catalogs, in order, whatever the neighbors, never a crash."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.detection import SHIPPED, Detector, DetectSettings, detect, evaluate, load_detector
from parhelion.errors import InputError, ModelError

CPU = DetectSettings(device="cpu", workers=2)


@pytest.fixture
def folder(tmp_path: Path, galaxy: NDArray[np.uint8]) -> Path:
    """Two galaxies and a sub-folder with files that are none."""
    root = tmp_path / "folder"
    (root / "z").mkdir(parents=True)
    Image.fromarray(galaxy).save(root / "a.png")
    Image.fromarray(galaxy[::-1]).save(root / "b.jpg", quality=95)
    Image.new("RGB", (40, 40), (7, 7, 7)).save(root / "z" / "blank.png")
    Image.fromarray(galaxy[:5, :9]).save(root / "z" / "small.png")
    (root / "z" / "text.jpg").write_text("not an image")
    (root / "z" / "void.png").touch()
    return root


def test_a_folder_in_order_with_reasons(folder: Path, detector: Detector) -> None:
    verdicts = list(detect(folder, detector, CPU))
    names = [Path(item.path).name for item in verdicts]
    assert names == ["a.png", "b.jpg", "blank.png", "small.png", "text.jpg", "void.png"]
    assert all(0 <= item.probability_made <= 1 for item in verdicts[:2])  # type: ignore[operator]
    assert [item.probability_made for item in verdicts[2:]] == [None] * 4
    assert {item.verdict for item in verdicts[2:]} == {"cannot tell"}
    assert "blank" in verdicts[2].note
    assert "too small: 9 x 5 pixels" in verdicts[3].note
    assert "not an image" in verdicts[4].note
    assert "empty" in verdicts[5].note


def test_a_verdict_as_programs_read_it(folder: Path, detector: Detector) -> None:
    good, *_, bad = (json.loads(item.json()) for item in detect(folder, detector, CPU))
    assert list(good)[:4] == ["path", "probability_made", "verdict", "note"]
    assert (good["part"], good["width"], good["height"]) == (None, 32, 32)
    assert bad["probability_made"] is bad["logit"] is bad["width"] is None


def test_made_and_observed_are_told_apart(detector: Detector, drawn: list[Catalog]) -> None:
    right = wrong = 0
    for catalog, word in zip(drawn, ("observed", "made"), strict=True):
        verdicts = list(detect(catalog.root, detector, CPU))
        assert [item.path for item in verdicts] == [str(path) for path in catalog.files()]
        right += sum(item.verdict == word for item in verdicts)
        wrong += sum(item.verdict not in (word, "cannot tell") for item in verdicts)
    assert right > 120  # of 160
    assert wrong < 16


def test_neighbors_do_not_matter(drawn: list[Catalog], run: Path) -> None:
    files = [path for catalog in drawn for path in catalog.files()[:7]]
    detector = load_detector(run, device="cpu", batch=4)
    together = list(detect(files, detector, CPU))
    alone = [verdict for path in files for verdict in detect(path, detector, CPU)]
    backwards = list(detect(files[::-1], detector, CPU))[::-1]
    assert together == alone == backwards


def test_inside_the_band_the_thresholds_are_told(detector: Detector, folder: Path) -> None:
    card = {**detector.card, "bands": [[0, 0.0, 1.0]], "domain_limit": 1e9}
    unsure = Detector(detector.network, detector.domain, card, detector.device, 4)
    verdict = next(detect(folder / "a.png", unsure, CPU))
    assert verdict.verdict == "cannot tell"
    assert verdict.note == "between the thresholds 0.000 and 1.000"
    assert verdict.probability_made is not None


def test_of_what_it_never_learned_it_cannot_tell(tmp_path: Path, detector: Detector) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::6, 0] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    (verdict,) = detect(tmp_path / "stripes.png", detector, CPU)
    assert verdict.verdict == "cannot tell"
    assert "unlike the images that the detector learned from" in verdict.note
    assert verdict.probability_made is not None


def test_a_file_with_several_images_has_several_verdicts(
    tmp_path: Path, galaxy: NDArray[np.uint8], detector: Detector
) -> None:
    pages = [Image.fromarray(galaxy), Image.fromarray(galaxy[:, ::-1])]
    pages[0].save(tmp_path / "two.tiff", save_all=True, append_images=pages[1:])
    verdicts = list(detect(tmp_path / "two.tiff", detector, CPU))
    assert len(verdicts) == 2
    assert [item.part for item in verdicts] == ["page1", "page2"]


def test_pipes_and_loops_are_passed(folder: Path, detector: Detector, drawn: list[Catalog]) -> None:
    os.mkfifo(folder / "c-pipe.png")
    (folder / "loop").symlink_to(folder)
    (folder / "d-gone.png").symlink_to(folder / "nowhere")
    notes = {Path(item.path).name: item.note for item in detect(folder, detector, CPU)}
    assert notes["c-pipe.png"] == "not a regular file"
    assert "leads nowhere" in notes["d-gone.png"]
    assert "link to a folder" in notes["loop"]
    assert len(notes) == 9


def test_archives_are_looked_into(folder: Path, detector: Detector) -> None:
    packed = shutil.make_archive(str(folder.parent / "packed"), "zip", folder)
    loose = list(detect(folder, detector, CPU))
    inside = list(detect(packed, detector, CPU))
    names = {item.path.removeprefix(f"{packed}/"): item for item in inside}
    for verdict in loose:
        same = names[verdict.path.removeprefix(f"{folder}/")]
        assert dataclasses.replace(verdict, path="") == dataclasses.replace(same, path="")
    assert len(inside) == len(loose) == 6


def test_the_pixel_limit_is_the_user_s(folder: Path, detector: Detector) -> None:
    settings = dataclasses.replace(CPU, pixel_limit=1000)
    (verdict,) = detect(folder / "a.png", detector, settings)
    assert not verdict.readable
    assert "more than --pixel-limit (=1000)" in verdict.note


def test_what_cannot_be_a_source_is_refused_at_once(
    tmp_path: Path, folder: Path, run: Path, detector: Detector
) -> None:
    with pytest.raises(InputError, match="does not exist"):
        detect([folder, tmp_path / "absent"], detector)
    with pytest.raises(InputError, match="no source given"):
        detect([], detector)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        detect(tmp_path / "empty", detector)
    with pytest.raises(ModelError, match="is not a model"):
        detect(folder, tmp_path / "empty")


def test_verdicts_come_while_files_are_still_read(
    drawn: list[Catalog], detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parhelion.detection import _detect

    opened: list[Path] = []
    real = _detect.decode_parts

    def decode_parts(path: Path, settings: object) -> object:
        opened.append(path)
        return real(path, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(_detect, "decode_parts", decode_parts)
    verdicts = detect(drawn[0].root, detector, CPU)
    next(verdicts)
    # One batch of 4 was taken, and at most two more wait.
    assert len(opened) <= 4 + 2 * 4
    verdicts.close()  # type: ignore[attr-defined]


def test_what_is_measured_of_a_large_image_is_what_is_detected(tmp_path: Path) -> None:
    # All that is to be seen lies outside the middle, to which training cuts large images.
    pixels = np.full((64, 1400, 3), 9, np.uint8)
    pixels[:, :180] = np.random.default_rng(0).integers(0, 255, (64, 180, 3))
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = row(
        image_id=image_id(pixels),
        group_id="a",
        path="a.png",
        width=1400,
        height=64,
        format="PNG",
        origin="observed",
    )
    catalog = write_catalog(tmp_path, [found], rejected=[])
    settings = DetectSettings(device="cpu", precision="fp32")
    (verdict,) = detect(tmp_path / "a.png", SHIPPED, settings)
    (logit,) = evaluate(SHIPPED, [catalog], split=None, device="cpu")["logit"].to_pylist()
    assert logit == pytest.approx(verdict.logit, rel=1e-5)
