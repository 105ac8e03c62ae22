"""Tests out of the domain: their names, their labels, and that none has an image of the data."""

from pathlib import Path

import pytest

from parhelion.catalog import Catalog, row, write_catalog
from parhelion.errors import InputError
from parhelion.experiments._elsewhere import check_unseen, labeled_tests, named


def _catalog(root: Path, count: int) -> Catalog:
    rows = [
        row(
            image_id=f"{root.name}-{number}",
            path=f"{number}.png",
            width=8,
            height=8,
            format="PNG",
            label=("galaxy", None)[number % 2],
        )
        for number in range(count)
    ]
    return write_catalog(root, rows, rejected=[])


def test_tests_elsewhere_have_short_names_unless_two_are_alike(tmp_path: Path) -> None:
    for name in ("a/real", "a/made", "b/real"):
        _catalog(tmp_path / name, 1)
    pair = [tmp_path / "a" / "real", tmp_path / "a" / "made"]
    assert list(named([pair, pair[1:]])) == ["real + made", "made"]
    alike = [pair[:1], [tmp_path / "b" / "real"]]
    assert list(named(alike)) == [str(roots[0]) for roots in alike]
    with pytest.raises(InputError, match="twice"):
        named([pair, pair])


def test_a_test_with_images_of_the_data_is_none(tmp_path: Path) -> None:
    data, other = _catalog(tmp_path / "data", 4), _catalog(tmp_path / "other", 4)
    check_unseen("other", [other], [data])
    rows = other.rows()
    rows[2]["group_id"] = "data-1"  # as a reconstruction of an image there has it
    kin = write_catalog(other.root, rows)
    with pytest.raises(InputError, match=r"--elsewhere \(=other\) is no test .*: 1 images"):
        check_unseen("other", [kin], [data])


def test_a_class_is_given_or_the_labels_count(tmp_path: Path) -> None:
    zoo, space = _catalog(tmp_path / "zoo", 8), _catalog(tmp_path / "space", 700)
    found = labeled_tests([f"{zoo.root}=spiral", str(space.root)])
    assert list(found) == ["zoo", "space"]
    assert found["zoo"].column("label") == ["spiral"] * 8
    assert set(found["space"].column("label")) == {"galaxy"}
    assert len(found["space"]) == 300  # of the 350 that have a label
    assert set(found["zoo"].column("split")) == {"test"}


def test_a_test_must_have_a_label_and_a_name_of_its_own(tmp_path: Path) -> None:
    bare = write_catalog(
        tmp_path / "bare", [{**item, "label": None} for item in _catalog(tmp_path / "x", 4).rows()]
    )
    with pytest.raises(InputError, match="has no observed image with a label"):
        labeled_tests([str(bare.root)])
    with pytest.raises(InputError, match=r"names .*bare twice"):
        labeled_tests([f"{bare.root}=comet", f"{bare.root}=galaxy"])
    (tmp_path / "y").mkdir()
    alike = [str(_catalog(tmp_path / name, 4).root) for name in ("y/x", "x")]
    assert list(labeled_tests(alike)) == alike
