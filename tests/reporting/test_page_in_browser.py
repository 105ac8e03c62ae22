"""The page in a real browser: it draws, it zooms, and it asks nobody for anything."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parhelion.provenance import write_image
from parhelion.reporting import report

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture
def page_path(tmp_path: Path) -> Path:
    """A report of a wide view whose only galaxy is a white square in its middle."""
    sky = tmp_path / "sky"
    sky.mkdir()
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[226:286, 226:286] = 255
    write_image(sky / "view.png", pixels, recipe={}, made=True)
    columns = {"x": [255.5], "y": [255.5], "a": [30.0], "flux": [1.0], "object_id": [0]}
    pq.write_table(pa.table(columns), sky / "truth.parquet")
    return report([sky], tmp_path / "page.html")


def test_the_view_is_drawn_and_zooms(page_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    outside: list[str] = []
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file:", "data:", "blob:"))
                else outside.append(request.url)
            ),
        )
        page.goto(page_path.as_uri())
        page.wait_for_function("Bokeh.documents.length == 1 && Bokeh.documents[0].is_idle")
        figure = page.locator("figure").first
        figure.scroll_into_view_if_needed()
        box = figure.bounding_box()
        assert box is not None
        center = box["x"] + box["width"] / 2, box["y"] + 380

        def width_shown() -> float:
            return float(
                page.evaluate(
                    "(() => { const r = Bokeh.documents[0].roots()[0].x_range;"
                    " return r.end - r.start })()"
                )
            )

        before = width_shown()
        shown = np.asarray(_picture(page.screenshot()))
        page.mouse.move(*center)
        page.mouse.wheel(0, -600)
        page.wait_for_timeout(400)
        assert width_shown() < 0.8 * before
        browser.close()
    assert (shown == 255).all(axis=-1).sum() > 5000  # the white square is on the screen
    assert outside == []
    assert errors == []


def _picture(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
