"""The loop's shared parts: order, average, checkpoints, log, interrupt, finite checks."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from parhelion._settings import save_settings
from parhelion.errors import (
    InputError,
    ModelError,
    NonFiniteLossError,
    SettingsError,
    TrainingError,
)
from parhelion.training import (
    Checkpoints,
    Ema,
    Interrupt,
    RunLog,
    check_finite,
    check_resume,
    check_same_data,
    check_weights,
    data_order,
    due,
    find_model,
    fingerprint,
    grid,
    load_model,
    make_fabric,
    read_card,
    read_log,
    save_model,
    step_generator,
    to_model,
    to_pixels,
    warn_of_cooldown,
)


@given(st.integers(1, 20), st.integers(0, 200), st.integers(1, 60), st.integers(0, 5), st.data())
def test_the_order_can_start_anywhere(
    size: int, start: int, count: int, seed: int, data: st.DataObject
) -> None:
    whole = data_order(size, 0, start + count, seed)
    assert np.array_equal(data_order(size, start, count, seed), whole[start:])
    cut = data.draw(st.integers(0, count))
    parts = [data_order(size, start, cut, seed), data_order(size, start + cut, count - cut, seed)]
    assert np.array_equal(np.concatenate(parts), whole[start:])


def test_each_epoch_shows_every_image_once_in_another_order() -> None:
    order = data_order(10, 0, 30, seed=1).reshape(3, 10)
    assert (np.sort(order, axis=1) == np.arange(10)).all()
    assert not np.array_equal(order[0], order[1])


def test_a_step_s_randomness_depends_on_its_place_only() -> None:
    first = torch.rand(3, generator=step_generator(4, 160))
    assert torch.equal(first, torch.rand(3, generator=step_generator(4, 160)))
    assert not torch.equal(first, torch.rand(3, generator=step_generator(4, 176)))
    assert not torch.equal(first, torch.rand(3, generator=step_generator(4, 160, rank=1)))


def test_the_average_halves_a_difference_in_one_half_life() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = Ema(model, half_life=100, ramp_up=1e9)
    nn.init.ones_(model.weight)
    for step in range(10):
        ema.update(model, images=10 * (step + 1), batch=10)
    assert ema.model.weight.item() == pytest.approx(0.5, abs=1e-6)


def test_the_average_follows_batch_statistics() -> None:
    model = nn.BatchNorm2d(1)
    ema = Ema(model, half_life=1e-6)
    model(torch.full((4, 1, 2, 2), 5.0) + torch.randn(4, 1, 2, 2))
    ema.update(model, images=4, batch=4)
    assert torch.equal(ema.model.running_mean, model.running_mean)
    assert ema.model.num_batches_tracked == 1


def test_pixels_survive_the_model_s_edge() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    tensor = to_model(pixels)
    assert tensor.shape == (1, 1, 16, 16)
    assert tensor.min() == -1
    assert tensor.max() == 1
    assert np.array_equal(to_pixels(tensor), pixels)


def test_a_grid_holds_every_image() -> None:
    images = np.full((3, 4, 4, 3), [[[[10]]], [[[20]]], [[[30]]]], np.uint8)
    sheet = grid(images, columns=2, gap=1)
    assert sheet.shape == (9, 9, 3)
    assert (sheet[0, 0, 0], sheet[0, 5, 0], sheet[5, 0, 0]) == (10, 20, 30)


def _parts() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"model": nn.Linear(2, 2)}


def test_a_checkpoint_restores_what_was_saved(tmp_path: Path) -> None:
    parts = _parts()
    saved = parts["model"].weight.detach().clone()
    Checkpoints(tmp_path, **parts).save(320, best=0.25)
    nn.init.zeros_(parts["model"].weight)
    assert Checkpoints(tmp_path, **parts).restore() == (320, {"best": 0.25})
    assert torch.equal(parts["model"].weight, saved)


@dataclass(frozen=True)
class _Settings:
    width: int = 2
    batch: int = 4
    learning_rate: float = 1e-3
    precision: str = "auto"
    images: int = 100
    cooldown: float = 0.3


def test_checkpoints_of_any_kind_are_a_run(tmp_path: Path) -> None:
    save_settings(tmp_path, "train", _Settings())
    Checkpoints(tmp_path / "first").save(1)
    free = {"batch"}
    check_resume(tmp_path, _Settings(), free, resume=False)  # none where they usually are
    with pytest.raises(InputError, match="already holds a run"):
        check_resume(tmp_path, _Settings(), free, resume=False, folders=("checkpoints", "first"))
    check_resume(tmp_path, _Settings(batch=8), free, resume=True, folders=("first",))
    with pytest.raises(SettingsError, match=r"--width \(=3\) differs from the run .*\(=2\)"):
        check_resume(tmp_path, _Settings(width=3), free, resume=True, folders=("first",))


def test_what_a_nan_asks_for_can_be_done(tmp_path: Path) -> None:
    save_settings(tmp_path, "train", _Settings())
    Checkpoints(tmp_path / "checkpoints").save(1)
    calmer = _Settings(learning_rate=1e-4, precision="fp32")
    check_resume(tmp_path, calmer, set(), resume=True)
    with pytest.raises(SettingsError, match=r"--batch \(=8\) differs"):
        check_resume(tmp_path, _Settings(batch=8), set(), resume=True)


@pytest.mark.parametrize(
    ("seen", "images", "warned"),
    [
        (80, 200, True),
        (100, 200, True),
        (80, 90, True),
        (80, 100, False),
        (70, 200, False),
        (100, 60, False),  # nothing is left to learn
    ],
)
def test_a_learning_rate_that_jumps_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seen: int, images: int, warned: bool
) -> None:
    save_settings(tmp_path, "train", _Settings())
    warn_of_cooldown(tmp_path, _Settings(images=images), seen)
    assert [f"at {seen} it jumps" in line for line in caplog.messages] == [True] * warned


def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(tmp_path, **_parts())
    for images in (1, 2, 3):
        newest = checkpoints.save(images)
    assert len(list(tmp_path.iterdir())) == 2
    newest.write_bytes(newest.read_bytes()[:100])
    restored = checkpoints.restore()
    assert restored is not None
    assert restored[0] == 2
    assert "cannot be read" in caplog.text


def test_a_run_that_began_further_back_replaces_what_lies_ahead(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, **_parts())
    for images in (80, 90, 100, 10, 20):
        checkpoints.save(images)
        restored = checkpoints.restore()
        assert restored is not None
        assert restored[0] == images
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["000000000010", "000000000020"]


def test_only_damaged_checkpoints_are_an_error(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, **_parts())
    checkpoints.save(1).write_bytes(b"")
    with pytest.raises(ModelError, match="no checkpoint in .* can be read"):
        checkpoints.restore()
    assert Checkpoints(tmp_path / "none").restore() is None


def test_another_network_s_checkpoint_is_refused(tmp_path: Path) -> None:
    Checkpoints(tmp_path, **_parts()).save(1)
    with pytest.raises(ModelError, match="is of another network"):
        Checkpoints(tmp_path, model=nn.Linear(3, 3)).restore()


def test_the_log_of_a_resumed_run_has_no_gap_and_no_echo(tmp_path: Path) -> None:
    with RunLog(tmp_path) as log:
        for images in (10, 20, 30):
            log.scalars(images, loss=images / 10)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"images": 40, "lo')  # killed while writing
    with RunLog(tmp_path, images=20) as log:
        log.scalars(30, loss=9.0)
    assert read_log(tmp_path) == [
        {"images": 10, "loss": 1.0},
        {"images": 20, "loss": 2.0},
        {"images": 30, "loss": 9.0},
    ]
    assert list((tmp_path / "tensorboard").iterdir())


def test_ctrl_c_asks_and_a_second_one_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert not interrupt.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_is_named(value: float) -> None:
    assert check_finite(5, a=torch.tensor(1.5)) == {"a": 1.5}
    with pytest.raises(NonFiniteLossError, match="penalty became .* after 64 images"):
        check_finite(64, a=torch.tensor(1.0), penalty=torch.tensor(value))


def test_a_weight_that_is_not_finite_is_seen() -> None:
    model = nn.Linear(2, 2)
    check_weights(8, model)
    with torch.no_grad():
        model.weight[0, 0] = torch.nan
    with pytest.raises(TrainingError, match="not finite after 16 images"):
        check_weights(16, nn.Linear(2, 2), model)


def test_a_model_on_disk(tmp_path: Path) -> None:
    state = nn.Linear(2, 2).state_dict()
    save_model(tmp_path, "gan", state, {"seed": 3})
    card, weights = load_model(tmp_path, "gan")
    assert card["seed"] == 3
    assert torch.equal(weights["weight"], state["weight"])
    with pytest.raises(ModelError, match="kind 'gan', not 'detector'"):
        read_card(tmp_path, "detector")
    (tmp_path / "model.safetensors").write_bytes(b"xx")
    with pytest.raises(ModelError, match="is damaged"):
        load_model(tmp_path, "gan")


def test_a_folder_without_a_model_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ModelError, match=r"model.json and model.safetensors missing.*notes.txt"):
        read_card(tmp_path)
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ModelError, match="not valid JSON"):
        read_card(tmp_path)


def test_fabric_says_which_device_is_missing() -> None:
    if torch.cuda.is_available():
        assert make_fabric("cuda").device.type == "cuda"
    else:
        with pytest.raises(SettingsError, match=r"--device \(=cuda\) is not available"):
            make_fabric("cuda")
    assert make_fabric("cpu", "fp32").device.type == "cpu"


def test_a_card_is_json(tmp_path: Path) -> None:
    save_model(tmp_path, "gan", nn.Linear(1, 1).state_dict(), {})
    assert json.loads((tmp_path / "model.json").read_text())["kind"] == "gan"


def test_the_fingerprint_sees_items_order_and_boundaries(tmp_path: Path) -> None:
    prints = [fingerprint(items) for items in (["a", "b"], ["b", "a"], ["ab"], ["a"], [])]
    assert len(set(prints)) == 5
    check_same_data(tmp_path, prints[0], fingerprint(iter(["a", "b"])))
    with pytest.raises(InputError, match="the catalogs are not those of the run"):
        check_same_data(tmp_path, prints[0], prints[1])


@pytest.mark.parametrize(
    ("images", "batch", "every", "expected"),
    [(16, 8, 16, True), (24, 8, 16, False), (20, 8, 16, True), (8, 8, 16, False)],
)
def test_something_is_due_when_a_multiple_was_passed(
    images: int, batch: int, every: int, expected: bool
) -> None:
    assert due(images, batch, every) is expected


def test_a_model_is_found_as_a_folder_or_not_at_all(tmp_path: Path) -> None:
    save_model(tmp_path / "run", "gan", {"w": torch.ones(1)}, {})
    assert find_model(tmp_path / "run") == tmp_path / "run"
    with pytest.raises(ModelError, match="no-such-name is not a model: there is no such folder"):
        find_model("no-such-name")
