"""The classifier's verbs, from recipe to figures."""

import json
from pathlib import Path

import pytest

from parhelion.catalog import Catalog
from parhelion.cli import main


def test_train_then_measure(
    labeled: Catalog, mapping: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        f"[train.classifier]\nclasses = '{mapping}'\nimage_size = 32\nimages = 32\nbatch = 16\n"
        "validate_every = 32\nprecision = 'fp32'\ndevice = 'cpu'\nquality = [60, 90]\n"
    )
    run, data = str(tmp_path / "run"), str(labeled.root)
    train = ["train", "classifier", "--data", data, "--out", run, "--config", str(recipe)]
    assert main([*train, "--seed", "3", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["settings"]["seed"] == 3
    assert card["settings"]["quality"] == [60, 90]
    assert main(["measure", "classifier", "--model", run, "--data", data, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["model_id"] == card["model_id"]
    assert figures["accuracy"] == card["figures"]["accuracy"]
    assert figures["macro_f1_interval"] == card["figures"]["macro_f1_interval"]
    assert main(["measure", "classifier", "--model", run, "--data", data]) == 0
    assert "classes.irregular.recall:" in capsys.readouterr().out


def test_a_missing_classifier_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "classifier", "--model", "nowhere", "--data", "x"]) == 2
    assert "nowhere is not a model" in capsys.readouterr().err
