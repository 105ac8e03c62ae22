"""Lower precision: what the card says of it, and verdicts that stay those of float32."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from parhelion.catalog import Catalog
from parhelion.detection import Detector, DetectSettings, detect, load_detector
from parhelion.detection._int8 import can_multiply_int8
from parhelion.detection._lower import choose
from parhelion.detection._margins import straighten
from parhelion.detection._predict import near_edges
from parhelion.errors import SettingsError
from parhelion.training import native_bf16

CPU = torch.device("cpu")
AVAILABLE = ["int8"] * can_multiply_int8() + ["bf16"] * native_bf16("cpu")


def test_near_edges_by_hand() -> None:
    edge = np.log(9)  # the log-odds of a probability of 0.9
    logits = np.array([-edge - 0.2, -edge + 0.05, -1.0, 0.09, 1.0, edge + 0.09, edge + 0.11])
    found = near_edges(logits, 0.1, np.tile([0.1, 0.9], (7, 1)))
    assert found.tolist() == [False, True, False, False, False, True, False]


def test_a_band_without_ends_has_none_to_be_near_to() -> None:
    bounds = np.tile([0.0, 1.0], (3, 1))
    assert near_edges(np.array([-20.0, 0.0, 20.0]), 1.0, bounds).tolist() == [False] * 3


def test_a_line_takes_away_shift_and_shrinking() -> None:
    wanted = np.array([-4.0, 0.0, 2.0])
    assert straighten(0.5 * wanted + 1, wanted) == pytest.approx((2.0, -2.0))
    # Logits that are all alike have no slope to tell.
    assert straighten(np.ones(3), np.full(3, 4.0)) == (1.0, 3.0)


def test_the_card_tells_margins(detector: Detector) -> None:
    told = detector.card["lower"]
    assert set(told) == {"bf16"} | ({"int8"} if can_multiply_int8() else set())
    for precision in told.values():
        assert precision["margin"] > 0
        # 40 validation images: half give ranges, the others the margin.
        assert precision["images"] == 20
        assert 0 <= precision["again"] <= 1


@pytest.mark.parametrize("precision", AVAILABLE)
def test_verdicts_are_those_of_float32(
    precision: str, run: Path, drawn: list[Catalog], detector: Detector
) -> None:
    lower = load_detector(run, device="cpu", batch=4, precision=precision)
    sources = [catalog.root for catalog in drawn]
    ours, exact = (list(detect(sources, model)) for model in (lower, detector))
    logits, wanted = (np.array([v.logit for v in found]) for found in (ours, exact))
    # A margin holds for 95 in 100 images: of the others one may lie as near to a threshold.
    differ = [pair for pair in zip(ours, exact, strict=True) if pair[0].verdict != pair[1].verdict]
    assert len(differ) <= len(ours) // 100
    assert all("cannot tell" in (one.verdict, other.verdict) for one, other in differ)
    assert (logits != wanted).any()
    assert np.abs(logits - wanted).max() < wanted.std() / 3
    # Neighbors and batches change nothing.
    other = load_detector(run, device="cpu", batch=7, precision=precision)
    reverse = list(detect([*drawn[1].files(), *drawn[0].files()], other))
    assert {v.path: v.verdict for v in reverse} == {v.path: v.verdict for v in ours}


def test_what_lies_near_a_threshold_is_computed_again(run: Path, drawn: list[Catalog]) -> None:
    if not AVAILABLE:
        pytest.skip("a processor without lower precision")
    exact = load_detector(run, device="cpu", batch=4, precision="fp32")
    views = [exact.see(pixels) for pixels in _pixels(drawn)]
    # The margins are read when a detector is made.
    far = {name: {**told, "margin": np.inf} for name, told in exact.card["lower"].items()}
    card = {**exact.card, "lower": far}
    lower = Detector(exact.network, exact.domain, card, CPU, 4, AVAILABLE[0])
    assert lower.logits(views) == pytest.approx(exact.logits(views), rel=1e-4, abs=1e-5)


def test_auto_takes_what_was_measured_and_leaves_little_to_do_again() -> None:
    card = {"lower": {name: {"again": 0.01} for name in ("int8", "bf16")}}
    assert choose("fp32", card, CPU) == "fp32"
    assert choose("auto", {}, CPU) == "fp32"
    assert choose("auto", card, CPU) == (AVAILABLE[0] if AVAILABLE else "fp32")
    often = {"lower": {name: {"again": 0.9} for name in ("int8", "bf16")}}
    assert choose("auto", often, CPU) == "fp32"


def test_a_precision_that_was_not_measured_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--precision \(=int8\).*\(fp32, bf16\)"):
        choose("int8", {"lower": {"bf16": {"again": 0.0}}}, CPU)


def test_precision_is_a_setting_of_detect() -> None:
    assert DetectSettings().precision == "auto"
    assert "precision" in {field.name for field in dataclasses.fields(DetectSettings)}


def _pixels(catalogs: list[Catalog]) -> list[np.ndarray]:  # type: ignore[type-arg]
    from parhelion.catalog import decode

    return [decode(path)[0].pixels for catalog in catalogs for path in catalog.files()[:5]]
