"""The demo's stages: each done once, none lost, other settings refused."""

import json
from pathlib import Path

import pytest

from parhelion._demo import _hubble_deep_field, _Stages
from parhelion._demo_settings import DemoSettings
from parhelion.catalog import decode
from parhelion.errors import InputError, SettingsError


def test_a_stage_that_was_done_is_not_done_again(tmp_path: Path) -> None:
    ran = []

    def stage() -> dict[str, int]:
        ran.append(1)
        return {"count": 7}

    assert _Stages(tmp_path, DemoSettings()).run("cut", stage) == {"count": 7}
    assert _Stages(tmp_path, DemoSettings()).run("cut", stage) == {"count": 7}
    assert len(ran) == 1


def test_a_stage_that_failed_is_done_again(tmp_path: Path) -> None:
    def broken() -> dict[str, int]:
        raise RuntimeError("midway")

    stages = _Stages(tmp_path, DemoSettings())
    stages.run("first", lambda: {"a": 1})
    with pytest.raises(RuntimeError, match="midway"):
        stages.run("second", broken)
    again = _Stages(tmp_path, DemoSettings())
    assert again.run("first", broken) == {"a": 1}
    assert again.run("second", lambda: {"b": 2}) == {"b": 2}


def test_costs_are_summed_over_stages_and_runs(tmp_path: Path) -> None:
    _Stages(tmp_path, DemoSettings()).run("first", dict)
    stages = _Stages(tmp_path, DemoSettings())
    stages.run("first", dict)
    stages.run("second", dict)
    costs = stages.costs()
    assert list(costs["stages"]) == ["first", "second"]
    assert costs["seconds"] == pytest.approx(
        sum(stage["seconds"] for stage in costs["stages"].values()), abs=0.1
    )
    assert 10 < costs["peak_memory_mb"] < 100_000


def test_a_folder_with_another_demo_is_refused(tmp_path: Path) -> None:
    _Stages(tmp_path, DemoSettings(seed=1)).run("cut", dict)
    with pytest.raises(InputError, match="holds a demo with other settings.*another --out"):
        _Stages(tmp_path, DemoSettings(seed=2))
    assert json.loads((tmp_path / "settings.json").read_text())["settings"]["seed"] == 1


def test_the_field_is_there_without_a_network() -> None:
    (field,) = decode(_hubble_deep_field())
    assert field.pixels.shape == (872, 1000, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"minutes": 0.0}, "--minutes"), ({"size": 10}, "--size"), ({"galaxies": 0}, "--galaxies")],
)
def test_bad_settings_are_named(values: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        DemoSettings(**values)  # type: ignore[arg-type]
