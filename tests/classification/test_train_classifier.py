"""Training a classifier: it learns, resumes to the byte after SIGKILL, refuses to mix runs up."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from parhelion._settings import settings_dict
from parhelion.catalog import Catalog, write_catalog
from parhelion.classification import ClassifierSettings, _train, load_classifier, train_classifier
from parhelion.classification._best import Best
from parhelion.classification._train import learning_rate
from parhelion.errors import (
    CatalogError,
    InputError,
    NonFiniteLossError,
    SettingsError,
    TrainingError,
)
from parhelion.training import Interrupt, read_card, read_log

FILES = ("model.safetensors", "model.json", "log.jsonl")


def _bytes(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def brief(settings: ClassifierSettings) -> ClassifierSettings:
    return dataclasses.replace(settings, images=96, validate_every=32, log_every=16, warmup=32)


@pytest.fixture(scope="module")
def whole(
    labeled: Catalog, brief: ClassifierSettings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return train_classifier(labeled, tmp_path_factory.mktemp("whole") / "run", brief)


def test_it_learns_the_classes(run: Path) -> None:
    figures = read_card(run, "classifier")["figures"]
    # 16 smooth and 8 irregular images it has not seen; calling all smooth would give 0.5.
    assert figures["count"] == 24
    assert figures["balanced_accuracy"] > 0.85
    low, high = figures["accuracy_interval"]
    assert low <= figures["accuracy"] <= high


def test_the_card_says_how_it_was_made(run: Path, mapping: str) -> None:
    card = read_card(run, "classifier")
    assert card["labels"] == ["smooth", "irregular"]
    assert card["classes"] == {"round": "smooth", "flat": "smooth", "patchy": "irregular"}
    assert card["data"]["counts"] == {
        "train": {"smooth": 48, "irregular": 24},
        "validation": {"smooth": 16, "irregular": 8},
        "test": {"smooth": 16, "irregular": 8},
    }
    assert card["data"]["left_out"] == {"odd": 40}
    assert 0 < card["images_best"] <= card["images_seen"] == 640
    assert card["shifts"][0] == 0
    assert json.loads((run / "settings.json").read_text())["verb"] == "train classifier"
    losses = [line["loss"] for line in read_log(run) if "loss" in line]
    assert len(losses) == 640 // 32


def test_the_same_seed_gives_the_same_bytes(
    whole: Path, labeled: Catalog, brief: ClassifierSettings, tmp_path: Path
) -> None:
    again = train_classifier(labeled, tmp_path / "again", dataclasses.replace(brief, workers=1))
    other = train_classifier(labeled, tmp_path / "other", dataclasses.replace(brief, seed=1))
    weights = "model.safetensors"
    assert (again / weights).read_bytes() == (whole / weights).read_bytes()
    assert (other / weights).read_bytes() != (whole / weights).read_bytes()


def test_killed_and_resumed_it_ends_in_the_same_bytes(
    whole: Path, labeled: Catalog, brief: ClassifierSettings, tmp_path: Path
) -> None:
    """SIGKILL in the fourth step, two steps after the first checkpoint."""
    run = tmp_path / "killed"
    code = (
        "import sys, json, time, pathlib, torch; torch.set_num_threads(1)\n"
        "from parhelion.classification import ClassifierSettings, _train, train_classifier\n"
        "step, taken = _train._step, []\n"
        "def slow(*a):\n"
        "    taken.append(1)\n"
        "    if len(taken) == 4:\n"
        "        pathlib.Path(sys.argv[3]).write_text('the fourth step')\n"
        "        time.sleep(600)\n"
        "    return step(*a)\n"
        "_train._step = slow\n"
        "values = json.loads(sys.argv[4]); values['quality'] = tuple(values['quality'])\n"
        "train_classifier(sys.argv[1], sys.argv[2], ClassifierSettings(**values), resume=True)"
    )
    values = json.dumps(settings_dict(brief))
    began = tmp_path / "began"
    command = [sys.executable, "-c", code, labeled.root, run, began, values]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not began.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert [p.name for p in (run / "checkpoints").glob("0*.pt")] == ["000000000032.pt"]
    train_classifier(labeled, run, brief, resume=True)
    assert _bytes(run) == _bytes(whole)


@pytest.mark.parametrize("balance", ["weights", "none"])
def test_it_resumes_exactly_whatever_the_balance(
    balance: Any,
    labeled: Catalog,
    brief: ClassifierSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = dataclasses.replace(brief, balance=balance)
    whole = train_classifier(labeled, tmp_path / "whole", settings)
    real, taken = _train._step, iter(range(100))

    def step(*arguments: Any) -> Any:
        if next(taken) == 3:
            raise RuntimeError("killed")
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(_train, "_step", step)
        with pytest.raises(RuntimeError, match="killed"):
            train_classifier(labeled, tmp_path / "run", settings)
    run = train_classifier(labeled, tmp_path / "run", settings, resume=True)
    assert _bytes(run) == _bytes(whole)


def test_a_finished_run_resumes_to_itself(
    whole: Path, labeled: Catalog, brief: ClassifierSettings
) -> None:
    before = _bytes(whole)
    train_classifier(labeled, whole, brief, resume=True)
    assert _bytes(whole) == before


def test_ctrl_c_saves_between_validations(
    whole: Path,
    labeled: Catalog,
    brief: ClassifierSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, real = tmp_path / "run", _train._step
    pressed: list[Interrupt] = []

    def press(*arguments: Any) -> Any:
        pressed[0].requested = True
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(_train, "Interrupt", lambda: pressed.append(Interrupt()) or pressed[0])
        patch.setattr(_train, "_step", press)
        with pytest.raises(TrainingError, match="stopped after 16 of 96 images"):
            train_classifier(labeled, run, brief)
    train_classifier(labeled, run, brief, resume=True)
    assert _bytes(run) == _bytes(whole)


def test_it_stops_early_and_keeps_the_best(
    labeled: Catalog, brief: ClassifierSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.4, 0.6, 0.5, 0.6, 0.55, 0.9])
    losses = iter([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    monkeypatch.setattr(
        _train,
        "_validate",
        lambda *_: {"validation_macro_f1": next(scores), "validation_loss": next(losses)},
    )
    settings = dataclasses.replace(brief, images=10_000, patience=3)
    card = read_card(train_classifier(labeled, tmp_path / "run", settings))
    assert card["images_seen"] == 5 * 32  # the tie at the fourth validation ends no wait ...
    assert card["images_best"] == 4 * 32  # ... but its lower loss is kept


def test_the_best_comes_back_as_it_was() -> None:
    layer = torch.nn.Linear(2, 1)
    best = Best(layer)
    best.offer(layer, 0.5, 1.25, 64)
    other = Best(torch.nn.Linear(2, 1))
    other.load_state_dict(best.state_dict())
    assert (other.score, other.images, other.waited) == ((0.5, -1.25), 64, 0)
    assert torch.equal(other.weights["weight"], layer.weight)


def test_the_learning_rate_rises_and_falls() -> None:
    settings = ClassifierSettings(images=1000, warmup=100, batch=10, learning_rate=0.01)
    assert learning_rate(settings, 0) == pytest.approx(0.01 / 11)
    assert learning_rate(settings, 100) == pytest.approx(0.01)
    assert learning_rate(settings, 550) == pytest.approx(0.005)  # half of the way down
    assert learning_rate(settings, 1000) == pytest.approx(0)


def test_without_a_mapping_every_label_is_a_class(
    labeled: Catalog, brief: ClassifierSettings, tmp_path: Path
) -> None:
    settings = dataclasses.replace(brief, classes=None, images=16)
    card = read_card(train_classifier([labeled], tmp_path / "run", settings))
    assert card["labels"] == ["flat", "odd", "patchy", "round"]
    assert card["data"]["left_out"] == {}


def test_half_precision_weights_take_half_the_space(
    whole: Path, labeled: Catalog, brief: ClassifierSettings, tmp_path: Path
) -> None:
    settings = dataclasses.replace(brief, stored="fp16", data_name="drawn", credits="nobody")
    run = train_classifier(labeled, tmp_path / "run", settings)
    size = (run / "model.safetensors").stat().st_size
    assert size < 0.55 * (whole / "model.safetensors").stat().st_size
    card = read_card(run)
    assert card["data"]["name"] == "drawn"
    assert card["credits"] == "nobody"
    assert next(load_classifier(run, "cpu").network.parameters()).dtype == torch.float32


def test_bfloat16_and_a_timm_network_train_too(
    labeled: Catalog, brief: ClassifierSettings, tmp_path: Path
) -> None:
    settings = dataclasses.replace(brief, backbone="test_resnet", images=32, precision="bf16")
    card = read_card(train_classifier(labeled, tmp_path / "run", settings))
    assert card["precision"] == "bf16-mixed"


def test_a_loss_that_is_not_finite_stops_it(
    labeled: Catalog, brief: ClassifierSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_train, "_step", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(NonFiniteLossError, match="loss became nan after 16 images"):
        train_classifier(labeled, tmp_path / "run", brief)


def test_a_run_is_not_overwritten_nor_continued_as_another(
    whole: Path, labeled: Catalog, brief: ClassifierSettings
) -> None:
    with pytest.raises(InputError, match="already holds a run"):
        train_classifier(labeled, whole, brief)
    other = dataclasses.replace(brief, balance="none")
    with pytest.raises(SettingsError, match=r"--balance \(=none\) differs .* \(=sampling\)"):
        train_classifier(labeled, whole, other, resume=True)
    fewer = Catalog(labeled.root, labeled.table.slice(1))
    with pytest.raises(InputError, match="not those of the run"):
        train_classifier(fewer, whole, brief, resume=True)


def test_data_that_cannot_be_judged_is_refused(
    labeled: Catalog, brief: ClassifierSettings, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(InputError, match="no catalog given"):
        train_classifier([], out, brief)
    with pytest.raises(CatalogError, match="no image of class 'irregular' in the test part"):
        rows = [r for r in labeled.rows() if (r["label"], r["split"]) != ("patchy", "test")]
        train_classifier(write_catalog(tmp_path / "lacking", rows), out, brief)
    with pytest.raises(CatalogError, match="have no split; run `parhelion split"):
        rows = [{**r, "split": None} for r in labeled.rows()]
        train_classifier(write_catalog(tmp_path / "whole", rows), out, brief)
    with pytest.raises(InputError, match="have 1 labels; a classifier needs at least two"):
        alone = labeled.select(label="odd")
        train_classifier(alone, out, dataclasses.replace(brief, classes=None))
