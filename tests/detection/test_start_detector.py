"""A detector that is trained on starts where the other ended."""

import dataclasses
from pathlib import Path

import pytest
import torch

from parhelion.catalog import Catalog
from parhelion.detection import DetectorSettings, load_detector, train_detector
from parhelion.errors import ModelError, SettingsError

SETTINGS = DetectorSettings(
    backbone="test_resnet",
    image_size=32,
    images=16,
    batch=16,
    learning_rate=1e-9,
    ema_half_life=1,
    device="cpu",
    precision="fp32",
    workers=2,
)


def test_it_starts_with_the_weights_that_the_other_ended_with(
    run: Path, drawn: list[Catalog], tmp_path: Path
) -> None:
    other = dataclasses.replace(SETTINGS, start=str(run), seed=8)
    begun = load_detector(train_detector(drawn, tmp_path / "begun", other), device="cpu")
    known = load_detector(run, device="cpu").network
    pairs = zip(begun.network.parameters(), known.parameters(), strict=True)
    assert all(torch.allclose(ours, theirs, atol=1e-6) for ours, theirs in pairs)


def test_a_run_that_was_begun_no_longer_needs_it(
    run: Path, drawn: list[Catalog], tmp_path: Path
) -> None:
    start = tmp_path / "start"
    start.symlink_to(run)
    settings = dataclasses.replace(SETTINGS, start=str(start), learning_rate=1e-3)
    out = train_detector(drawn, tmp_path / "out", settings)
    start.unlink()
    more = dataclasses.replace(settings, images=32)
    assert train_detector(drawn, out, more, resume=True) == out


def test_a_network_of_another_kind_is_refused(
    run: Path, drawn: list[Catalog], tmp_path: Path
) -> None:
    other = dataclasses.replace(SETTINGS, start=str(run), fusion="concatenate", placed=True)
    with pytest.raises(ModelError, match="--start .* of another kind; give --no-placed --fusion"):
        train_detector(drawn, tmp_path / "other", other)


def test_there_is_one_start() -> None:
    with pytest.raises(SettingsError, match="--start .* where --pretrained is given"):
        dataclasses.replace(SETTINGS, start="made-detector", pretrained="hub")
