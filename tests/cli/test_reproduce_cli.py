"""``parhelion reproduce astrospy``: several catalogs after one flag, tests joined by a comma."""

import json
from pathlib import Path
from typing import Any

import pytest

from parhelion.cli import main
from parhelion.experiments import _astrospy


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
