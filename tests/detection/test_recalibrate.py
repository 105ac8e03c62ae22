"""A detector calibrated anew: what its card then says, and that its network is as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from parhelion.detection import _recalibrate, calibrate, load_detector, recalibrate
from parhelion.detection._align import limits, log_odds
from parhelion.errors import InputError, SettingsError
from parhelion.training import read_card


def _scores(logits: list[float], made: list[bool], sources: list[str] | None = None) -> pa.Table:
    names = sources or ["made" if is_made else "sky" for is_made in made]
    sides = [48] * len(logits)
    return pa.table({"logit": logits, "is_made": made, "side": sides, "source": names})


@pytest.fixture
def shifted() -> pa.Table:
    """Logits of made images that lie near -2, of observed ones near -4."""
    rng = np.random.default_rng(0)
    logits = [*rng.normal(-4, 0.8, 400), *rng.normal(-2, 0.8, 400)]
    return _scores(logits, [False] * 400 + [True] * 400)


def test_one_half_lies_between_the_classes(run: Path, shifted: pa.Table, tmp_path: Path) -> None:
    card = recalibrate(run, shifted, tmp_path / "new")
    _, temperature, shift = read_card(run, "detector")["lines"][0]
    sides = shifted["side"].to_numpy()

    def probabilities(odds: np.ndarray) -> np.ndarray:
        raw = temperature * odds + shift  # as the network said it
        return expit(log_odds(raw, sides[: len(odds)], card["lines"]))

    assert probabilities(np.array([-3.0])) == pytest.approx(0.5, abs=0.1)
    probability = probabilities(shifted["logit"].to_numpy())
    low, high = limits(sides, card["bands"]).T
    made = np.array(shifted["is_made"].to_pylist())
    assert (probability > high)[~made].mean() <= 0.05
    assert (probability < low)[made].mean() <= 0.05
    assert card["calibration"]["sources"] == {"observed": ["sky"], "made": ["made"]}
    assert card["calibration"]["images"] == 800


def test_the_network_stays(
    run: Path, shifted: pa.Table, tmp_path: Path, galaxy: np.ndarray
) -> None:
    recalibrate(run, shifted, tmp_path / "new")
    old, new = read_card(run, "detector"), read_card(tmp_path / "new", "detector")

    def raw(folder: Path, lines: np.ndarray) -> float:
        detector = load_detector(folder)
        (odds,) = detector.logits([detector.see(galaxy)])
        return float(odds * lines[0, 1] + lines[0, 2])

    told = [raw(run, np.array(old["lines"])), raw(tmp_path / "new", np.array(new["lines"]))]
    assert told[0] == pytest.approx(told[1])
    assert {name for name in new if name not in old} == {"calibration"}
    # A threshold so low costs accuracy on the test part; the order of its images is what it was.
    assert old["test"]["auc"] == new["test"]["auc"]
    assert new["test"]["accuracy"] <= old["test"]["accuracy"]
    scores = pq.read_table(tmp_path / "new" / "scores.parquet")
    assert scores["probability_made"].to_numpy() == pytest.approx(expit(scores["logit"].to_numpy()))
    before = pq.read_table(run / "scores.parquet")
    anew = ["logit", "probability_made", "verdict"]
    assert scores.drop_columns(anew) == before.drop_columns(anew)
    assert set(scores["verdict"].to_pylist()) <= {"made", "observed", "cannot tell"}


def test_it_may_be_done_in_place(run: Path, drawn: list, tmp_path: Path) -> None:
    card = read_card(run, "detector")
    first = calibrate(run, drawn, tmp_path / "run", split="test")
    again = calibrate(tmp_path / "run", drawn, tmp_path / "run", split="test")
    assert np.array(again["lines"]) == pytest.approx(np.array(first["lines"]), rel=1e-3, abs=1e-3)
    assert np.array(again["bands"]) == pytest.approx(np.array(first["bands"]), abs=1e-3)
    assert first["calibration"]["images"] == 40
    assert len(first["calibration"]["sources"]["made"]) == 1
    # It was calibrated on validation images of the same kind.
    assert abs(np.log(again["lines"][0][1] / card["lines"][0][1])) < 1.5


def test_one_class_says_nothing(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both observed and made"):
        recalibrate(run, _scores([1.0, 2.0], [True, True]), tmp_path / "new")


def test_several_chains_are_as_many_images(run: Path, drawn: list, tmp_path: Path) -> None:
    chains = ("plain", "jpeg-75")
    card = calibrate(run, drawn, tmp_path / "run", split="validation", chains=chains)
    assert card["calibration"]["images"] == 2 * 40


@pytest.mark.parametrize("error", [0.0, 0.5])
def test_an_error_that_means_nothing_is_refused(
    run: Path, shifted: pa.Table, tmp_path: Path, error: float
) -> None:
    with pytest.raises(SettingsError, match="--error"):
        recalibrate(run, shifted, tmp_path / "new", error=error)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"error": 0.7}, r"--error \(=0.7\)"),
        ({"chains": ("plain", "jpg-75")}, r"chain \(=jpg-75\)"),
    ],
)
def test_what_cannot_be_is_refused_before_images_are_judged(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.setattr(_recalibrate, "evaluate", lambda *_, **__: pytest.fail("too late"))
    with pytest.raises(InputError, match=message):
        calibrate(run, [tmp_path], tmp_path / "new", **wrong)
