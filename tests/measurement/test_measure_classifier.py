"""Measuring a classifier: its calls, the figures, the files."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parhelion.classification import Classifier
from parhelion.errors import ModelError
from parhelion.measurement import _measure_classifier, measure_classifier


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier that makes one mistake in five."""
    scores = pa.table(
        {
            "truth": ["a", "a", "a", "b", "b"],
            "called": ["a", "a", "b", "b", "b"],
            "group_id": list("uvwxy"),
            "probability": [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.1, 0.9], [0.3, 0.7]],
        }
    )
    model = Classifier.__new__(Classifier)
    model.labels, model.model_id = ["a", "b"], "m"
    monkeypatch.setattr(_measure_classifier, "load_classifier", lambda *_, **__: model)
    monkeypatch.setattr(_measure_classifier, "score_classifier", lambda *_, **__: scores)


def test_figures_of_known_calls(known: None, tmp_path: Path) -> None:
    figures = measure_classifier("model", ["catalog"], tmp_path)
    assert figures["accuracy"] == pytest.approx(0.8)
    assert figures["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["macro_f1"] == pytest.approx(0.8)  # 4/5 of both
    assert figures["confusion"] == [[2, 1], [0, 2]]
    assert figures["ece"] == pytest.approx((0.1 + 0.2 + 0.6 + 0.1 + 0.3) / 5)
    assert (figures["split"], figures["model_id"]) == ("test", "m")
    low, high = figures["macro_f1_interval"]
    assert 0 < low <= 0.8 <= high == 1
    assert json.loads((tmp_path / "classifier.json").read_text()) == figures
    assert np.mean(pq.read_table(tmp_path / "calls.parquet")["truth"].to_pylist() == np.array("a"))


def test_an_unknown_classifier_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is not a model"):
        measure_classifier("nowhere", tmp_path)
