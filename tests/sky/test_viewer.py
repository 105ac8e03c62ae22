"""The sky page: its data, and the page itself in a browser, from a folder and without a network."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog
from parhelion.errors import InputError
from parhelion.provenance import read_mark, write_image
from parhelion.sky import _viewer, _viewer_truth
from parhelion.sky._viewer import write_viewer
from parhelion.sky._viewer_truth import write_payload

CHROMIUM = shutil.which("chromium")
browser_needed = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
viewer_needed = pytest.mark.skipif(
    _viewer._vendor() is None, reason="this installation was built without npm"
)
WIDTH, HEIGHT, TILE = 1500, 1100, 256
CARDS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRPIX1": 700.25,
    "CRPIX2": 512.0,
    "CRVAL1": 0.004,  # right ascensions on both sides of 0
    "CRVAL2": 85.0,
    "CD1_1": -2.1e-5,
    "CD1_2": 4e-6,
    "CD2_1": 5e-6,
    "CD2_2": -2e-5,
}


def truth_of(catalog: Catalog) -> pa.Table:
    """Three galaxies, of one of which the right place in the picture is a white block."""
    rows = catalog.rows()
    return pa.table(
        {
            "object_id": pa.array([0, 1, 2], pa.int64()),
            "kind": ["galaxy", "galaxy", "star"],
            "x": [1100.5, 300.0, 640.0],
            "y": [500.5, 200.0, 900.0],
            "a": [6.0, 20.0, 2.0],
            "b": [6.0, 4.0, 2.0],
            "theta": [0.0, np.pi / 4, 0.0],
            "flux": [12345.678, 99.0, 5.0],
            "peak": [255.0, 3.0, 2.0],
            "image_id": [rows[0]["image_id"], rows[1]["image_id"], None],
            "path": [rows[0]["path"], rows[1]["path"], None],
            "label": ["</script><b>round", None, None],
            "origin": ["gan", "observed", None],
            "source": ["efigi", "EFIGI, plate 7", None],
            "model_id": ["net-1", None, None],
            "model_seed": pa.array([77, None, None], pa.int64()),
            "flipped": [True, False, False],
            "rotation": [0.5, 0.0, 0.0],
            "zoom": [0.25, 1.0, 1.0],
        }
    )


def picture() -> NDArray[np.uint8]:
    """Noise to the left of x = 750, even gray to the right, and there a white block."""
    pixels = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    pixels[:, 750:] = 90
    pixels[495:507, 1095:1107] = 255  # its middle is (1100.5, 500.5)
    return pixels


def write_tiles(folder: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a deep zoom without overlap, as lossless tiles."""
    image = Image.fromarray(pixels)
    for level in range(11, -1, -1):
        place = folder / str(level)
        place.mkdir(parents=True)
        for x in range(0, image.width, TILE):
            for y in range(0, image.height, TILE):
                box = (x, y, min(x + TILE, image.width), min(y + TILE, image.height))
                image.crop(box).save(place / f"{x // TILE}_{y // TILE}.png", compress_level=1)
        image = image.resize((-(-image.width // 2), -(-image.height // 2)), Image.Resampling.BOX)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles")
    write_tiles(folder, picture())
    return folder


@pytest.fixture
def view(tmp_path: Path, galaxies: Catalog, tiles: Path) -> Path:
    """A wide view as it is on disk, before its page is written."""
    folder = tmp_path / "a sky"
    folder.mkdir()
    (folder / "sky_files").symlink_to(tiles)
    small = np.asarray(Image.fromarray(picture()).resize((750, 550)))
    write_image(folder / "preview.jpg", small, recipe={}, made=True)
    pq.write_table(truth_of(galaxies), folder / "truth.parquet")
    describe(
        folder,
        deepzoom={"tile_size": TILE, "overlap": 0, "format": "png", "max_level": 11},
        catalog=str(galaxies.root),
    )
    return folder


def describe(folder: Path, **changes: Any) -> None:
    sky = {
        "kind": "parhelion-sky",
        "version": 1,
        "made": True,
        "width": WIDTH,
        "height": HEIGHT,
        "channels": 3,
        "files": {"tiles": "sky_files", "preview": "preview.jpg", "truth": "truth.parquet"},
        "deepzoom": None,
        "wcs": CARDS,
        "counts": {"galaxies": 2, "stars": 1},
        "catalog": None,
        "field": "a <field> & more",
        "recipe": {"operation": "widefield", "seed": 1},
    }
    (folder / "sky.json").write_text(json.dumps(sky | changes))


def load(path: Path) -> tuple[str, dict[str, Any]]:
    """Read back a script of the payload."""
    name, text = path.read_text().removeprefix('parhelion("').split('",', 1)
    return name, json.loads(text.removesuffix(");\n"))


def test_the_payload_is_the_truth_table(tmp_path: Path, galaxies: Catalog) -> None:
    table = truth_of(galaxies)
    sprites = {table["path"][1].as_py(): 9}
    plan = write_payload(tmp_path, table, width=WIDTH, height=HEIGHT, sprites=sprites)
    assert plan["counts"] == {"truth-0-0": 3}
    assert plan["index"] is None
    assert plan["reach"] == 60  # three times the longest semi-axis
    name, content = load(tmp_path / "truth-0-0.js")
    assert name == "truth-0-0"
    columns = content["columns"]
    assert columns["id"] == [0, 1, 2]
    assert columns["x"] == [1100.5, 300.0, 640.0]
    assert columns["flux"] == [12345.7, 99.0, 5.0]
    assert columns["turn"] == [28.6, 0.0, 0.0]
    assert columns["theta"] == [0.0, 0.785, 0.0]
    stamps = [content["stamps"][number] for number in columns["stamp"]]
    rows = galaxies.rows()
    assert stamps[0] == {
        "kind": "galaxy",
        "image": rows[0]["image_id"],
        "path": rows[0]["path"],
        "label": "</script><b>round",
        "origin": "gan",
        "source": "efigi",
        "model": "net-1",
        "seed": 77,
    }
    assert stamps[1]["sprite"] == 9
    assert stamps[2] == {"kind": "star"}


def test_a_long_truth_table_is_divided_by_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_viewer_truth, "_ONE_FILE", 100)
    monkeypatch.setattr(_viewer_truth, "_PER_CELL", 40)
    rng = np.random.default_rng(2)
    count = 1000
    table = pa.table(
        {
            "object_id": np.arange(count) * 3,
            "x": rng.uniform(-5, 3005, count),  # some centers are beyond the edge
            "y": rng.uniform(0, 2000, count),
            "a": np.full(count, 2.0),
            "b": np.full(count, 1.0),
            "theta": np.zeros(count),
            "path": [f"images/{index % 7}.png" for index in range(count)],
        }
    )
    plan = write_payload(tmp_path, table, width=3000, height=2000, sprites={})
    assert sum(plan["counts"].values()) == plan["total"] == count
    assert 20 <= len(plan["counts"]) <= 40
    _, index = load(tmp_path / "truth-index.js")
    seen = []
    for name, held in plan["counts"].items():
        _, content = load(tmp_path / f"{name}.js")
        columns = content["columns"]
        assert len(columns["id"]) == held
        row, column = map(int, name.split("-")[1:])
        side = plan["cell"]
        x, y = np.clip(columns["x"], 0, 2999.9), np.clip(columns["y"], 0, 1999.9)
        # Rounding to hundredths may move one over the edge of its cell.
        assert (np.abs(x - (column + 0.5) * side) <= side / 2 + 0.01).all()
        assert (np.abs(y - (row + 0.5) * side) <= side / 2 + 0.01).all()
        for number, stamp in zip(columns["id"], columns["stamp"], strict=True):
            assert content["stamps"][stamp]["path"] == f"images/{number // 3 % 7}.png"
            assert index["names"][index["cells"][index["ids"].index(number)]] == name
        seen += columns["id"]
    assert sorted(seen) == table["object_id"].to_pylist()


def test_thumbnails_are_the_images_and_say_what_they_are(view: Path, galaxies: Catalog) -> None:
    write_viewer(view)
    sheet = view / "viewer/stamps-0.jpg"
    mark = read_mark(sheet)
    assert mark is not None
    assert mark.made
    assert mark.recipe == {
        "operation": "thumbnails",
        "view": {"operation": "widefield", "seed": 1},
    }
    _, content = load(view / "viewer/truth-0-0.js")
    with Image.open(sheet) as image:
        shown = np.asarray(image).astype(int)
    checked = 0
    for stamp in content["stamps"]:
        if "sprite" not in stamp:
            continue
        with Image.open(galaxies.root / stamp["path"]) as image:
            own = np.asarray(image.resize((64, 64), Image.Resampling.LANCZOS)).astype(int)
        y, x = divmod(stamp["sprite"], 16)
        there = shown[64 * y : 64 * y + 64, 64 * x : 64 * x + 64]
        assert np.abs(there - own).mean() < 6
        checked += 1
    assert checked == 2


def test_a_page_that_is_written_again_leaves_nothing_stale(view: Path) -> None:
    (view / "viewer").mkdir()
    for name in ("truth-9-9.js", "stamps-7.jpg"):
        (view / "viewer" / name).touch()
    page = write_viewer(view)
    assert page == view / "index.html"
    first = {path.name: path.read_bytes() for path in (view / "viewer").iterdir()}
    assert not {"truth-9-9.js", "stamps-7.jpg"} & set(first)
    write_viewer(view)
    assert first == {path.name: path.read_bytes() for path in (view / "viewer").iterdir()}


def test_what_is_no_view_has_no_page(tmp_path: Path, view: Path) -> None:
    with pytest.raises(InputError, match="parhelion widefield"):
        write_viewer(tmp_path)
    describe(view, wcs=CARDS | {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"})
    with pytest.raises(InputError, match="RA---SIN/DEC--SIN"):
        write_viewer(view)


class Opened:
    """A page in a browser, with what it asked for and what went wrong."""

    def __init__(self, browser: Any) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page = browser.new_page(viewport={"width": 1000, "height": 800})
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self._hear(said))
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            self.outside.append(url)

    def _hear(self, said: Any) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def go(self, path: Path, place: str = "") -> None:
        self.page.goto("about:blank")
        self.page.goto(path.as_uri() + place)
        self.page.wait_for_function("Page.view.zoom() > 0")

    def move(self, x: float, y: float, zoom: float) -> None:
        self.page.evaluate(f"Page.view.go({x}, {y}, {zoom}, true)")

    def shown(self) -> NDArray[np.int64]:
        """Return the screen when it is at rest, without what lies over the sky."""
        style = "header, nav, footer, #map { visibility: hidden !important }"
        before = None
        for _ in range(40):
            self.page.wait_for_timeout(60)
            now = self.page.screenshot(style=style)
            if now == before:
                break
            before = now
        return np.asarray(Image.open(io.BytesIO(now)).convert("RGB")).astype(np.int64)

    def card(self) -> str:
        self.page.wait_for_selector("#card:not([hidden])")
        return str(self.page.inner_text("#card"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    opened = Opened(browser)
    yield opened
    opened.page.close()
    assert opened.outside == []
    assert opened.errors == []


@browser_needed
@viewer_needed
def test_the_field_is_continuous_at_every_zoom(view: Path, opened: Opened) -> None:
    opened.go(write_viewer(view))
    # Pixel for pixel at 1:1, across the edges of tiles, wherever between pixels the middle is.
    for x, y in ((520, 540), (512.3, 555.6)):
        opened.move(x, y, 1)
        screen = opened.shown()
        left, top = opened.page.evaluate("Page.view.toView(0, 0)")
        steps = [round(left) + step for step in (-1, 0, 1)]
        pixels = picture().astype(np.int64)
        differences = [
            np.abs(screen[:700, 20:700] - pixels[y0 : y0 + 700, x0 + 20 : x0 + 700]).max()
            for x0 in steps
            for y0 in (round(top) + step for step in (-1, 0, 1))
            if x0 >= -20 and y0 >= 0
        ]
        assert min(differences) == 0
    # No seam in what is even.
    for zoom in (0.71, 1.37, 2.9, 7.3):
        opened.move(1300.4, 800.7, zoom)
        screen = opened.shown()
        left, top = opened.page.evaluate("Page.view.toView(0, 0)")
        x, y = left + np.arange(1000) / zoom, top + np.arange(800) / zoom
        inside = np.ix_((y > 520) & (y < HEIGHT - 8), (x > 760) & (x < WIDTH - 8))
        assert screen[inside].size > 20_000
        assert set(np.unique(screen[inside])) == {90}


@browser_needed
@viewer_needed
def test_a_click_tells_where_a_galaxy_comes_from(view: Path, opened: Opened) -> None:
    opened.go(write_viewer(view))
    assert "Made by Parhelion: not a real sky" in opened.page.inner_text("#note")
    assert opened.page.inner_text("h1") == "A sky like the a <field> & more"
    opened.move(1150, 520, 2)
    white = np.argwhere((opened.shown() == 255).all(axis=-1))
    y, x = white.mean(axis=0)
    opened.page.mouse.click(x + 0.5, y + 0.5)
    card = opened.card()
    assert opened.page.evaluate("Page.chosen.id") == 0
    for text in (
        "Drawn by model net-1, seed 77 (GAN)",
        "1,100.5, 500.5",
        "12,346",
        "</script><b>round",
        "mirrored, turned 28.6°, × 0.25",
        "parhelion region 'a sky' --x 1053 --y 453 --width 96 --height 96",
    ):
        assert text in card
    # The other one is an ellipse at 45 degrees towards +y: a click on its far end is a hit, one
    # as far away across it is not.
    opened.move(320, 220, 1)
    along, across = opened.page.evaluate(
        "[Page.view.toScreen(338, 238), Page.view.toScreen(338, 162)]"
    )
    opened.page.mouse.click(*along)
    opened.page.wait_for_function("Page.chosen && Page.chosen.id == 1")
    assert "Observed: EFIGI, plate 7" in opened.card()
    opened.page.wait_for_timeout(400)  # two clicks close to each other are a double click
    opened.page.mouse.click(*across)
    opened.page.wait_for_function("Page.chosen === null")
    assert opened.page.is_hidden("#card")


@browser_needed
@viewer_needed
def test_keys_search_and_address(
    view: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_viewer_truth, "_ONE_FILE", 1)
    monkeypatch.setattr(_viewer_truth, "_PER_CELL", 1)
    page = write_viewer(view)
    assert len(list((view / "viewer").glob("truth-*-*.js"))) == 3
    opened.go(page)
    keys = opened.page.keyboard
    keys.press("1")
    opened.page.wait_for_function("Math.abs(Page.view.zoom() - 1) < 1e-6")
    keys.press("+")
    opened.page.wait_for_function("Math.abs(Page.view.zoom() - 1.6) < 1e-3")
    keys.press("b")
    assert opened.page.evaluate("document.getElementById('sky').style.filter") == "brightness(2)"
    keys.press("b")
    keys.press("b")
    assert opened.page.evaluate("document.getElementById('sky').style.filter") == ""
    keys.press("/")
    keys.type("#2")
    keys.press("Enter")
    assert "Star 2" in opened.card()
    keys.press("Escape")
    keys.press("Escape")
    opened.page.wait_for_selector("#card", state="hidden")
    keys.press("Enter")
    assert "Star 2" in opened.card()
    opened.page.wait_for_function("location.hash.endsWith(',2')")
    place = opened.page.evaluate("location.hash")
    opened.page.fill("#query", "12345")
    opened.page.press("#query", "Enter")
    opened.page.wait_for_function("document.getElementById('answer').textContent != ''")
    assert opened.page.inner_text("#answer") == "No object 12345 of 3."
    opened.go(page, place)
    assert "Star 2" in opened.card()
    opened.go(page, "#1100.5,500.5,3")
    middle = opened.page.evaluate("Page.view.toView(500, 400)")
    np.testing.assert_allclose(middle, [1100.5, 500.5], atol=0.01)
    # Ellipses are drawn where the truth table says, three semi-axes out.
    opened.page.click("#ellipses")
    opened.page.wait_for_timeout(200)
    amber = opened.page.evaluate(
        "(() => { const c = document.getElementById('marks').getContext('2d');"
        " const at = (x, y) => c.getImageData(x, y, 1, 1).data[3];"
        " return [at(500 + 54, 400), at(500, 400 + 54), at(500 + 30, 400)] })()"
    )
    assert min(amber[:2]) > 60
    assert amber[2] == 0


@browser_needed
@viewer_needed
def test_coordinates_are_astropys(view: Path, opened: Opened) -> None:
    opened.go(write_viewer(view))
    wcs = WCS(fits.Header(list(CARDS.items())))
    places = [[0, 0], [1499, 0], [0, 1099], [1499, 1099], [700, 511], [-3000.5, 9000.25]]
    plan = json.dumps(_viewer._coordinates(CARDS)["wcs"])
    ours = np.array(
        opened.page.evaluate(f"p => p.map(([x, y]) => Coordinates.toSky({plan}, x, y))", places)
    )
    theirs = wcs.wcs_pix2world(np.array(places), 0)
    assert ours[:, 0].min() < 1
    assert ours[:, 0].max() > 359
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    back = opened.page.evaluate(
        f"p => p.map(([r, d]) => Coordinates.toPixel({plan}, r, d))", theirs.tolist()
    )
    np.testing.assert_allclose(back, places, rtol=0, atol=1e-6)
    # As text: rounding never shows 60, and what is written can be typed in again.
    for ra, dec in [*theirs.tolist(), (359.9999999, -0.00001), (14.99999999, 59.99999999)]:
        said = opened.page.evaluate(f"Coordinates.skyText([{ra}, {dec}], 0.1)")
        coordinate = SkyCoord(ra, dec, unit="deg")
        style = {"precision": 2, "pad": True}
        hours = coordinate.ra.to_string(unit="hour", sep=("h ", "m ", "s"), **style)
        assert said[0] == hours.replace("24h 00m", "00h 00m")
        style = {"precision": 1, "pad": True, "alwayssign": True}
        degrees = coordinate.dec.to_string(unit="deg", sep=("° ", "′ ", "″"), **style)
        assert said[1] == degrees.replace("-", "−")
        read = opened.page.evaluate(f"Coordinates.parseSky({json.dumps(' '.join(said))})")
        apart = SkyCoord(*read, unit="deg").separation(coordinate).arcsec
        assert apart < 0.15
    assert opened.page.evaluate("Coordinates.parseSky('galaxy')") is None
    bars = opened.page.evaluate(
        "[[100, 0.1], [700, 0.1], [4000, 0.1], [90, null], [0.3, null], [3, 0.001]]"
        ".map(([most, step]) => Coordinates.scaleBar(most, step))"
    )
    assert [bar["text"] for bar in bars] == ["10″", "1′", "5′", "50 px", "0.2 px", "0.002″"]
    assert [bar["pixels"] for bar in bars[:3]] == pytest.approx([100, 600, 3000])


@browser_needed
def test_without_the_viewer_there_is_a_reduced_image(
    view: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_viewer, "_vendor", lambda: None)
    opened.go(write_viewer(view))
    assert not (view / "viewer/openseadragon.min.js").exists()
    assert "built without npm" in opened.page.inner_text("#title")
    assert opened.page.is_disabled("#zoom-in")
    y, x = np.argwhere((opened.shown() > 240).all(axis=-1) & _right_half()).mean(axis=0)
    opened.page.mouse.click(x + 0.5, y + 0.5)
    assert "Drawn by model net-1, seed 77" in opened.card()


@browser_needed
def test_a_view_without_tiles_has_a_page_too(view: Path, opened: Opened) -> None:
    describe(view, made=False, wcs=None)
    opened.go(write_viewer(view))
    assert "no deep-zoom tiles" in opened.page.inner_text("#title")
    assert "Composed by Parhelion from observed images" in opened.page.inner_text("#note")
    opened.page.keyboard.press("Enter")
    assert "RA, Dec" not in opened.card()
    assert opened.page.inner_text("#scale-text") == "200 px"


def _right_half() -> NDArray[np.bool_]:
    half: NDArray[np.bool_] = np.broadcast_to(np.arange(1000) > 510, (800, 1000))
    return half
