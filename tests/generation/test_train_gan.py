"""Training: same seed same bytes, exact resume after a kill, clean stops."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from parhelion.catalog import Catalog
from parhelion.errors import (
    InputError,
    ModelError,
    NonFiniteLossError,
    SettingsError,
    TrainingError,
)
from parhelion.generation import GanSettings, _train_gan, train_gan
from parhelion.training import load_model, read_card, read_log

TINY = {
    "image_size": 32,
    "width": 2,
    "max_channels": 8,
    "latent": 8,
    "batch": 4,
    "images": 64,
    "checkpoint_every": 16,
    "sample_every": 32,
    "log_every": 8,
    "device": "cpu",
    "precision": "fp32",
}


def _weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


@pytest.fixture
def whole(galaxies: Catalog, tmp_path: Path) -> Path:
    return train_gan(galaxies, tmp_path / "whole", GanSettings(**TINY))


def test_a_run_leaves_weights_card_log_and_samples(whole: Path) -> None:
    card = read_card(whole, "gan")
    assert card["images_seen"] == 64
    assert card["data"]["images"] == 24
    assert [line["images"] for line in read_log(whole)] == list(range(8, 72, 8))
    assert [p.name for p in sorted((whole / "samples").iterdir())] == [
        "000000032.png",
        "000000064.png",
    ]
    assert json.loads((whole / "settings.json").read_text())["verb"] == "train gan"


def test_the_same_seed_gives_the_same_bytes(galaxies: Catalog, tmp_path: Path, whole: Path) -> None:
    again = train_gan(galaxies, tmp_path / "again", GanSettings(**TINY))
    other = train_gan(galaxies, tmp_path / "other", GanSettings(**TINY, seed=1))
    assert _weights(again) == _weights(whole)
    assert _weights(other) != _weights(whole)


def test_killed_five_times_and_resumed_it_ends_in_the_same_bytes(
    galaxies: Catalog, tmp_path: Path, whole: Path
) -> None:
    """SIGKILL at five moments, each a few steps after a resume; the tenth try must end."""
    run = tmp_path / "killed"
    code = (
        "import sys, json, time, pathlib, torch; torch.set_num_threads(1)\n"
        "from parhelion.generation import GanSettings, _train_gan, train_gan\n"
        "step = _train_gan._step\n"
        "def slow(*a, **k):\n"
        "    pathlib.Path(sys.argv[3]).write_text('a step has begun'); time.sleep(0.02)\n"
        "    return step(*a, **k)\n"
        "_train_gan._step = slow\n"
        "train_gan(sys.argv[1], sys.argv[2], GanSettings(**json.loads(sys.argv[4])), resume=True)"
    )
    kills = 0
    for delay in (0.05, 0.11, 0.2, 0.26, 0.31):
        began = tmp_path / f"began-{delay}"
        command = [sys.executable, "-c", code, galaxies.root, run, began, json.dumps(TINY)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not began.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills == 5
    train_gan(galaxies, run, GanSettings(**TINY), resume=True)
    assert _weights(run) == _weights(whole)
    assert [line["images"] for line in read_log(run)] == list(range(8, 72, 8))


def test_ctrl_c_saves_and_resume_goes_on(
    galaxies: Catalog, tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, step, steps = tmp_path / "stopped", _train_gan._step, []

    def interrupted(*args: object, **kwargs: object) -> dict[str, torch.Tensor]:
        steps.append(1)
        if len(steps) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return step(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(_train_gan, "_step", interrupted)
    with pytest.raises(TrainingError, match="stopped after 24 of 64 images.*--resume"):
        train_gan(galaxies, run, GanSettings(**TINY))
    train_gan(galaxies, run, GanSettings(**TINY), resume=True)
    assert len(steps) == 16
    assert _weights(run) == _weights(whole)


def test_a_nan_stops_the_run_and_keeps_the_last_good_checkpoint(
    galaxies: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, step = tmp_path / "nan", _train_gan._step

    def poisoned(*args: object, **kwargs: object) -> dict[str, torch.Tensor]:
        losses = step(*args, **kwargs)  # type: ignore[arg-type]
        if len(list((run / "checkpoints").glob("*.pt"))) == 2:
            losses["discriminator"] = torch.tensor(float("nan"))
        return losses

    with monkeypatch.context() as patch:
        patch.setattr(_train_gan, "_step", poisoned)
        with pytest.raises(NonFiniteLossError, match="discriminator became nan after 36 images"):
            train_gan(galaxies, run, GanSettings(**TINY))
    names = sorted(p.name for p in (run / "checkpoints").iterdir())
    assert names == ["000000000016.pt", "000000000032.pt"]
    train_gan(galaxies, run, GanSettings(**TINY, learning_rate=1e-4), resume=True)
    assert read_card(run, "gan")["images_seen"] == 64


def test_conditional_and_gray(galaxies: Catalog, tmp_path: Path) -> None:
    settings = GanSettings(**{**TINY, "images": 8, "condition_on": ("label",), "channels": 1})
    card = read_card(train_gan(galaxies, tmp_path / "run", settings))
    assert card["conditions"] == {"label": ["flat", "round"]}


def test_bfloat16_trains_too(galaxies: Catalog, tmp_path: Path) -> None:
    settings = GanSettings(**{**TINY, "images": 16, "precision": "bf16"})
    run = train_gan(galaxies, tmp_path / "run", settings)
    assert read_card(run)["precision"] == "bf16-mixed"
    assert read_log(run)[-1]["images"] == 16


def test_only_the_train_part_is_seen(galaxies: Catalog, tmp_path: Path) -> None:
    from parhelion.catalog import write_catalog

    rows = galaxies.rows()
    for index, item in enumerate(rows):
        item["split"] = "train" if index < 10 else "test"
    catalog = write_catalog(galaxies.root, rows)
    run = train_gan(catalog, tmp_path / "run", GanSettings(**{**TINY, "images": 4}))
    assert read_card(run)["data"]["images"] == 10


def test_a_run_is_not_overwritten_nor_continued_as_another(
    galaxies: Catalog, tmp_path: Path, whole: Path
) -> None:
    with pytest.raises(InputError, match="already holds a run.*--resume"):
        train_gan(galaxies, whole, GanSettings(**TINY))
    with pytest.raises(SettingsError, match=r"--width \(=4\) differs from the run .*\(=2\)"):
        train_gan(galaxies, whole, GanSettings(**{**TINY, "width": 4}), resume=True)


def test_a_run_does_not_go_on_with_other_images(galaxies: Catalog, whole: Path) -> None:
    fewer = Catalog(galaxies.root, galaxies.table.slice(0, 20))
    with pytest.raises(InputError, match="the catalogs are not those of the run"):
        train_gan(fewer, whole, GanSettings(**{**TINY, "images": 96}), resume=True)


def test_a_run_that_goes_on_from_its_cooldown_says_so(
    galaxies: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = GanSettings(**{**TINY, "images": 16}, cooldown=0.5)
    run = train_gan(galaxies, tmp_path / "run", settings)
    train_gan(galaxies, run, replace(settings, images=20), resume=True)
    (said,) = caplog.messages
    assert "falling towards the end at 16 images (--cooldown 0.5); at 16 it jumps" in said


def test_too_few_images_is_one_clear_line(galaxies: Catalog, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has 24 images .* fewer than --batch \(=32\)"):
        train_gan(galaxies, tmp_path / "run", GanSettings(**{**TINY, "batch": 32}))
    unlabeled = Catalog(galaxies.root, galaxies.table.slice(0, 0))
    with pytest.raises(InputError, match="has no label"):
        train_gan(unlabeled, tmp_path / "run", GanSettings(**TINY, condition_on=("label",)))


def _arguments(galaxies: Catalog, out: Path, settings: dict[str, object]) -> list[str]:
    flags = [[f"--{name.replace('_', '-')}", str(value)] for name, value in settings.items()]
    start = [sys.executable, "-m", "parhelion", "train", "gan", "--data", str(galaxies.root)]
    return [*start, "--out", str(out), *(word for flag in flags for word in flag)]


def test_two_processes_follow_one_stop_together_and_resume(
    galaxies: Catalog, tmp_path: Path
) -> None:
    """Ctrl-C reaches one of two processes only; both stop, and one of them says so."""
    settings = {**TINY, "images": 96, "batch": 8, "augment_probability": 0.5}
    one = train_gan(galaxies, tmp_path / "one", GanSettings(**settings))
    run, two = tmp_path / "two", {**settings, "processes": 2}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = _arguments(galaxies, run, two)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True)
    while not read_log(run) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert said.count("nothing is lost") == 1
    assert 0 < max(line["images"] for line in read_log(run)) < 96
    done = subprocess.run(
        [*command, "--resume"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("after 96 images") == 1
    before, after = load_model(one, "gan")[1], load_model(run, "gan")[1]
    for name, weight in before.items():
        assert torch.allclose(after[name].float(), weight.float(), atol=1e-4), name
    assert read_log(run)[0]["discriminator"] == pytest.approx(
        read_log(one)[0]["discriminator"], abs=1e-4
    )


def test_a_run_starts_from_another_s_weights(galaxies: Catalog, tmp_path: Path) -> None:
    """A fine-tuned generator stays near its start; one from scratch is elsewhere."""
    settings = GanSettings(**{**TINY, "images": 8, "learning_rate": 1e-6})
    base, tuned = tmp_path / "base", tmp_path / "tuned"
    train_gan(galaxies, base, settings)
    train_gan(galaxies, tuned, replace(settings, start=str(base), seed=5))
    train_gan(galaxies, tmp_path / "scratch", replace(settings, seed=5))
    started, anew = (
        load_file(tmp_path / name / "model.safetensors") for name in ("tuned", "scratch")
    )
    name = "end.weight"
    before = load_file(base / "model.safetensors")[name]
    assert torch.allclose(started[name], before, atol=1e-3)
    assert not torch.allclose(anew[name], before, atol=1e-2)
    with pytest.raises(ModelError, match="do not fit the networks of this run"):
        train_gan(galaxies, tmp_path / "wider", replace(settings, start=str(base), width=8))
