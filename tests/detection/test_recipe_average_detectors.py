"""The recipe that averages detectors: the mean of weights, statistics and card of its own."""

import dataclasses
import runpy
import sys
from pathlib import Path

import pytest
import torch

from parhelion.catalog import Catalog
from parhelion.detection import Detector, load_detector, train_detector

RECIPE = Path(__file__).parents[2] / "recipes" / "average_detectors.py"


def average(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [str(RECIPE), *map(str, arguments)])
    runpy.run_path(str(RECIPE), run_name="__main__")


def test_weights_are_the_mean_and_the_card_is_new(
    run: Path,
    detector: Detector,
    drawn: list[Catalog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = dataclasses.replace(detector.settings, start=str(run), images=64, learning_rate=1e-2)
    later = load_detector(train_detector(drawn, tmp_path / "later", more), device="cpu")
    data = [text for catalog in drawn for text in ("--data", catalog.root)]
    average(monkeypatch, *data, "--out", tmp_path / "mean", run, tmp_path / "later")
    mean = load_detector(tmp_path / "mean", device="cpu")
    moved = 0.0
    for ours, first, last in zip(
        mean.network.parameters(),
        detector.network.parameters(),
        later.network.parameters(),
        strict=True,
    ):
        torch.testing.assert_close(ours, (first + last) / 2, rtol=1e-3, atol=1e-5)
        moved += float((first - last).abs().sum())
    assert moved > 0
    states = [part.network.state_dict() for part in (mean, detector, later)]
    (name, *_) = [key for key in states[0] if key.endswith("running_var")]
    ours, first, last = (state[name] for state in states)
    assert not torch.allclose(ours, (first + last) / 2, rtol=1e-4)  # taken anew
    assert [each["model_id"] for each in mean.card["averaged"]] == [
        detector.card["model_id"],
        later.card["model_id"],
    ]
    assert mean.card["started_from"] == later.card["started_from"]


def test_one_detector_is_no_mean(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        average(monkeypatch, "--data", "x", "--out", "y", run)
    assert caught.value.code == 2
    assert "give two or more" in capsys.readouterr().err
