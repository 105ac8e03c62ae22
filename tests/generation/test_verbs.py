"""The verbs generate, interpolate and sheet on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from parhelion.catalog import open_catalog
from parhelion.cli import main
from parhelion.provenance import read_mark
from parhelion.training import _weights


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


def _recipe(path: Path) -> dict[str, Any]:
    mark = read_mark(path)
    assert mark is not None
    assert mark.recipe is not None
    return mark.recipe


def test_generate(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "made"
    asked = ["--label", "flat", "--source", "Zoo", "--truncation", "0.5", "--count", "2"]
    assert main(["generate", "--model", str(model), "--out", str(made), *asked, "--json"]) == 0
    told = _json(capsys)
    assert told == {
        "catalog": str(made),
        "images": 2,
        "seed": 0,
        "model_id": json.loads((model / "model.json").read_text())["model_id"],
    }
    wanted = {"label": "flat", "source": "Zoo", "truncation": 0.5, "model_id": told["model_id"]}
    for recipe in open_catalog(made).recipes():
        assert recipe.items() >= wanted.items()


def test_the_weights_that_ship_need_no_flag(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shipped = tmp_path / "weights"
    monkeypatch.setattr(_weights, "_SHIPPED", shipped)
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "--count", "1", "--out", "made"]) == 2
    assert "galaxies-64 is not a model: " in capsys.readouterr().err
    shipped.mkdir()
    model.rename(shipped / "galaxies-64")
    assert main(["generate", "--count", "1", "--out", "made"]) == 0
    assert main(["sheet", "--count", "1", "--out", "sheet.png"]) == 0
    assert main(["interpolate", "--seeds", "1,2", "--out", "strip.png"]) == 0
    assert open_catalog("made").column("source") == ["galaxies-64"]


@pytest.mark.parametrize(
    "verb", [["generate"], ["sheet"], ["interpolate", "--seeds", "1,2"]], ids=lambda verb: verb[0]
)
def test_a_device_that_is_not_there_is_one_line(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: list[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rest = ["--model", str(model), "--device", "cuda", "--out", str(tmp_path / "out.png")]
    assert main([*verb, *rest]) == 2
    assert "--device (=cuda) is not available here; use cpu or auto" in capsys.readouterr().err


def test_interpolate(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "strip.png"
    base = ["interpolate", "--model", str(model), "--out", str(path), "--json"]
    asked = ["--seeds", "5", "--labels", "flat, lens", "--source", "Atlas", "--loop"]
    assert main([*base, *asked, "--frames", "2", "--scale", "1", "--ease"]) == 0
    assert _json(capsys) == {
        "strip": str(path),
        "seeds": [5],
        "labels": ["flat", "lens"],
        "sources": ["Atlas"],
    }
    recipe = _recipe(path)
    assert (recipe["label"], recipe["source"]) == (["flat", "lens"], ["Atlas", "Atlas"])
    assert (recipe["loop"], recipe["ease"], recipe["frames"]) == (True, True, 2)


def test_sheet(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sheet.jpg"
    base = ["sheet", "--model", str(model), "--out", str(path), "--json"]
    assert main([*base, "--seeds", "3..5,9", "--columns", "2", "--scale", "1"]) == 0
    assert _json(capsys) == {"sheet": str(path), "sweep": None}
    assert (_recipe(path)["seeds"], _recipe(path)["columns"]) == ([3, 4, 5, 9], 2)
    assert main([*base, "--sweep", "source", "--label", "flat", "--count", "1"]) == 0
    assert _json(capsys)["sweep"] == "source"
