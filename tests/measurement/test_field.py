"""Completeness and purity on views whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parhelion.errors import InputError, SettingsError
from parhelion.measurement import MeasureFieldSettings, measure_field, wilson_interval
from parhelion.measurement._field import match_nearest
from parhelion.provenance import write_image


def write_view(
    folder: Path, painted: list[tuple[float, float]], truth: list[tuple[float, float]]
) -> Path:
    """A gray sky with Gaussians (sigma 3, peak 120) where `painted`; `truth` may say otherwise."""
    rng = np.random.default_rng(0)
    image = rng.normal(20, 3, (320, 400))
    yy, xx = np.mgrid[:320, :400]
    for x, y in painted:
        image += 120 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 18)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., None]
    folder.mkdir(parents=True)
    write_image(folder / "view.png", pixels, recipe={}, made=True)
    count = len(truth)
    table = {
        "object_id": pa.array(range(100, 100 + count), pa.int64()),
        "x": pa.array([x for x, _ in truth], pa.float64()),
        "y": pa.array([y for _, y in truth], pa.float64()),
        "a": np.full(count, 3.0),
        "b": np.full(count, 3.0),
        "flux": np.full(count, 2 * np.pi * 9 * 120),
    }
    pq.write_table(pa.table(table), folder / "truth.parquet")
    return folder


PLACES = [(40.3, 50.6), (130.0, 60.0), (200.5, 200.5), (319.0, 255.0), (350.0, 100.0)]


def test_all_found_and_nothing_else(tmp_path: Path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    measured = measure_field(view)
    assert (measured["galaxies"], measured["detected"], measured["matched"]) == (5, 5, 5)
    assert measured["completeness"] == measured["purity"] == 1.0
    assert measured["completeness_interval"] == pytest.approx([0.5655, 1.0], abs=1e-4)
    assert measured["separation"]["p95"] < 0.3
    assert measured["flux_ratio"]["median"] == pytest.approx(1, abs=0.05)
    assert measured["rms"] == pytest.approx(3, rel=0.1)
    assert measured["above_limit"]["galaxies"] == 5
    json.dumps(measured)


def test_missed_and_false_sources_are_counted(tmp_path: Path):
    # Two of the painted are not in the truth; one of the truth is not painted.
    view = write_view(tmp_path / "v", PLACES, [*PLACES[:3], (60.0, 280.0)])
    measured = measure_field(view)
    assert (measured["galaxies"], measured["detected"], measured["matched"]) == (4, 5, 3)
    assert measured["completeness"] == 0.75
    assert measured["purity"] == 0.6
    detections = pq.read_table(view / "detections.parquet").to_pylist()
    by_place = sorted((item["x"], item["object_id"]) for item in detections)
    assert [found for _, found in by_place] == [100, 101, 102, None, None]
    for item in detections:
        assert (item["separation"] is None) == (item["object_id"] is None)


def test_tiles_find_each_source_once(tmp_path: Path):
    # Three of the sources lie on borders of tiles.
    places = [(64.0, 64.0), (127.5, 200.0), (200.0, 191.5), (300.0, 100.0)]
    view = write_view(tmp_path / "v", places, places)
    for tile in (64, 128, 1024):
        measured = measure_field(view, MeasureFieldSettings(tile=tile, margin=48))
        assert (measured["detected"], measured["matched"]) == (4, 4), tile


def test_completeness_by_flux_has_bins_of_equal_count(tmp_path: Path):
    view = write_view(tmp_path / "v", PLACES[:3], PLACES)
    table = pq.read_table(view / "truth.parquet")
    fluxes = pa.array([5.0, 4.0, 3.0, 2.0, 1.0])
    table = table.set_column(table.column_names.index("flux"), "flux", fluxes)
    pq.write_table(table, view / "truth.parquet")
    bins = measure_field(view, MeasureFieldSettings(bins=2))["by_flux"]
    assert [(b["flux"], b["galaxies"], b["matched"]) for b in bins] == [
        ([1.0, 3.0], 3, 1),
        ([4.0, 5.0], 2, 2),
    ]


def test_an_empty_sky_has_no_purity(tmp_path: Path):
    measured = measure_field(write_view(tmp_path / "v", [], PLACES))
    assert (measured["detected"], measured["completeness"]) == (0, 0.0)
    assert measured["purity"] is None
    assert measured["purity_interval"] is None
    assert measured["separation"] == {"median": None, "p95": None}


@pytest.mark.parametrize(
    ("found", "radius", "expected"),
    [
        ([(0, 0), (10, 0)], 1.0, [0, 1]),
        ([(10, 0), (0, 0)], 1.0, [1, 0]),
        ([(0.9, 0)], 1.0, [0, -1]),
        ([(1.1, 0)], 1.0, [-1, -1]),
        ([(5.5, 0)], 9.0, [-1, 0]),  # nearest to both, but only one is nearest to it
        ([], 9.0, [-1, -1]),
    ],
)
def test_matches_are_mutual_and_near(found, radius, expected):
    truth = np.array([(0.0, 0.0), (10.0, 0.0)])
    found = np.array(found, np.float64).reshape(-1, 2)
    match, _ = match_nearest(truth, found, np.full(2, radius))
    assert match.tolist() == expected


def test_wilson_interval_is_the_textbooks():
    # 8 of 10: (0.8 + 0.19207) / 1.38415 -+ 1.96 / 1.38415 * sqrt(0.016 + 0.0096036)
    assert wilson_interval(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert wilson_interval(0, 10) == pytest.approx([0, 0.2775], abs=1e-4)
    assert wilson_interval(0, 0) is None


def test_what_is_no_view_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match=r"it has no truth\.parquet"):
        measure_field(tmp_path)
    view = write_view(tmp_path / "v", PLACES, PLACES)
    (view / "view.png").unlink()
    with pytest.raises(InputError, match=r"neither view\.png"):
        measure_field(view)
    empty = write_view(tmp_path / "empty", PLACES, [])
    with pytest.raises(InputError, match="is empty"):
        measure_field(empty)


@pytest.mark.parametrize(("name", "value"), [("threshold", 0), ("radius", 0), ("tile", 8)])
def test_bad_settings_name_their_flag(name, value):
    with pytest.raises(SettingsError, match=f"--{name}"):
        MeasureFieldSettings(**{name: value})
