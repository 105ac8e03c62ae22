"""The classifier's data: who takes part, and in which order."""

import dataclasses
import json
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from parhelion.catalog import Catalog, write_catalog
from parhelion.classification import ClassifierSettings
from parhelion.classification._classes import class_names, load_classes
from parhelion.classification._data import (
    gather,
    pixel_batches,
    training_batches,
)
from parhelion.errors import CatalogError, InputError
from parhelion.training import PixelStore

CLASSES = {"round": "smooth", "flat": "smooth", "patchy": "irregular"}
NAMES = ["smooth", "irregular"]


def test_made_images_train_but_do_not_judge(labeled: Catalog, tmp_path: Path) -> None:
    rows = [{**r, "origin": "gan", "recipe": json.dumps({"seed": 1})} for r in labeled.rows()]
    samples, left_out = gather([write_catalog(tmp_path, rows)], CLASSES, NAMES)
    assert Counter(s.split for s in samples) == {"train": 72}
    assert left_out == {"(not observed)": 48, "odd": 40}


def test_a_group_in_two_parts_and_a_catalog_given_twice_are_refused(
    labeled: Catalog, tmp_path: Path
) -> None:
    rows = labeled.rows()
    other = {**rows[0], "split": "test"}
    moved = write_catalog(tmp_path, [other])
    with pytest.raises(CatalogError, match="spans two splits across the catalogs"):
        gather([labeled, moved], CLASSES, NAMES)
    with pytest.raises(CatalogError, match="is given twice"):
        gather([labeled, labeled], CLASSES, NAMES)


@pytest.mark.parametrize("balance", ["sampling", "weights"])
def test_a_batch_is_a_function_of_its_place(
    balance: str, labeled: Catalog, settings: ClassifierSettings
) -> None:
    settings = dataclasses.replace(settings, balance=balance)
    train = [s for s in gather([labeled], CLASSES, NAMES)[0] if s.split == "train"]
    store = PixelStore(32, 1)

    def take(start: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        batches = training_batches(train, 2, store, settings, start)
        taken = list(islice(batches, count))
        batches.close()
        return taken

    whole, rest = take(0, 9), take(5 * 16, 4)
    for (pixels, targets), (others, wanted) in zip(whole[5:], rest, strict=True):
        assert np.array_equal(pixels, others)
        assert np.array_equal(targets, wanted)
    shown = Counter(np.concatenate([targets for _, targets in whole]).tolist())
    # Two smooth for each irregular, as they are in two passes; or by turns.
    assert shown == ({0: 72, 1: 72} if balance == "sampling" else {0: 96, 1: 48})


def test_what_does_not_fit_into_memory_is_decoded_again(labeled: Catalog) -> None:
    samples, _ = gather([labeled], CLASSES, NAMES)
    with_room, without = PixelStore(32, 8), PixelStore(32, 0)
    one, other = (
        np.concatenate(list(pixel_batches(samples, store, 50, 2))) for store in (with_room, without)
    )
    assert one.shape == (120, 32, 32, 3)
    assert np.array_equal(one, other)
    assert with_room.load(samples[0].path) is with_room.load(samples[0].path)
    assert without.load(samples[0].path) is not without.load(samples[0].path)


def test_the_mapping_that_ships_has_three_classes() -> None:
    classes = load_classes("galaxy-types")
    assert class_names(classes) == ["spiral", "elliptical", "irregular"]
    assert classes["edge_view_spiral"] == "spiral"
    assert "lenticular" not in classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = = 1", "not valid TOML"),
        ("[labels]\na = 'b'", r"has no table \[classes\]"),
        ("[classes]\na = 'b'\nc = 1", r"the class of 'c' \(=1\) must be a name"),
        ("[classes]\na = 'b'\nc = 'b'", "has 1 class; a classifier needs two"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "classes.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_classes(str(path))


def test_enlarged_images_are_judged_where_that_is_asked(labeled: Catalog) -> None:
    rows = [
        item
        if item["split"] == "train"
        else item | {"origin": "enhanced", "recipe": "{}", "parent_id": item["image_id"]}
        for item in labeled.rows()
    ]
    table = pa.Table.from_pylist(rows, schema=labeled.table.schema)
    classes = {name: name for name in ("round", "flat", "patchy", "odd")}
    labels = sorted(classes)
    large = Catalog(labeled.root, table)
    samples, left_out = gather([large], classes, labels, "enhanced")
    assert (len(samples), left_out) == (160, {})
    samples, left_out = gather([large], classes, labels)
    assert (len(samples), left_out) == (96, {"(not observed)": 64})
