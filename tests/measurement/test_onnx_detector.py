"""A network from an ONNX file finds what is drawn, whatever its layout, across tiles."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from blob_network import write_network
from drawn_view import PLACES, write_view

from parhelion.errors import InputError, MissingExtraError
from parhelion.measurement import MeasureFieldSettings, measure_field
from parhelion.measurement import _onnx_detector as onnx_detector
from parhelion.measurement._field_tiles import open_pixels, search
from parhelion.measurement._field_zoom import zoomed_box

# With tiles of 96 that share 20 %, the cores are 76 wide: several lie on their borders.
BORDERS = [(76.0, 76.0), (152.0, 40.0), (228.0, 152.0), (38.0, 228.0), (304.0, 304.0), (390.0, 9.0)]


def boxes_of(view: Path, settings: MeasureFieldSettings, zoom: float = 1.0) -> dict:
    with open_pixels(view) as windows:
        box = zoomed_box(windows.shape, zoom, 4096)
        finder = onnx_detector.open_onnx(settings).zoomed(zoom)
        return search(view, windows, finder, zoom=zoom, box=box, workers=1)[0]


@pytest.mark.parametrize("layout", ["yolov8", "yolov5", "end2end"])
@pytest.mark.parametrize("logits", [False, True])
def test_each_drawn_source_is_found_once_whatever_the_layout(tmp_path, layout, logits):
    view = write_view(tmp_path / "v", BORDERS, BORDERS)
    path = write_network(tmp_path / "net.onnx", layout=layout, logits=logits)
    # A few thousand rows of six are yolov5 by their number; twenty are end2end.
    settings = MeasureFieldSettings(onnx=str(path), onnx_logits=logits)
    found = boxes_of(view, settings)
    places = sorted(zip(found["x"], found["y"], strict=True))
    np.testing.assert_allclose(places, sorted(BORDERS), atol=1.01)
    np.testing.assert_allclose(found["width"], 24, atol=1e-3)


def test_a_network_is_scored_beside_sep(tmp_path):
    # One of the truth is not painted, and one of the painted is not in the truth.
    view = write_view(tmp_path / "v", PLACES, [*PLACES[:4], (60.0, 280.0)])
    path = write_network(tmp_path / "net.onnx")
    out = tmp_path / "out"
    settings = MeasureFieldSettings(onnx=str(path), zoom=(0.5,), overlay=128)
    measured = measure_field(view, settings, out)
    assert (measured["matched"], measured["detected"]) == (4, 5)
    network = measured["onnx"]
    assert network["file"] == "net.onnx"
    assert (network["galaxies"], network["matched"], network["detected"]) == (5, 4, 5)
    assert (network["completeness"], network["purity"]) == (0.8, 0.8)
    assert network["separation"]["p95"] < 1
    # The ellipse of 12 by 12 pixels holds four standard deviations of the light.
    assert network["photometry"]["median"] == pytest.approx(1, abs=0.05)
    files = {item["file"] for item in measured["overlays"]}
    assert {"overlay-onnx-zoom-1.png", "overlay-onnx-zoom-0.5.png"} < files
    rows = pq.read_table(out / "detections-onnx.parquet").to_pylist()
    assert len(rows) == 5
    assert all(row["score"] > 0.9 and row["class"] == 0 for row in rows)


def test_the_view_is_scaled_to_the_network_s_input(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    path = write_network(tmp_path / "net.onnx")
    found = boxes_of(view, MeasureFieldSettings(onnx=str(path), onnx_tile=192))
    places = sorted(zip(found["x"], found["y"], strict=True))
    np.testing.assert_allclose(places, PLACES, atol=2.01)
    np.testing.assert_allclose(found["width"], 48, atol=1e-3)


def test_results_do_not_depend_on_tiles_or_repetition(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    settings = MeasureFieldSettings(onnx=str(write_network(tmp_path / "net.onnx")))
    one, again = boxes_of(view, settings), boxes_of(view, settings)
    other = boxes_of(view, replace(settings, onnx_overlap=0.5))
    for name in ("x", "y", "score"):
        np.testing.assert_array_equal(one[name], again[name])
        np.testing.assert_allclose(np.sort(one[name]), np.sort(other[name]), atol=1e-5)


def test_confidence_and_classes_choose(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)
    settings = MeasureFieldSettings(onnx=str(write_network(tmp_path / "net.onnx")))
    assert len(boxes_of(view, replace(settings, onnx_classes=(0,)))["x"]) == 5
    assert len(boxes_of(view, replace(settings, onnx_classes=(1,)))["x"]) == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 8400), "yolov8"),
        ((84, 8400), "yolov8"),
        ((25200, 6), "yolov5"),
        ((25200, 85), "yolov5"),
        ((300, 6), "end2end"),
        ((0, 6), "end2end"),
    ],
)
def test_layouts_are_told_by_their_shapes(shape, expected):
    assert onnx_detector.detect_layout(shape, (640, 640), where="net") == expected


def test_three_anchors_to_a_cell_are_yolov5_however_few():
    # 64 pixels: 8 x 8 + 4 x 4 + 2 x 2 cells of three anchors.
    assert onnx_detector.detect_layout((252, 6), (64, 64), where="net") == "yolov5"


@pytest.mark.parametrize("shape", [(4, 100), (100, 5), (7, 7)])
def test_a_shape_of_no_layout_is_an_error(shape):
    with pytest.raises(InputError, match="--onnx-layout"):
        onnx_detector.detect_layout(shape, (640, 640), where="net")


def test_boxes_are_decoded_by_hand():
    # Center (10, 20), 4 wide, 6 high; objectness 0.5, classes 0.2 and 0.8.
    row = np.array([10, 20, 4, 6, 0.5, 0.2, 0.8])
    size = (640, 640)
    boxes, scores, classes = onnx_detector.decode_boxes(
        [row[None, None]], "yolov5", size, where="net"
    )
    assert boxes.tolist() == [[8, 17, 12, 23]]
    assert scores == pytest.approx([0.4])
    assert classes.tolist() == [1]
    boxes, scores, classes = onnx_detector.decode_boxes(
        [row[None, :, None]], "yolov8", size, where="net"
    )
    assert boxes.tolist() == [[8, 17, 12, 23]]
    assert (scores.tolist(), classes.tolist()) == ([0.8], [2])
    row = np.array([8, 17, 12, 23, 0.9, 3.0])
    boxes, scores, classes = onnx_detector.decode_boxes(
        [row[None, None]], "end2end", size, where="net"
    )
    assert boxes.tolist() == [[8, 17, 12, 23]]
    assert (scores.tolist(), classes.tolist()) == ([0.9], [3])


def test_scores_that_are_no_probabilities_are_an_error():
    row = np.array([8, 17, 12, 23, -4.0, 3.0])[None, None]
    with pytest.raises(InputError, match="--onnx-logits"):
        onnx_detector.decode_boxes([row], "end2end", (64, 64), where="net")
    row[..., 4] = np.nan
    with pytest.raises(InputError, match="not finite"):
        onnx_detector.decode_boxes([row], "end2end", (64, 64), where="net")


def test_twins_and_pieces_of_neighboring_tiles_are_merged(tmp_path):
    settings = MeasureFieldSettings(onnx=str(write_network(tmp_path / "net.onnx")))
    finder = onnx_detector.open_onnx(settings)

    def row(x, y, width, height, score, cut):
        return [x, y, 0, 0, 0, 0, width, height, score, 0, cut]

    whole = row(50, 50, 20, 20, 0.6, 0)
    twin = row(50.5, 50, 20, 20, 0.9, 1)  # sure, but cut
    piece = row(57, 50, 6, 20, 0.9, 1)  # wholly inside, too little for the overlap to tell
    neighbor = row(64, 50, 8, 20, 0.9, 1)  # on its own
    inner = row(50, 50, 5, 5, 0.5, 0)  # whole, if inside: another source
    found = finder.merge(np.array([twin, whole, piece, neighbor, inner]))
    assert found.tolist() == [whole, neighbor, inner]


def test_files_that_are_no_detectors_are_errors(tmp_path):
    view = write_view(tmp_path / "v", PLACES, PLACES)

    def measure(path: Path, **other) -> None:
        measure_field(view, MeasureFieldSettings(onnx=str(path), zoom=(), **other))

    with pytest.raises(InputError, match=r"there is no ONNX file .*none\.onnx"):
        measure(tmp_path / "none.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    with pytest.raises(InputError, match=r"text\.onnx cannot be read as an ONNX network") as error:
        measure(text)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="input of rank 3"):
        measure(write_network(tmp_path / "rank.onnx", rank=3))
    with pytest.raises(InputError, match=r"returns \(1, 1, 96, 96\)"):
        measure(write_network(tmp_path / "map.onnx", layout="map"))
    with pytest.raises(InputError, match="is not end2end"):
        measure(write_network(tmp_path / "v8.onnx"), onnx_layout="end2end")


def test_without_onnx_runtime_the_extra_is_named(tmp_path, monkeypatch):
    path = write_network(tmp_path / "unopened.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r'pip install "parhelion\[onnx\]"'):
        onnx_detector.open_onnx(MeasureFieldSettings(onnx=str(path)))
