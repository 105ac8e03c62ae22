"""A long job's stages: each done once, none lost, other settings refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from parhelion.errors import InputError, StoppedError
from parhelion.experiments._demo_settings import DemoSettings
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Ended, Stages
from parhelion.training import stopped


def test_a_stage_that_was_done_is_not_done_again(tmp_path: Path) -> None:
    ran = []

    def stage() -> dict[str, int]:
        ran.append(1)
        return {"count": 7}

    assert Stages(tmp_path, "demo", DemoSettings()).run("cut", stage) == {"count": 7}
    assert Stages(tmp_path, "demo", DemoSettings()).run("cut", stage) == {"count": 7}
    assert len(ran) == 1


def test_a_stage_that_failed_is_done_again(tmp_path: Path) -> None:
    def broken() -> dict[str, int]:
        raise RuntimeError("midway")

    stages = Stages(tmp_path, "demo", DemoSettings())
    stages.run("first", lambda: {"a": 1})
    with pytest.raises(RuntimeError, match="midway"):
        stages.run("second", broken)
    again = Stages(tmp_path, "demo", DemoSettings())
    assert again.run("first", broken) == {"a": 1}
    assert again.run("second", lambda: {"b": 2}) == {"b": 2}


def test_who_stops_a_stage_is_told_what_this_job_wants(tmp_path: Path) -> None:
    def training() -> dict[str, int]:
        raise stopped(8, 16)

    stages = Stages(tmp_path, "demo", DemoSettings())
    with pytest.raises(StoppedError, match="was to learn; nothing is lost: run the same command a"):
        stages.run("learn", training)


def test_costs_are_summed_over_stages_and_runs(tmp_path: Path) -> None:
    Stages(tmp_path, "demo", DemoSettings()).run("first", dict)
    stages = Stages(tmp_path, "demo", DemoSettings())
    stages.run("first", dict)
    stages.run("second", dict)
    costs = stages.costs()
    assert list(costs["stages"]) == ["first", "second"]
    assert costs["seconds"] == pytest.approx(
        sum(stage["seconds"] for stage in costs["stages"].values()), abs=0.1
    )
    assert 10 < costs["peak_memory_mb"] < 100_000


def test_what_a_stopped_stage_took_before_is_said_to_be_missing(tmp_path: Path) -> None:
    def killed() -> dict[str, int]:
        raise SystemExit

    stages = Stages(tmp_path, "demo", DemoSettings())
    stages.run("first", dict)
    with pytest.raises(SystemExit):
        stages.run("second", killed)
    again = Stages(tmp_path, "demo", DemoSettings())
    again.run("first", dict)
    again.run("second", dict)
    again.run("third", dict)
    stopped = {name: stage["stopped_before"] for name, stage in again.costs()["stages"].items()}
    assert stopped == {"first": False, "second": True, "third": False}


def test_stages_of_other_processes_are_kept_as_they_end(tmp_path: Path) -> None:
    stages = Stages(tmp_path, "demo", DemoSettings())
    stages.run("first", dict)
    two = [Ended(name, {"count": 1}, 50.0, 300, name == "b") for name in ("b", "a")]
    stages.collect(iter(two), 2)
    again = Stages(tmp_path, "demo", DemoSettings())
    assert again.is_done("a")
    assert not again.is_done("c")
    costs = again.costs()
    assert costs["seconds"] < 2  # on the clock, whatever each says of itself
    assert [stage["seconds"] for stage in costs["stages"].values()][1:] == [50, 50]
    assert costs["stages"]["b"]["stopped_before"]
    assert costs["peak_memory_mb"] > 600


def test_a_folder_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    Stages(tmp_path, "demo", DemoSettings()).run("first", dict)
    progress = json.loads((tmp_path / "progress.json").read_text())
    del progress["seconds"]
    progress["stages"]["first"]["seconds"] = 7.0
    (tmp_path / "progress.json").write_text(json.dumps(progress))
    assert Stages(tmp_path, "demo", DemoSettings()).costs()["seconds"] == 7


def test_a_folder_with_another_demo_is_refused(tmp_path: Path) -> None:
    Stages(tmp_path, "demo", DemoSettings(seed=1)).run("cut", dict)
    message = "holds a demo with other settings .seed is 1 there and 2 here.*another --out"
    with pytest.raises(InputError, match=message):
        Stages(tmp_path, "demo", DemoSettings(seed=2))
    assert json.loads((tmp_path / "settings.json").read_text())["settings"]["seed"] == 1


def test_a_job_goes_on_with_other_workers(tmp_path: Path) -> None:
    first = replace(ReproduceFlareSettings(), workers=1, cache_mb=64)
    Stages(tmp_path, "reproduce flare", first).run("cut", dict)
    again = Stages(tmp_path, "reproduce flare", replace(first, workers=2, cache_mb=128))
    assert again.is_done("cut")
    with pytest.raises(InputError, match="strength is 0.4 there and 0.5 here"):
        Stages(tmp_path, "reproduce flare", replace(first, workers=2, strength=0.5))


def test_other_facts_are_refused_like_other_settings(tmp_path: Path) -> None:
    Stages(tmp_path, "reproduce", DemoSettings(), {"data": "one"}).run("cut", dict)
    with pytest.raises(InputError, match="holds a reproduce with other settings"):
        Stages(tmp_path, "reproduce", DemoSettings(), {"data": "two"})
