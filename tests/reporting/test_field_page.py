"""The page about a detector that went over a wide view."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parhelion.measurement import MeasureFieldSettings, measure_field
from parhelion.provenance import write_image
from parhelion.reporting import report


def drawn_view(folder, painted):
    image = np.random.default_rng(0).normal(20, 3, (160, 160))
    yy, xx = np.mgrid[:160, :160]
    for x, y in painted:
        image += 120 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 18)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., None]
    folder.mkdir(parents=True)
    write_image(folder / "view.png", pixels, recipe={}, made=True)
    columns = {
        "object_id": [0, 1, 2],
        "x": [40.0, 100.0, 60.0],
        "y": [40.0, 60.0, 120.0],
        "a": [3.0, 3.0, 3.0],
        "b": [3.0, 3.0, 3.0],
        "flux": [6000.0, 6500.0, 7000.0],
    }
    pq.write_table(pa.table(columns), folder / "truth.parquet")
    return folder


def test_figures_and_outlines_are_on_the_page(tmp_path):
    view = drawn_view(tmp_path / "view", [(40, 40), (100, 60)])
    measure_field(view, MeasureFieldSettings(zoom=(2,), overlay=160), tmp_path / "out")
    text = report([tmp_path / "out"], tmp_path / "page.html").read_text()
    assert "Sources found in the wide view" in text
    assert "3 galaxies of the truth catalog" in text
    assert "0.667 (" in text  # two of three
    assert text.count('<img src="data:image/png;base64,') == 2
    assert "zoom 2" in text


def test_an_empty_sky_has_a_page_too(tmp_path):
    view = drawn_view(tmp_path / "view", [])
    measure_field(view, MeasureFieldSettings(zoom=(), overlay=160), tmp_path / "out")
    text = report([tmp_path / "out"], tmp_path / "page.html").read_text()
    assert "0.000 (" in text
    assert "–" in text  # no purity without detections
