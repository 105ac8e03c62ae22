"""A detector that is trained on starts where the other ended."""

import dataclasses
from pathlib import Path

import pytest
import torch

from parhelion.catalog import Catalog
from parhelion.detection import Detector, DetectorSettings, load_detector, train_detector
from parhelion.errors import ModelError, SettingsError


@pytest.fixture
def settings(run: Path, detector: Detector) -> DetectorSettings:
    """One step on from the trained detector."""
    return dataclasses.replace(detector.settings, start=str(run), images=16, ema_half_life=1)


def test_it_starts_with_the_weights_that_the_other_ended_with(
    detector: Detector, settings: DetectorSettings, drawn: list[Catalog], tmp_path: Path
) -> None:
    still = dataclasses.replace(settings, learning_rate=1e-9, seed=8)
    begun = load_detector(train_detector(drawn, tmp_path / "begun", still), device="cpu")
    pairs = zip(begun.network.parameters(), detector.network.parameters(), strict=True)
    assert all(torch.allclose(ours, theirs, atol=1e-6) for ours, theirs in pairs)


def test_a_run_that_was_begun_no_longer_needs_it(
    run: Path,
    detector: Detector,
    settings: DetectorSettings,
    drawn: list[Catalog],
    tmp_path: Path,
) -> None:
    start = tmp_path / "start"
    start.symlink_to(run)
    once = dataclasses.replace(settings, start=str(start))
    out = train_detector(drawn, tmp_path / "out", once)
    start.unlink()
    more = dataclasses.replace(once, images=32)
    assert train_detector(drawn, out, more, resume=True) == out
    began = {name: detector.card[name] for name in ("model_id", "images_seen")}
    assert load_detector(out, device="cpu").card["started_from"] == began


def test_a_network_of_another_kind_is_refused(
    settings: DetectorSettings, drawn: list[Catalog], tmp_path: Path
) -> None:
    other = dataclasses.replace(settings, fusion="concatenate", placed=True)
    with pytest.raises(ModelError, match="--start .* of another kind; give --no-placed --fusion"):
        train_detector(drawn, tmp_path / "other", other)


def test_there_is_one_start(settings: DetectorSettings) -> None:
    with pytest.raises(SettingsError, match="--start .* where --pretrained is given"):
        dataclasses.replace(settings, pretrained="hub")
