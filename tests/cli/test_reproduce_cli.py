"""``parhelion reproduce``: how catalogs and tests elsewhere are given."""

import json
from pathlib import Path
from typing import Any

import pytest

from parhelion.cli import main
from parhelion.experiments import _astrospy, _flare


def test_catalogs_follow_one_flag_and_a_comma_joins_a_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given: dict[str, Any] = {}

    def record(data: Any, out: Path, settings: Any, *, elsewhere: Any) -> dict[str, Any]:
        given.update(data=data, out=out, settings=settings, elsewhere=elsewhere)
        return {"paper": "astrospy"}

    monkeypatch.setattr(_astrospy, "reproduce_astrospy", record)
    arguments = ["reproduce", "astrospy", "--data", "real", "made", "--out", str(tmp_path)]
    assert main([*arguments, "--elsewhere", "zoo,fakes", "sky", "--seeds", "5", "--json"]) == 0
    assert given["data"] == [Path("real"), Path("made")]
    assert given["elsewhere"] == [[Path("zoo"), Path("fakes")], [Path("sky")]]
    assert (given["out"], given["settings"].seeds) == (tmp_path, 5)
    assert json.loads(capsys.readouterr().out) == {"paper": "astrospy"}
    assert main([*arguments, "--pretrained", "hub"]) == 0
    assert str(given["settings"].pretrained) == "hub"
    assert given["elsewhere"] == []


def test_flare_takes_tests_with_a_class(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given: dict[str, Any] = {}

    def record(data: Any, out: Path, settings: Any, *, elsewhere: Any) -> dict[str, Any]:
        given.update(data=data, out=out, settings=settings, elsewhere=elsewhere)
        return {"paper": "flare"}

    monkeypatch.setattr(_flare, "reproduce_flare", record)
    arguments = ["reproduce", "flare", "--data", "objects", "--out", str(tmp_path)]
    assert main([*arguments, "--elsewhere", "zoo=galaxy", "space", "--alpha", "0.3"]) == 0
    assert given["data"] == Path("objects")
    assert given["elsewhere"] == ("zoo=galaxy", "space")
    assert (given["settings"].alpha, given["settings"].beta) == (0.3, None)
    assert given["settings"].generator is None
    assert "index.html" in capsys.readouterr().out
    assert main([*arguments, "--generator", "hub:thu-ml/unidiffuser-v1", "--json"]) == 0
    assert given["settings"].generator == "hub:thu-ml/unidiffuser-v1"
    assert main([*arguments, "--alpha", "2"]) == 2
    assert "--alpha (=2.0) must be in [0, 1]" in capsys.readouterr().err
