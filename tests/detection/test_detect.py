"""Verdicts: for files, folders and catalogs, in order, whatever the neighbors, never a crash."""

import copy
import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog
from parhelion.detection import Detector, DetectSettings, Verdict, detect, explain, load_detector
from parhelion.detection._saliency import saliency
from parhelion.errors import InputError, ModelError
from parhelion.provenance import read_mark

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
    assert list(good) == ["path", "probability_made", "verdict", "note"]
    assert bad["probability_made"] is None


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
    card = {**detector.card, "band": [0.0, 1.0], "domain_limit": 1e9}
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
    assert verdicts[0].note != verdicts[1].note
    assert all("image " in item.note for item in verdicts)


def test_pipes_and_loops_are_passed(folder: Path, detector: Detector, drawn: list[Catalog]) -> None:
    os.mkfifo(folder / "c-pipe.png")
    (folder / "loop").symlink_to(folder)
    (folder / "d-gone.png").symlink_to(folder / "nowhere")
    notes = {Path(item.path).name: item.note for item in detect(folder, detector, CPU)}
    assert notes["c-pipe.png"] == "not a regular file"
    assert notes["d-gone.png"] == "no such file"
    assert len(notes) == 8


def test_what_cannot_be_a_source_is_refused_at_once(
    tmp_path: Path, folder: Path, run: Path, detector: Detector
) -> None:
    with pytest.raises(InputError, match="does not exist"):
        detect([folder, tmp_path / "absent"], detector)
    with pytest.raises(InputError, match="nothing to look at"):
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
    real = _detect.decode

    def decode(path: Path) -> object:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(_detect, "decode", decode)
    verdicts = detect(drawn[0].root, detector, CPU)
    next(verdicts)
    # One batch of 4 was taken, and at most two more wait.
    assert len(opened) <= 4 + 2 * 4
    verdicts.close()  # type: ignore[attr-defined]


def test_every_verdict_can_be_explained(folder: Path, detector: Detector, tmp_path: Path) -> None:
    shutil.copy(folder / "a.png", folder / "line\nbreak é.png")
    settings = dataclasses.replace(CPU, explain=tmp_path / "why")
    verdicts = list(detect(folder, detector, settings))
    pictures = sorted((tmp_path / "why").iterdir())
    shown = [item for item in verdicts if item.probability_made is not None]
    assert [p.name for p in pictures] == ["000000-a.png", "000001-b.png", "000002-line-break--.png"]
    for picture, verdict in zip(pictures, shown, strict=True):
        mark = read_mark(picture)
        assert mark is not None
        assert not mark.made
        assert mark.recipe is not None
        assert mark.recipe["path"] == verdict.path
        assert mark.recipe["verdict"] == verdict.verdict


def test_an_explanation_is_a_drawing_that_depends_on_the_image(
    galaxy: NDArray[np.uint8], detector: Detector
) -> None:
    verdict = Verdict("a.png", 0.25, "cannot tell", "between the thresholds")
    one = explain(detector, detector.see(galaxy), verdict)
    assert one.dtype == np.uint8
    assert one.shape[2] == 3
    assert np.array_equal(one, explain(detector, detector.see(galaxy), verdict))
    assert not np.array_equal(one, explain(detector, detector.see(galaxy[:, ::-1]), verdict))


def test_saliency_is_where_the_logit_depends_on_the_image(
    galaxy: NDArray[np.uint8], detector: Detector
) -> None:
    heat = saliency(detector, detector.see(galaxy))
    assert heat.shape == (32, 32)
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(1.0)
    network = copy.deepcopy(detector.network)
    network.head.weight.zero_()
    blind = Detector(network, detector.domain, detector.card, detector.device, 4)
    assert not saliency(blind, detector.see(galaxy)).any()
