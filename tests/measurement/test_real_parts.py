"""Which real images are compared: splits, halves by group, what may be learned from."""

from pathlib import Path

import pytest

from parhelion.catalog import Catalog, row, write_catalog
from parhelion.errors import InputError
from parhelion.measurement._real_parts import group_numbers, real_parts


def catalog(root: Path, splits: list[str | None], groups: list[str]) -> Catalog:
    rows = [
        row(
            image_id=str(i),
            path=f"{i}.png",
            width=8,
            height=8,
            format="PNG",
            split=split,
            group_id=group,
        )
        for i, (split, group) in enumerate(zip(splits, groups, strict=True))
    ]
    return write_catalog(root, rows)


def test_the_train_split_is_compared_and_the_others_are_its_floor(tmp_path: Path) -> None:
    splits = ["test", "train", "validation", "train", None]
    parts = real_parts(catalog(tmp_path, splits, list("abcde")), None, 0)
    assert parts.reference.tolist() == parts.first.tolist() == [1, 3]
    assert parts.learned.tolist() == parts.known.tolist() == [1, 3]
    assert parts.second.tolist() == [0, 2]


def test_without_splits_halves_hold_whole_groups(tmp_path: Path) -> None:
    real = catalog(tmp_path, [None] * 12, list("aabbccddeeff"))
    parts = real_parts(real, None, 0)
    assert parts.reference.tolist() == parts.known.tolist() == list(range(12))
    assert sorted([*parts.first, *parts.second]) == list(range(12))
    assert len(parts.first) == len(parts.second) == 6
    groups = group_numbers(real)
    assert not set(groups[parts.first]) & set(groups[parts.second])
    assert parts.learned.tolist() == parts.first.tolist()
    halves = {tuple(real_parts(real, None, seed).first) for seed in range(8)}
    assert len(halves) > 1


def test_a_chosen_split_is_halved_and_nothing_is_learned_from_it(tmp_path: Path) -> None:
    splits = ["train"] * 4 + ["test"] * 6
    parts = real_parts(catalog(tmp_path, splits, list("abcdefghij")), "test", 0)
    assert parts.reference.tolist() == [4, 5, 6, 7, 8, 9]
    assert sorted([*parts.first, *parts.second]) == [4, 5, 6, 7, 8, 9]
    assert parts.learned.tolist() == parts.known.tolist() == [0, 1, 2, 3]
    # Where the train split itself is halved, only one half is learned from.
    again = real_parts(catalog(tmp_path, splits, list("abcdefghij")), "train", 0)
    assert again.learned.tolist() == again.first.tolist()


def test_a_split_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--split \(=test\)"):
        real_parts(catalog(tmp_path, ["train", None], ["a", "b"]), "test", 0)
