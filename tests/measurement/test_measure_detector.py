"""Measuring a detector: its scores, the figures, and the controls from its card."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from parhelion.errors import ModelError
from parhelion.measurement import _measure_detector, measure_detector


def test_figures_of_known_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = pa.table(
        {
            "probability_made": [0.9, 0.8, 0.4, 0.1, 0.2, 0.6],
            "is_made": [True, True, True, False, False, False],
            "group_id": list("abcdef"),
            "catalog": ["x/gan", "x/vae", "x/vae", "sky", "sky", "sky"],
            "side": [96, 96, 64, 96, 96, 96],
            "verdict": ["made", "made", "cannot tell", "observed", "observed", "made"],
        }
    )
    card = {"model_id": "m", "format_only_accuracy": 0.5, "format_only_raw_accuracy": 1.0}
    monkeypatch.setattr(_measure_detector, "evaluate", lambda *_, **__: scores)
    monkeypatch.setattr(_measure_detector, "read_card", lambda *_: card)
    figures = measure_detector(tmp_path, ["catalog"], tmp_path, chain="plain")
    assert figures["chain"] == "plain"
    assert figures["accuracy"] == pytest.approx(4 / 6)
    assert figures["auc"] == pytest.approx(8 / 9)  # of nine pairs, only 0.4 < 0.6 is wrong
    assert (figures["observed"], figures["made"]) == (3, 3)
    # What GAN and VAE made weighs half of the made ones each: 0.9 counts twice as much as 0.8.
    assert figures["ece"] == pytest.approx((0.1 + 0.2 + 0.6 + 0.1 + 0.2 + 0.6) / 6)
    apart = (0.1 / 4 + (0.2 + 0.6) / 8) + (0.1 + 0.2 + 0.6) / 6
    assert figures["ece_weighted"] == pytest.approx(apart)
    assert figures["format_only_accuracy"] == 0.5
    assert list(figures["sizes"]) == ["from 96 px"]  # at 64 px nothing was observed
    assert figures["sizes"]["from 96 px"]["auc"] == 1
    assert figures["sizes"]["from 96 px"]["made"] == 2
    told = figures["verdicts"]
    assert list(told) == ["observed", "made"]
    assert told["made"]["vae"] == {
        "count": 2,
        "made": 0.5,
        "observed": 0.0,
        "cannot_tell": 0.5,
        "wrong_interval": pytest.approx([0, 0.658], abs=1e-3),
    }
    assert told["observed"]["sky"]["made"] == pytest.approx(1 / 3)
    assert json.loads((tmp_path / "detector.json").read_text()) == figures


def test_a_folder_without_a_detector_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model"):
        measure_detector(tmp_path, [tmp_path])
