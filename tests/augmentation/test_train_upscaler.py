import errno
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny_upscaler import TINY

from parhelion.augmentation import _train_upscaler, load_upscaler, train_upscaler
from parhelion.augmentation._train_upscaler import training_batches
from parhelion.catalog import Catalog
from parhelion.errors import InputError, ModelError, SettingsError, TrainingError
from parhelion.training import PixelStore, read_card, read_log, save_model


def test_a_run_can_be_loaded_and_says_what_it_gained(upscaler: Path) -> None:
    card = read_card(upscaler, "upscaler")
    assert card["images_seen"] == 32
    assert set(card["validation"]) == {"psnr", "psnr_bicubic", "gain"}
    assert load_upscaler(upscaler).model_id == card["model_id"]


def test_training_lowers_the_loss(parts: Catalog, tmp_path: Path) -> None:
    settings = replace(TINY, images=800, learning_rate=3e-3, validate_every=800, log_every=8)
    run = train_upscaler([parts], tmp_path / "run", settings)
    losses = [line["loss"] for line in read_log(run) if "loss" in line]
    assert sum(losses[-20:]) < 0.97 * sum(losses[:20])


def test_a_resumed_run_ends_as_an_undisturbed_one(
    parts: Catalog, upscaler: Path, tmp_path: Path
) -> None:
    # A run whose end lies further off has the same rates until it is cut short there.
    settings = replace(TINY, cooldown=0.0)
    whole = train_upscaler([parts], tmp_path / "whole", settings)
    half = tmp_path / "half"
    train_upscaler([parts], half, replace(settings, images=16))
    train_upscaler([parts], half, settings, resume=True)
    assert (half / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_disk_that_fills_costs_no_model(
    parts: Catalog, upscaler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, save = tmp_path / "run", save_model

    def full(folder: Path, kind: str, state: Any, card: Any) -> None:
        if card["images_seen"] == 32:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(folder, kind, state, card)

    monkeypatch.setattr(_train_upscaler, "save_model", full)
    with pytest.raises(OSError, match="No space left"):
        train_upscaler([parts], run, TINY)
    assert read_card(run, "upscaler")["images_seen"] == 16
    monkeypatch.undo()
    train_upscaler([parts], run, TINY, resume=True)
    assert read_card(run, "upscaler") == read_card(upscaler, "upscaler")


def test_stopped_at_once_it_still_knows_its_figures(
    parts: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train_upscaler([parts], tmp_path / "run", replace(TINY, images=16))
    figures = read_card(run, "upscaler")["validation"]
    monkeypatch.setattr(
        _train_upscaler.Interrupt, "__enter__", lambda _: SimpleNamespace(requested=True)
    )
    with pytest.raises(TrainingError, match="stopped after 16 of 32"):
        train_upscaler([parts], run, TINY, resume=True)
    assert figures
    assert read_card(run, "upscaler")["validation"] == figures


def test_batches_go_on_where_they_were(parts: Catalog) -> None:
    files = parts.files()[:16]
    batches = training_batches(files, PixelStore(None, 10), TINY)
    next(batches)
    small, large = next(batches)
    again = next(training_batches(files, PixelStore(None, 0), replace(TINY, workers=2), 8))
    assert (small == again[0]).all()
    assert (large == again[1]).all()
    assert small.shape == (8, 16, 16, 3)
    assert large.shape == (8, 32, 32, 3)


def test_images_too_small_are_named(parts: Catalog, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 64 pixels a side"):
        train_upscaler([parts], tmp_path / "run", replace(TINY, patch=32))


def test_bad_settings_name_the_flag() -> None:
    with pytest.raises(SettingsError, match=r"--patch \(=20\) must be at least 16 and a multiple"):
        replace(TINY, patch=20)


def test_a_network_that_could_not_be_loaded_is_not_trained(parts: Catalog, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--window \(=16\), --patch \(=16\)"):
        train_upscaler([parts], tmp_path / "run", replace(TINY, window=16))
    assert not (tmp_path / "run").exists()


def test_training_goes_on_from_another_upscaler(
    parts: Catalog, upscaler: Path, tmp_path: Path
) -> None:
    settings = replace(TINY, start=str(upscaler), images=8, learning_rate=1e-9, ema_half_life=1e-3)
    run = train_upscaler([parts], tmp_path / "run", settings)
    known = read_card(upscaler, "upscaler")
    card = read_card(run, "upscaler")
    assert card["started_from"] == {"model_id": known["model_id"], "images_seen": 32}
    assert known["started_from"] is None
    pixels = np.random.default_rng(0).integers(0, 255, (1, 16, 16, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        load_upscaler(run, precision="fp32").enlarge(pixels),
        load_upscaler(upscaler, precision="fp32").enlarge(pixels),
        atol=0.01,
    )
    # Once begun it does not need what it began from.
    shutil.rmtree(upscaler)
    train_upscaler([parts], run, replace(settings, images=16), resume=True)
    assert read_card(run, "upscaler")["started_from"] == card["started_from"]


def test_a_start_of_other_sizes_is_refused(parts: Catalog, upscaler: Path, tmp_path: Path) -> None:
    settings = replace(TINY, start=str(upscaler), width=16, depths=(2, 2))
    with pytest.raises(ModelError, match=r"of other sizes; give --width 8 --depths 2$"):
        train_upscaler([parts], tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()
