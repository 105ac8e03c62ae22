"""Completeness and purity on views whose answers are known."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_view import PLACES, write_view
from PIL import Image

from parhelion.cli import main
from parhelion.errors import InputError, SettingsError
from parhelion.measurement import MeasureFieldSettings, measure_field
from parhelion.measurement._field_match import match_nearest
from parhelion.measurement._field_overlay import COLORS
from parhelion.provenance import read_mark
from parhelion.sky import WidefieldSettings, widefield

PLAIN = MeasureFieldSettings(zoom=())


def test_all_found_and_nothing_else(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    measured = measure_field(view, PLAIN)
    assert (measured["galaxies"], measured["detected"], measured["matched"]) == (5, 5, 5)
    assert measured["completeness"] == measured["purity"] == 1.0
    assert measured["completeness_interval"] == pytest.approx([0.5655, 1.0], abs=1e-4)
    assert measured["matched_by_chance"] == 0
    assert measured["separation"]["p95"] < 0.3
    assert measured["astrometry"]["count"] == 5
    assert measured["astrometry"]["rms"] < 0.3
    assert measured["flux_ratio"]["median"] == pytest.approx(1, abs=0.05)
    assert measured["photometry"]["scatter"] < 0.05
    assert measured["rms"] == pytest.approx(3, rel=0.1)
    assert measured["above_limit"]["galaxies"] == 5
    assert "stars" not in measured
    json.dumps(measured)


def test_missed_and_false_sources_are_counted(tmp_path):
    # Two of the painted are not in the truth; one of the truth is not painted.
    view = write_view(tmp_path / "v", PLACES, [*PLACES[:3], (60.0, 280.0)])
    measured = measure_field(view, PLAIN)
    assert (measured["galaxies"], measured["detected"], measured["matched"]) == (4, 5, 3)
    assert measured["completeness"] == 0.75
    assert measured["purity"] == 0.6
    detections = pq.read_table(view / "detections.parquet").to_pylist()
    by_place = sorted((item["x"], item["object_id"]) for item in detections)
    assert [found for _, found in by_place] == [100, 101, 102, None, None]
    for item in detections:
        assert (item["separation"] is None) == (item["object_id"] is None)


def test_stars_are_real_and_no_galaxies(tmp_path):
    kinds = ["galaxy", "star", "galaxy", "star", "galaxy"]
    view = write_view(tmp_path / "v", PLACES[:3], PLACES, kinds)
    measured = measure_field(view, PLAIN)
    assert (measured["galaxies"], measured["matched"]) == (3, 2)
    assert measured["stars"]["count"] == 2
    assert measured["stars"]["matched"] == 1
    assert (measured["detected"], measured["purity"]) == (3, 1.0)
    assert measured["photometry"]["count"] == 2


def test_zoomed_views_are_measured_in_pixels_of_the_view(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    settings = MeasureFieldSettings(zoom=(0.5, 2), zoom_size=480, mesh=32)
    reduced, enlarged = measure_field(view, settings)["zooms"]
    assert reduced["zoom"] == 0.5
    assert reduced["box"] == [0, 0, 320, 400]
    assert (reduced["galaxies"], reduced["matched"], reduced["detected"]) == (5, 5, 5)
    # 240 pixels of the middle: all but (40.3, 50.6) and (350, 100) are in it.
    assert enlarged["box"] == [40, 80, 280, 320]
    assert (enlarged["galaxies"], enlarged["matched"], enlarged["detected"]) == (3, 3, 3)
    assert enlarged["unzoomed"]["completeness"] == 1
    for part in (reduced, enlarged):
        assert part["astrometry"]["rms"] < 0.4
        assert part["photometry"]["median"] == pytest.approx(1, abs=0.06)


def test_tiles_find_each_source_once(tmp_path):
    # Three of the sources lie on borders of tiles.
    places = [(64.0, 64.0), (127.5, 200.0), (200.0, 191.5), (300.0, 100.0)]
    view = write_view(tmp_path / "v", places, places)
    for tile in (64, 128, 1024):
        measured = measure_field(view, MeasureFieldSettings(tile=tile, margin=48, zoom=()))
        assert (measured["detected"], measured["matched"]) == (4, 4), tile


def test_processes_find_the_same(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    tables = []
    for workers in (1, 2):
        settings = MeasureFieldSettings(tile=128, margin=48, zoom=(), workers=workers)
        measure_field(view, settings)
        tables.append((view / "detections.parquet").read_bytes())
    assert tables[0] == tables[1]


def test_a_folder_gets_figures_detections_and_marked_pictures(tmp_path):
    view = write_view(tmp_path / "v", PLACES, [*PLACES[:4], (200.0, 120.0)])
    out = tmp_path / "out"
    measured = measure_field(view, MeasureFieldSettings(zoom=(2,), overlay=320), out)
    assert not (view / "detections.parquet").exists()
    assert json.loads((out / "field.json").read_text()) == measured
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        "detections-zoom-2.parquet",
        "detections.parquet",
        "field.json",
        "overlay-zoom-1.png",
        "overlay-zoom-2.png",
        "settings.json",
    ]
    mark = read_mark(out / "overlay-zoom-1.png")
    assert mark is not None
    assert mark.made
    pixels = np.asarray(Image.open(out / "overlay-zoom-1.png"))
    assert pixels.shape == (320 + 34, 320, 3)
    # The picture starts at x = 40: found (130, 60) is in a circle of 3 * 3 + 2 pixels or so, the
    # missed (200, 120) in a diamond of 11, the spurious (350, 100) in a square.
    for name, (x, y) in {"found": (90, 60), "missed": (160, 120), "spurious": (310, 100)}.items():
        part = pixels[y - 14 : y + 15, x - 14 : x + 15]
        assert (part == COLORS[name]).all(-1).sum() > 20, name
        others = [color for other, color in COLORS.items() if other != name]
        assert not any((part == color).all(-1).any() for color in others)


def test_pictures_show_no_more_than_was_searched(tmp_path):
    # At zoom 4 the search covers 64 pixels and a rim of 32; (130, 130) is beyond, though within the
    # 200 pixels that a picture of 800 might show.
    places = [(200.0, 160.0), (130.0, 130.0)]
    view = write_view(tmp_path / "v", places, places)
    settings = MeasureFieldSettings(zoom=(4,), zoom_size=256, overlay=800, mesh=32)
    measured = measure_field(view, settings, tmp_path / "out")
    assert measured["zooms"][0]["matched"] == 1
    pixels = np.asarray(Image.open(tmp_path / "out/overlay-zoom-4.png"))
    assert pixels.shape == (256 + 34, 256, 3)
    sky = pixels[:256]
    assert (sky == COLORS["found"]).all(-1).any()
    assert not (sky == COLORS["missed"]).all(-1).any()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_view_without_a_picture_needs_its_catalog(tmp_path, galaxies, capsys, workers):
    asked = WidefieldSettings(size=128, count=6, format=("deepzoom",))
    view = str(widefield(galaxies, tmp_path / "v", asked).folder)
    moved = galaxies.root.rename(tmp_path / "moved")
    verb = ["measure", "field", view, "--zoom", "1", "--tile", "64", "--workers", workers]
    assert main(verb) == 2
    assert "say with --catalog where it is" in capsys.readouterr().err
    assert main([*verb, "--catalog", str(moved)]) == 0
    assert "galaxies: 6" in capsys.readouterr().out


def test_completeness_by_flux_has_bins_of_equal_count(tmp_path):
    view = write_view(tmp_path / "v", PLACES[:3], PLACES)
    table = pq.read_table(view / "truth.parquet")
    fluxes = pa.array([5.0, 4.0, 3.0, 2.0, 1.0])
    table = table.set_column(table.column_names.index("flux"), "flux", fluxes)
    pq.write_table(table, view / "truth.parquet")
    bins = measure_field(view, MeasureFieldSettings(bins=2, zoom=()))["by_flux"]
    assert [(b["flux"], b["galaxies"], b["matched"]) for b in bins] == [
        ([1.0, 3.0], 3, 1),
        ([4.0, 5.0], 2, 2),
    ]


def test_an_empty_sky_has_no_purity(tmp_path):
    measured = measure_field(write_view(tmp_path / "v", [], PLACES), PLAIN)
    assert (measured["detected"], measured["completeness"]) == (0, 0.0)
    assert measured["purity"] is None
    assert measured["purity_interval"] is None
    assert measured["purity_by_flux"] == []
    assert measured["separation"] == {"median": None, "p95": None}
    assert measured["photometry"]["median"] is None


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


def test_what_is_no_view_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"it has no truth\.parquet"):
        measure_field(tmp_path)
    view = write_view(tmp_path / "v", PLACES, PLACES)
    (view / "view.png").unlink()
    with pytest.raises(InputError, match=r"none of view\.png"):
        measure_field(view)
    empty = write_view(tmp_path / "empty", PLACES, [])
    with pytest.raises(InputError, match="is empty"):
        measure_field(empty)
    lacking = write_view(tmp_path / "lacking", PLACES, PLACES)
    table = pq.read_table(lacking / "truth.parquet").drop_columns(["flux"])
    pq.write_table(table, lacking / "truth.parquet")
    with pytest.raises(InputError, match="no column 'flux'"):
        measure_field(lacking)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 0),
        ("radius", 0),
        ("tile", 8),
        ("overlay", 10),
        ("workers", 0),
        ("onnx_layout", "yolo"),
        ("onnx_overlap", 0.9),
        ("onnx_confidence", 0),
    ],
)
def test_bad_settings_name_their_flag(name, value):
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}"):
        MeasureFieldSettings(**{name: value})
