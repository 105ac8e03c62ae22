"""Training the detector: it learns, resumes to the byte, stops early, refuses to mix runs up."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import parhelion.detection._train as _train
from parhelion.catalog import Catalog
from parhelion.detection import (
    DetectorSettings,
    evaluate,
    load_detector,
    train_detector,
)
from parhelion.errors import (
    CatalogError,
    InputError,
    ModelError,
    NonFiniteLossError,
    SettingsError,
    TrainingError,
)
from parhelion.training import Interrupt, read_card, read_log

SHORT = DetectorSettings(
    backbone="test_resnet",
    image_size=32,
    images=96,
    batch=16,
    learning_rate=1e-3,
    validate_every=32,
    log_every=16,
    device="cpu",
    precision="fp32",
    workers=2,
)
FILES = ("model.safetensors", "model.json", "scores.parquet", "log.jsonl")


def _bytes(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def short(drawn: list[Catalog], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_detector(drawn, tmp_path_factory.mktemp("short") / "run", SHORT)


def _stop_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    """Let training raise `error` in its step number `step`, counted from 0."""
    real, taken = _train._step, iter(range(10_000))

    def step_or_raise(*arguments: Any) -> Any:
        if next(taken) == step:
            raise error
        return real(*arguments)

    monkeypatch.setattr(_train, "_step", step_or_raise)


def test_it_learns_to_tell_made_from_observed(run: Path) -> None:
    card = read_card(run, "detector")
    # 20 + 20 images it has not seen; guessing would give 0.5 give or take 0.08.
    assert card["test"]["accuracy"] > 0.85
    assert card["test"]["auc"] > 0.95
    assert card["format_only_raw_accuracy"] == 1.0  # JPEG here, PNG there: the trap is real
    assert 0 <= card["format_only_accuracy"] <= 1


def test_the_card_says_how_it_was_made(run: Path) -> None:
    card = read_card(run, "detector")
    assert card["data"]["counts"]["test"] == {"observed": 20, "made": 20}
    assert card["images_best"] <= card["images_seen"] == 960
    assert [side for side, _, _ in card["bands"]] == [side for side, _, _ in card["lines"]]
    assert all(0 <= low <= 0.5 <= high <= 1 for _, low, high in card["bands"])
    assert all(temperature > 0 for _, temperature, _ in card["lines"])
    assert len(card["spectra"]["observed"]["median"]) == 16
    assert json.loads((run / "settings.json").read_text())["verb"] == "train detector"
    losses = [line["loss"] for line in read_log(run) if "loss" in line]
    assert len(losses) == 960 // 64


def test_scores_are_there_for_others_to_measure(run: Path, drawn: list[Catalog]) -> None:
    table = pq.read_table(run / "scores.parquet")
    assert table.column_names == [
        "path",
        "image_id",
        "group_id",
        "origin",
        "catalog",
        "split",
        "is_made",
        "side",
        "logit",
        "probability_made",
        "distance",
        "verdict",
    ]
    assert set(table["split"].to_pylist()) == {"test"}
    probability = np.array(table["probability_made"])
    assert ((probability >= 0) & (probability <= 1)).all()
    is_made = np.array(table["is_made"])
    right = (probability > 0.5) == is_made
    assert right.mean() == pytest.approx(read_card(run)["test"]["accuracy"])
    # A later look at the same part, by another road, finds the same.
    assert evaluate(run, drawn, device="cpu").equals(table)


def test_evaluate_takes_other_parts_and_images_without_split(
    run: Path, drawn: list[Catalog]
) -> None:
    assert evaluate(run, drawn, split="validation", device="cpu").num_rows == 40
    assert evaluate(run, drawn[:1], split=None, device="cpu").num_rows == 80
    with pytest.raises(CatalogError, match="no made image in the test part"):
        evaluate(run, drawn[:1], device="cpu")


def test_the_same_seed_gives_the_same_bytes(
    short: Path, drawn: list[Catalog], tmp_path: Path
) -> None:
    again = train_detector(drawn, tmp_path / "again", dataclasses.replace(SHORT, workers=1))
    for name in ("model.safetensors", "scores.parquet", "log.jsonl"):
        assert (again / name).read_bytes() == (short / name).read_bytes()


@pytest.mark.parametrize("step", [1, 3])
def test_a_killed_run_resumes_to_the_same_bytes(
    step: int,
    short: Path,
    drawn: list[Catalog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        _stop_at(patch, step, RuntimeError("killed"))
        with pytest.raises(RuntimeError, match="killed"):
            train_detector(drawn, out, SHORT)
    assert not (out / "model.safetensors").exists()
    train_detector(drawn, out, SHORT, resume=True)
    assert _bytes(out) == _bytes(short)


def test_a_finished_run_resumes_to_itself(short: Path, drawn: list[Catalog]) -> None:
    before = _bytes(short)
    train_detector(drawn, short, SHORT, resume=True)
    assert _bytes(short) == before


def test_ctrl_c_saves_between_validations(
    short: Path, drawn: list[Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    real = _train._step

    def press(*arguments: Any) -> Any:
        pressed[0].requested = True
        return real(*arguments)

    pressed: list[Interrupt] = []
    with monkeypatch.context() as patch:
        patch.setattr(_train, "Interrupt", lambda: pressed.append(Interrupt()) or pressed[0])
        patch.setattr(_train, "_step", press)
        with pytest.raises(TrainingError, match="stopped after 16 of 96 images"):
            train_detector(drawn, out, SHORT)
    assert [p.name for p in (out / "checkpoints").iterdir()] == ["000000000016.pt"]
    train_detector(drawn, out, SHORT, resume=True)
    assert _bytes(out) == _bytes(short)


def test_it_stops_early_and_keeps_the_best(
    drawn: list[Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.6, 0.4, 0.5, 0.45, 0.7, 0.3])
    monkeypatch.setattr(_train, "_validate", lambda *arguments: {"validation_loss": next(losses)})
    settings = dataclasses.replace(SHORT, images=10_000, patience=3)
    out = train_detector(drawn, tmp_path / "run", settings)
    card = read_card(out)
    assert card["images_seen"] == 5 * 32
    assert card["images_best"] == 2 * 32


def test_a_loss_that_is_not_finite_stops_it(
    drawn: list[Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_train, "_step", lambda *arguments: torch.tensor(float("nan")))
    with pytest.raises(NonFiniteLossError, match="loss became nan after 16 images"):
        train_detector(drawn, tmp_path / "run", SHORT)


def test_a_run_is_not_overwritten_nor_continued_as_another(
    short: Path, drawn: list[Catalog], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="already holds a run"):
        train_detector(drawn, short, SHORT)
    other = dataclasses.replace(SHORT, fusion="concatenate")
    with pytest.raises(SettingsError, match=r"--fusion \(=concatenate\) differs .* \(=add\)"):
        train_detector(drawn, short, other, resume=True)
    with pytest.raises(InputError, match="not those of the run"):
        train_detector(drawn[::-1], short, SHORT, resume=True)


def test_a_damaged_model_is_refused(short: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(short, copy)
    card = json.loads((copy / "model.json").read_text())
    card["settings"]["fusion"] = "concatenate"
    (copy / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="does not fit its card"):
        load_detector(copy, device="cpu")
    del card["lines"]
    (copy / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="lacks 'lines'"):
        load_detector(copy, device="cpu")


def test_patches_are_learned_from_too(drawn: list[Catalog], tmp_path: Path) -> None:
    settings = dataclasses.replace(
        SHORT,
        view="patches",
        backbone="fine",
        fusion="concatenate",
        image_size=16,
        patches=2,
        balance="catalogs",
        images=640,
        validate_every=320,
        augment_probability=0.1,
        quality=(90, 98),
    )
    run = train_detector(drawn, tmp_path / "run", settings)
    card = read_card(run, "detector")
    assert card["test"]["auc"] > 0.8
    plain = evaluate(run, drawn, chain="plain")
    assert plain["logit"].to_pylist() == pq.read_table(run / "scores.parquet")["logit"].to_pylist()
    assert plain["logit"].to_pylist() != evaluate(run, drawn, chain="jpeg-75")["logit"].to_pylist()
    with pytest.raises(InputError, match="chain .=jpeg. must be one of plain, "):
        evaluate(run, drawn, chain="jpeg")
