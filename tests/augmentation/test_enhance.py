import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from parhelion.augmentation import (
    EnhanceSettings,
    Upscaler,
    _enhance,
    enhance,
    enlarge,
    load_upscaler,
)
from parhelion.catalog import (
    Catalog,
    IngestSettings,
    decode,
    image_id,
    ingest,
    open_catalog,
    write_catalog,
)
from parhelion.cli import main
from parhelion.errors import CatalogError
from parhelion.provenance import read_mark, write_image, write_strips

_FP32 = EnhanceSettings(precision="fp32")


def test_rows_keep_label_group_and_split(parts: Catalog, upscaler: Path, tmp_path: Path) -> None:
    large = enhance(parts, tmp_path / "large", upscaler, _FP32)
    network = load_upscaler(upscaler, precision="fp32")
    for parent, item in zip(parts.rows(), large.rows(), strict=True):
        assert (item["width"], item["height"], item["origin"]) == (64, 64, "enhanced")
        assert item["parent_id"] == parent["image_id"]
        for name in ("label", "group_id", "split", "source"):
            assert item[name] == parent[name]
        recipe = json.loads(item["recipe"])
        assert recipe["model_id"] == network.model_id
        assert read_mark(large.root / item["path"]).recipe == recipe
        pixels = decode(large.root / item["path"])[0].pixels
        assert item["image_id"] == image_id(pixels)
    first = decode(parts.files()[0])[0].pixels
    np.testing.assert_array_equal(
        decode(large.files()[0])[0].pixels, enlarge(network, first, _FP32)
    )


def test_rows_of_the_same_pixels_have_files_of_their_own(
    parts: Catalog, upscaler: Path, tmp_path: Path
) -> None:
    rows = parts.rows()[:3]
    for item, path in zip(rows[1:], parts.files()[1:3], strict=True):
        item |= {"image_id": rows[0]["image_id"], "group_id": rows[0]["group_id"]}
        path.write_bytes(parts.files()[0].read_bytes())
    for number, item in enumerate(rows):
        item["label"] = str(number)
    large = enhance(write_catalog(parts.root, rows), tmp_path / "large", upscaler, _FP32)
    assert large.column("label") == ["0", "1", "2"]
    assert len({path.name for path in large.files() if path.is_file()}) == 3
    assert len({path.read_bytes() for path in large.files()}) == 1


def test_overwriting_removes_what_the_old_catalog_named(
    parts: Catalog, upscaler: Path, tmp_path: Path
) -> None:
    out = tmp_path / "large"
    old = enhance(parts, out, upscaler, _FP32)
    (out / "images" / "mine.txt").write_text("in no catalog")
    some = write_catalog(parts.root, parts.rows()[:2])
    with pytest.raises(CatalogError, match="already holds a catalog"):
        enhance(some, out, upscaler, _FP32)
    assert all(path.is_file() for path in old.files())
    new = enhance(some, out, upscaler, replace(_FP32, overwrite=True, format="tiff"))
    assert {path.suffix for path in new.files()} == {".tiff"}
    left = {path.name for path in (out / "images").iterdir()}
    assert left == {"mine.txt", *(path.name for path in new.files())}
    assert open_catalog(out).rows() == new.rows()


@pytest.mark.parametrize("side", [1, 1000])
def test_any_number_of_cores_gives_the_same_bytes(
    side: int, parts: Catalog, upscaler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several images at once, or several tiles of one."""
    monkeypatch.setattr(_enhance, "_SMALL", side**2)
    settings = EnhanceSettings(tile=16, overlap=8)
    found = []
    for count in (1, 3):
        monkeypatch.setattr(_enhance, "cores", lambda count=count: count)
        large = enhance(parts, tmp_path / str(count), upscaler, settings)
        found.append((large.rows(), [path.read_bytes() for path in large.files()]))
    assert found[0] == found[1]


def test_what_a_model_made_stays_made(parts: Catalog, upscaler: Path, tmp_path: Path) -> None:
    rows = parts.rows()[:2]
    rows[0] |= {"origin": "gan", "recipe": "{}"}
    large = enhance(write_catalog(parts.root, rows), tmp_path / "large", upscaler, _FP32)
    assert large.column("origin") == ["gan", "enhanced"]
    assert [read_mark(path).made for path in large.files()] == [True, False]
    # The files alone tell it, too.
    again = ingest([large.root / "images"], tmp_path / "again", IngestSettings(workers=1))
    assert sorted(again.column("origin")) == ["enhanced", "gan"]
    assert sorted(again.column("parent_id")) == sorted(large.column("parent_id"))


@pytest.mark.parametrize("limit", [None, 100])
def test_an_interrupted_call_goes_on(
    limit: int | None,
    parts: Catalog,
    upscaler: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also with pictures that are larger than Pillow opens."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    out = tmp_path / "large"
    whole = enhance(parts, out, upscaler, _FP32)
    before = [path.read_bytes() for path in whole.files()]
    # As after a kill: no table, one picture missing, one cut off, one that was being written.
    (out / "catalog.parquet").unlink()
    first, second, *others = whole.files()
    first.unlink()
    second.write_bytes(second.read_bytes()[:200])
    (out / "images" / ".part-x.png").write_bytes(b"")
    times = [path.stat().st_mtime_ns for path in others]
    again = enhance(parts, out, upscaler, _FP32)
    assert again.rows() == whole.rows()
    assert [path.read_bytes() for path in again.files()] == before
    assert [path.stat().st_mtime_ns for path in others] == times
    assert not list((out / "images").glob(".part-*"))


def test_ctrl_c_does_not_wait_for_the_image(
    parts: Catalog, upscaler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (160, 160, 3), dtype=np.uint8)
    write_image(parts.files()[0], pixels, recipe={}, made=False)
    rows = parts.rows()[:1]
    rows[0] |= {"width": 160, "height": 160}
    catalog, tiles = write_catalog(parts.root, rows), []

    def enlarged(_: Upscaler, given: NDArray[np.uint8]) -> NDArray[np.float32]:
        tiles.append(given.shape)
        if len(tiles) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # for the main thread to take notice
        return given.repeat(2, 1).repeat(2, 2).astype(np.float32)

    monkeypatch.setattr(Upscaler, "enlarge", enlarged)
    monkeypatch.setattr(_enhance, "cores", lambda: 1)
    settings = EnhanceSettings(tile=16, overlap=0)
    with pytest.raises(KeyboardInterrupt):
        enhance(catalog, tmp_path / "large", upscaler, settings)
    assert len(tiles) < 20
    assert not (tmp_path / "large" / "catalog.parquet").exists()
    assert not list((tmp_path / "large" / "images").iterdir())
    assert len(enhance(catalog, tmp_path / "large", upscaler, settings)) == 1
    assert len(tiles) > 100


def test_ctrl_c_is_heard_where_all_is_there_already(
    parts: Catalog, upscaler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, seen = enhance(parts, tmp_path / "large", upscaler, _FP32), []
    (whole.root / "catalog.parquet").unlink()

    def carries(file: Path, recipe: Any) -> bool:
        seen.append(file)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        return True

    monkeypatch.setattr(_enhance, "carries", carries)
    monkeypatch.setattr(_enhance, "cores", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        enhance(parts, whole.root, upscaler, _FP32)
    assert len(seen) < 10


def test_what_cannot_be_read_is_named(parts: Catalog, upscaler: Path, tmp_path: Path) -> None:
    parts.files()[3].write_bytes(b"no picture")
    large = enhance(parts, tmp_path / "large", upscaler, _FP32)
    assert len(large) == len(parts) - 1
    for path in parts.files():
        path.write_bytes(b"no picture")
    with pytest.raises(CatalogError, match="no image of .* could be enlarged"):
        enhance(parts, tmp_path / "none", upscaler, _FP32)


def test_a_damaged_tile_costs_one_image(parts: Catalog, upscaler: Path, tmp_path: Path) -> None:
    path = parts.root / "tiled.tiff"
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    write_strips(path, [pixels], height=40, width=40, channels=3, recipe={}, made=False)
    with tifffile.TiffFile(path) as tiff:
        begin = tiff.pages[0].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[begin : begin + 40] = b"\0" * 40
    path.write_bytes(data)
    rows = parts.rows()[:2]
    rows[0] |= {"path": "tiled.tiff", "width": 40, "height": 40, "format": "TIFF"}
    large = enhance(write_catalog(parts.root, rows), tmp_path / "large", upscaler, _FP32)
    assert large.column("parent_id") == [rows[1]["image_id"]]
    (lost,) = pq.read_table(large.root / "rejected.parquet").to_pylist()
    assert "tile 0 is damaged" in lost["reason"]
    assert not list((large.root / "images").glob(".part-*"))


def test_the_verb(
    parts: Catalog, upscaler: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "large"
    command = ["enhance", str(parts.root), "--model", str(upscaler), "--out", str(out), "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["images"] == len(open_catalog(out))
    assert main(command) == 2
    assert "already holds a catalog" in capsys.readouterr().err
