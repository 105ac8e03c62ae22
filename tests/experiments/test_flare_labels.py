"""What is looked at before the hours of FLARE's experiments."""

from pathlib import Path

import pytest

from parhelion.catalog import Catalog, row, write_catalog
from parhelion.errors import InputError
from parhelion.experiments._flare_labels import check_tests, label_sets, labeled_images


def _catalog(root: Path, labels: list[str | None], splits: list[str | None]) -> Catalog:
    rows = [
        row(
            image_id=f"{number}",
            path=f"{number}.png",
            width=8,
            height=8,
            format="PNG",
            label=label,
            split=split,
        )
        for number, (label, split) in enumerate(zip(labels, splits, strict=True))
    ]
    return write_catalog(root, rows)


_PARTS = ["train", "validation", "test"]


def test_images_without_a_label_are_left_out(tmp_path: Path) -> None:
    given = _catalog(tmp_path, ["comet"] * 3 + ["planet"] * 3 + [None], [*_PARTS, *_PARTS, None])
    assert len(labeled_images(given)) == 6


@pytest.mark.parametrize(
    ("labels", "splits", "message"),
    [
        ([None] * 3, _PARTS, "has no observed image with a label"),
        (["comet"] * 3, [None] * 3, "is not split"),
        (["comet"] * 3, _PARTS, "has one class, 'comet'"),
        (
            ["comet"] * 3 + ["planet"] * 2,
            [*_PARTS, *_PARTS[:2]],
            "no observed image of class 'planet' in the test part",
        ),
    ],
)
def test_what_cannot_end_well_is_not_begun(
    labels: list[str | None], splits: list[str | None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        labeled_images(_catalog(tmp_path, labels, splits))


def test_a_test_elsewhere_has_a_class_that_is_learned(tmp_path: Path) -> None:
    data = _catalog(tmp_path / "data", ["comet", "planet"], ["train", "train"])
    test = _catalog(tmp_path / "zoo", ["planet", "teapot"], ["test", "test"])
    check_tests({"zoo": test}, data)
    with pytest.raises(InputError, match=r"\(=zoo\) has images of teapot alone"):
        check_tests({"zoo": test.select(label="teapot")}, data)


def test_macro_classes_are_left_out_where_they_are_one(tmp_path: Path) -> None:
    both = _catalog(tmp_path / "both", ["comet", "galaxy"], ["train", "train"])
    assert label_sets(both) == ["fine", "macro"]
    one = _catalog(tmp_path / "one", ["comet", "planet"], ["train", "train"])
    assert label_sets(one) == ["fine"]
    none = _catalog(tmp_path / "none", ["spiral", "elliptical"], ["train", "train"])
    assert label_sets(none) == ["fine"]
