"""The part of the page about a wide view: a large one is shown reduced, with a link to its page."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from parhelion.provenance import write_image
from parhelion.reporting import report


def large_view(folder: Path) -> Path:
    """A view of deep-zoom tiles, which are not there: only its preview may be read."""
    folder.mkdir()
    (folder / "sky.dzi").touch()
    (folder / "index.html").touch()
    write_image(folder / "preview.jpg", np.full((40, 40, 3), 77, np.uint8), recipe={}, made=True)
    columns = {"object_id": [0], "x": [9e3], "y": [9e3], "a": [3.0], "flux": [1.0]}
    pq.write_table(pa.table(columns), folder / "truth.parquet")
    sky = {
        "kind": "parhelion-sky",
        "version": 1,
        "width": 20_000,
        "files": {"dzi": "sky.dzi", "preview": "preview.jpg"},
    }
    (folder / "sky.json").write_text(json.dumps(sky))
    return folder


def test_a_large_view_is_shown_reduced_with_a_link(tmp_path: Path) -> None:
    sky = large_view(tmp_path / "my sky")
    (tmp_path / "pages").mkdir()
    page = report([sky], tmp_path / "pages/page.html").read_text()
    assert '<a href="../my%20sky/index.html">' in page
    assert "1 objects on 20,000 x 20,000 pixels" in page
    shown = re.search(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page)
    assert shown is not None
    with Image.open(io.BytesIO(base64.b64decode(shown[1]))) as image:
        assert image.size == (40, 40)
    (sky / "index.html").unlink()
    assert "index.html" not in report([sky], tmp_path / "page.html").read_text()
