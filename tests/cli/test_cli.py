"""The program: help, exit codes, one-line errors, settings from three places."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from parhelion.catalog import Catalog
from parhelion.cli import main
from parhelion.cli._main import _VERBS


@pytest.mark.parametrize("verb", _VERBS)
def test_every_verb_has_help_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "For example:" in shown
    assert f"parhelion {verb}" in " ".join(shown.split())


def test_the_program_lists_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in _VERBS:
        assert verb.split()[0] in shown
    assert "Take images into a catalog" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "--model", "nowhere", "--out", "x"], "nowhere is not a model"),
        (["split", "nowhere"], "nowhere is not a catalog"),
        (["train", "gan", "--data", "x", "--out", "y", "--batch", "1"], "--batch (=1) must be"),
        (["train", "gan", "--data", "x", "--out", "y", "--bacth", "1"], "--bacth"),
        (["train", "gan", "--data", "x", "--out", "y", "--config", "no"], "no settings file 'no'"),
        (["interpolate", "--model", "m", "--seeds", "a", "--out", "x.gif"], "--seeds (=a)"),
        (["generate", "--model", "m", "--out", "o", "--count", "many"], "many"),
        (["conjure"], "conjure"),
        (["split", "x", "--config"], "--config needs"),
        (
            ["train", "gan", "--data", "x", "--out", "y", "--config", "galaxy-classifier"],
            "galaxy-classifier.toml has no table [train.gan]; its tables are: [train.classifier]",
        ),
        (["split", "x", "--config=a", "--config", "b"], "--config (=a) is given twice"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("parhelion: error: ")
    assert error.count("\n") == 1


def test_flags_win_over_the_recipe(
    galaxies: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        "[train.gan]\nimage_size = 32\nwidth = 2\nmax_channels = 8\nlatent = 8\nbatch = 4\n"
        "images = 8\naugmentations = ['color']\nprecision = 'fp32'\n[generate]\ncount = 3\n"
    )
    run, made = tmp_path / "run", tmp_path / "made"
    arguments = ["train", "gan", "--data", str(galaxies.root), "--out", str(run)]
    assert main([*arguments, "--config", str(recipe), "--latent", "4", "--json"]) == 0
    card = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert card["settings"]["latent"] == 4
    assert card["settings"]["width"] == 2
    assert card["settings"]["augmentations"] == ["color"]
    saved = json.loads((run / "settings.json").read_text())["settings"]
    assert saved == card["settings"]
    assert main(["generate", f"--config={recipe}", "--model", str(run), "--out", str(made)]) == 0
    assert "3 images, seeds 0 to 2" in capsys.readouterr().out


def test_a_full_disk_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], galaxies: Catalog
) -> None:
    import errno

    from parhelion import catalog

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    monkeypatch.setattr(catalog, "split", full, raising=False)
    assert main(["split", str(galaxies.root)]) == 1
    assert capsys.readouterr().err == ("parhelion: error: somewhere: No space left on device\n")


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "parhelion", "--version"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, "0.1.0")
