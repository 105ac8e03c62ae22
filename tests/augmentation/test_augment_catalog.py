import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parhelion.augmentation import AugmentSettings, augment
from parhelion.augmentation._standard import apply_change
from parhelion.catalog import Catalog, IngestSettings, decode, ingest, write_catalog
from parhelion.cli import main
from parhelion.errors import CatalogError


def test_six_of_each_training_image_and_none_of_the_others(parts: Catalog, tmp_path: Path) -> None:
    more = augment(parts, tmp_path / "more")
    parents = {item["image_id"]: item for item in parts.rows()}
    assert len(more) == 6 * 16
    for item in more.rows():
        parent = parents[item["parent_id"]]
        assert parent["split"] == item["split"] == "train"
        assert (item["origin"], item["group_id"], item["label"]) == (
            "augmented",
            parent["group_id"],
            parent["label"],
        )


def test_a_recipe_makes_its_image_again(parts: Catalog, tmp_path: Path) -> None:
    more = augment(parts, tmp_path / "more", AugmentSettings(together=True))
    for item, path in list(zip(more.rows(), more.files(), strict=True))[:4]:
        (parent,) = (
            p
            for r, p in zip(parts.rows(), parts.files(), strict=True)
            if r["image_id"] == item["parent_id"]
        )
        pixels = decode(parent)[0].pixels
        for change in json.loads(item["recipe"])["changes"]:
            pixels = apply_change(pixels, change)
        np.testing.assert_array_equal(pixels, decode(path)[0].pixels)


def test_threads_and_an_interruption_change_nothing(parts: Catalog, tmp_path: Path) -> None:
    settings = AugmentSettings(changes=("rotation", "color"), copies=2)
    whole = augment(parts, tmp_path / "whole", replace(settings, workers=1))
    bytes_of = {path.name: path.read_bytes() for path in whole.files()}
    (whole.root / "catalog.parquet").unlink()
    whole.files()[3].unlink()
    again = augment(parts, whole.root, replace(settings, workers=3))
    assert again.rows() == whole.rows()
    assert {path.name: path.read_bytes() for path in again.files()} == bytes_of
    with pytest.raises(CatalogError, match="already holds a catalog"):
        augment(parts, whole.root, settings)


def test_rows_of_the_same_pixels_have_files_of_their_own(parts: Catalog, tmp_path: Path) -> None:
    rows = parts.rows()[:2]
    rows[1] |= {"image_id": rows[0]["image_id"], "group_id": rows[0]["group_id"]}
    rows[1]["label"] = "elsewhere"
    parts.files()[1].write_bytes(parts.files()[0].read_bytes())
    settings = AugmentSettings(changes=("flip", "blur"), copies=2)
    more = augment(write_catalog(parts.root, rows), tmp_path / "more", settings)
    assert more.column("label") == [rows[0]["label"]] * 4 + ["elsewhere"] * 4
    assert len({path.name for path in more.files() if path.is_file()}) == 8


def test_what_a_model_made_stays_made(parts: Catalog, tmp_path: Path) -> None:
    rows = parts.rows()[:2]
    rows[0] |= {"origin": "gan", "recipe": "{}"}
    settings = AugmentSettings(changes=("flip",), format="jpg")
    more = augment(write_catalog(parts.root, rows), tmp_path / "more", settings)
    again = ingest([more.root / "images"], tmp_path / "again", IngestSettings(workers=1))
    for found in (more, again):
        assert sorted(found.column("origin")) == ["augmented", "gan"]
        assert set(found.column("parent_id")) == {item["image_id"] for item in rows}


def test_what_cannot_be_read_is_listed_once(parts: Catalog, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    parts.files()[0].write_bytes(b"no picture")
    more = augment(parts, tmp_path / "more")
    assert len(more) == 6 * 15
    assert pq.read_table(more.root / "rejected.parquet").num_rows == 1


def test_the_verb(parts: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "more")
    command = ["augment", str(parts.root), "--changes", "flip", "--out", out, "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == {"catalog": out, "images": 16, "rejected": 0}
