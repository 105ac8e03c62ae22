"""The truth catalog's other forms."""

import re

import numpy as np
from astropy.io import fits

from parhelion.sky import WidefieldSettings, read_truth, widefield


def test_regions_tables_and_parquet_agree(tmp_path, made, real_field):
    asked = WidefieldSettings(
        count=6, size=200, seed=1, like=str(real_field), min_area=30, stars=3, pixel_scale=0.5
    )
    view = widefield(made, tmp_path / "out", asked)
    rows = read_truth(view.folder).to_pylist()
    lines = (view.folder / "sky.reg").read_text().splitlines()
    assert lines[0].startswith("# Region file format: DS9")
    assert '"operation": "widefield"' in lines[1]
    ellipses = [line for line in lines if line.startswith("ellipse(")]
    assert len(ellipses) == len(rows) == 9
    for line, item in zip(ellipses, rows, strict=True):
        ra, dec, a, b, angle = (float(v) for v in re.findall(r"-?\d+\.\d+", line)[:5])
        np.testing.assert_allclose((ra, dec), (item["ra"], item["dec"]), atol=1e-7)
        np.testing.assert_allclose(a, 3 * item["a"] * 0.5, atol=1e-3)
        np.testing.assert_allclose(b, 3 * max(item["b"], 0.3) * 0.5, atol=1e-3)
        np.testing.assert_allclose(angle, -np.rad2deg(item["theta"]), atol=0.01)
        assert f"tag={{{item['kind']}}}" in line
    stars = [item for item in rows if item["kind"] == "star"]
    assert len(stars) == 3
    for item in stars:
        assert item["image_id"] is item["path"] is item["model_id"] is item["model_seed"] is None
        assert item["flux"] > 0
    for item in rows[:6]:
        assert item["model_id"] == "net-1"
        assert item["origin"] == "gan"
    with fits.open(view.folder / "truth.fits") as hdus:
        data = hdus["TRUTH"].data
        assert list(data["kind"]) == [item["kind"] for item in rows]
        assert hdus["TRUTH"].columns["ra"].unit == "deg"
        assert hdus["TRUTH"].columns["model_seed"].null == -(2**63)
