"""Explanations: a picture for each verdict, which shows what the detector saw, and says so."""

import copy
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.detection import (
    Detector,
    DetectorSettings,
    DetectSettings,
    Verdict,
    detect,
    explain,
)
from parhelion.detection import _draw as drawing
from parhelion.detection._explain import reduced
from parhelion.detection._model import build
from parhelion.detection._reasons import of_limits, of_patches, of_spectrum
from parhelion.detection._saliency import saliency
from parhelion.provenance import read_mark

CPU = DetectSettings(device="cpu", workers=2)
VERDICT = Verdict("a.png", 0.25, "cannot tell", "between the thresholds")


@pytest.fixture
def patchy(detector: Detector) -> Detector:
    """A detector that judges patches of 16 pixels, up to 4 of them; its weights mean nothing."""
    settings = {"view": "patches", "backbone": "fine", "image_size": 16, "patches": 4}
    card = {**detector.card, "settings": {**detector.card["settings"], **settings}}
    flat = {"low": [-1.0] * 8, "median": [0.0] * 8, "high": [1.0] * 8}
    card["spectra"] = {"observed": flat, "made": flat}
    network = build(DetectorSettings(view="patches", backbone="fine", image_size=16, patches=4))
    return Detector(network, detector.domain, card, detector.device, 4)


def color_share(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> float:
    """Return the share of a picture's pixels that have about this color."""
    apart = np.abs(picture.astype(int) - color).max(-1)
    return float((apart < 12).mean())


def test_every_verdict_can_be_explained(
    galaxy: NDArray[np.uint8], detector: Detector, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Image.fromarray(galaxy).save(folder / "a.png")
    Image.fromarray(galaxy[::-1]).save(folder / "b.jpg", quality=95)
    Image.new("RGB", (40, 40), (7, 7, 7)).save(folder / "blank.png")
    shutil.copy(folder / "a.png", folder / "line\nbreak é.png")
    (folder / "text.jpg").write_text("not an image")
    settings = dataclasses.replace(CPU, explain=tmp_path / "why", out=tmp_path / "table.jsonl")
    verdicts = list(detect(folder, detector, settings))
    pictures = sorted((tmp_path / "why").iterdir())
    assert [p.name for p in pictures] == ["000000-a.png", "000001-b.png", "000003-line-break--.png"]
    shown = [item for item in verdicts if item.probability_made is not None]
    for picture, verdict in zip(pictures, shown, strict=True):
        mark = read_mark(picture)
        assert mark is not None
        assert not mark.made
        assert mark.recipe is not None
        assert mark.recipe["path"] == verdict.path
        assert mark.recipe["verdict"] == verdict.verdict


@pytest.mark.parametrize("shape", [(32, 32, 3), (16, 90, 1), (20, 9000, 3)])
@pytest.mark.parametrize("name", ["detector", "patchy"])
def test_any_image_can_be_explained(
    name: str, shape: tuple[int, int, int], request: pytest.FixtureRequest
) -> None:
    judge = request.getfixturevalue(name)
    pixels = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    one = explain(judge, pixels, VERDICT)
    assert one.dtype == np.uint8
    assert one.ndim == 3
    assert min(one.shape[:2]) > 500
    assert np.array_equal(one, explain(judge, pixels, VERDICT))
    assert not np.array_equal(one, explain(judge, pixels[:, ::-1], VERDICT))


def test_the_title_has_the_color_of_the_verdict(
    galaxy: NDArray[np.uint8], detector: Detector
) -> None:
    for word, color in (("made", drawing.MADE), ("observed", drawing.OBSERVED)):
        corner = explain(detector, galaxy, Verdict("a", 0.5, word, ""))[:60, :200]
        other = drawing.MADE if word == "observed" else drawing.OBSERVED
        assert color_share(corner, color) > 0.05
        assert color_share(corner, other) == 0


def test_patches_are_framed_where_they_are_in_their_own_color(
    patchy: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:16, :16] = np.random.default_rng(0).integers(0, 255, (16, 16, 3))
    pixels[16:, 48:] = np.random.default_rng(1).integers(0, 255, (16, 16, 3))
    seen = patchy.see(pixels)
    logits = np.where(seen.boxes[:, 1] < 32, -30.0, 30.0)
    monkeypatch.setattr(Detector, "patch_logits", lambda *_: logits)
    picture = explain(patchy, pixels, VERDICT)
    left, right = picture[112:540, 24:242], picture[112:540, 242:460]
    assert color_share(left, drawing.OBSERVED) > 0.005 > color_share(left, drawing.MADE)
    assert color_share(right, drawing.MADE) > 0.005 > color_share(right, drawing.OBSERVED)


def test_the_plot_shows_what_lies_outside_the_band() -> None:
    flat = [0.0] * 50
    image = np.asarray(
        drawing.plot(100, 60, ([-1.0] * 50, [1.0] * 50), [(flat, drawing.TEXT)], reach=3.0)
    )
    rows = np.flatnonzero((np.abs(image.astype(int) - drawing.TEXT).max(-1) < 60).all(1))
    assert set(rows) <= {29, 30}
    high = np.asarray(drawing.plot(100, 60, (flat, flat), [([9.0] * 50, drawing.TEXT)], reach=3.0))
    assert color_share(high[:3], drawing.TEXT) > 0.1  # cut off at the top, not lost


def test_what_is_kept_of_a_large_image_is_small() -> None:
    assert reduced(np.zeros((3000, 1500, 1), np.uint8)).shape == (436, 218, 3)
    small = np.zeros((30, 20, 1), np.uint8)
    assert reduced(small) is small


def test_words_on_patches() -> None:
    assert of_patches([0.9]) == ""
    assert of_patches([0.9, 0.1, 0.2]) == "Of 3 patches, judged one by one, 1 looks made."
    assert "none look made" in of_patches([0.1, 0.2])
    assert "all look made" in of_patches([0.9, 0.8])


def test_words_on_the_spectrum() -> None:
    observed = {"low": [-1.0] * 10, "high": [1.0] * 10}
    profile = np.zeros(10, np.float32)
    assert of_spectrum(profile, observed).startswith("Its spectrum runs where")
    profile[7:] = -2
    assert of_spectrum(profile, observed).startswith("Its finest detail is weaker, relative")
    profile[1:4] = 2
    assert of_spectrum(profile, observed).startswith(
        "Its coarse structure is stronger and its finest detail is weaker, relative"
    )


def test_words_on_the_limits() -> None:
    card = {"band_error": 0.05, "settings": {"error": 0.04}}
    words = of_limits((0.25, 0.75), card)
    assert words.startswith("Above 0.75 it is called made, below 0.25 observed")
    assert "at most 5% of either kind" in words


def test_saliency_is_where_the_logit_depends_on_the_image(
    galaxy: NDArray[np.uint8], detector: Detector, patchy: Detector
) -> None:
    for judge, side in ((detector, 32), (patchy, 16)):
        patch = judge.see(galaxy).patches[0]
        heat = saliency(judge, patch)
        assert heat.shape == (side, side)
        assert heat.min() >= 0
        assert heat.max() == pytest.approx(1.0)
    network = copy.deepcopy(detector.network)
    network.head.weight.zero_()
    blind = Detector(network, detector.domain, detector.card, detector.device, 4)
    assert not saliency(blind, detector.see(galaxy).patches[0]).any()
