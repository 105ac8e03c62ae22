"""Split: no group in two parts, every label in all, shares as asked, the seed decides."""

from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parhelion.catalog import Catalog, SplitSettings, open_catalog, row, split, write_catalog
from parhelion.catalog._split import _draw
from parhelion.catalog._words import SPLITS
from parhelion.errors import CatalogError, InputError, SettingsError


def catalog(root: Path, groups: dict[str, tuple[str | None, int]]) -> Path:
    """A table whose groups have a label and a number of images each; there are no files."""
    rows = [
        row(
            image_id=f"{group}-{index}",
            path=f"images/{group}-{index}.png",
            width=4,
            height=4,
            format="PNG",
            group_id=group,
            label=label,
        )
        for group, (label, count) in groups.items()
        for index in range(count)
    ]
    write_catalog(root, rows, rejected=[{"source": "a", "path": "b", "reason": "c"}])
    return root


def singles(count: int, label: str | None, start: int = 0) -> dict[str, tuple[str | None, int]]:
    return {f"g{start + index:04d}": (label, 1) for index in range(count)}


def parts(found: Catalog) -> Counter[str]:
    return Counter(found.column("split"))


def test_shares_are_as_asked(tmp_path: Path) -> None:
    (found,) = split(catalog(tmp_path, singles(100, None)))
    assert parts(found) == {"train": 70, "validation": 15, "test": 15}
    assert open_catalog(tmp_path).table.equals(found.table)
    assert pq.read_table(tmp_path / "rejected.parquet").num_rows == 1
    assert (tmp_path / "split.json").is_file()


def test_each_label_is_spread_alike(tmp_path: Path) -> None:
    groups = {**singles(60, "a"), **singles(20, "b", 100), **singles(5, "c", 200)}
    (found,) = split(catalog(tmp_path, groups))
    counts = Counter(zip(found.column("label"), found.column("split"), strict=True))
    assert [counts["a", part] for part in SPLITS] == [42, 9, 9]
    assert [counts["b", part] for part in SPLITS] == [14, 3, 3]
    assert min(counts["c", part] for part in SPLITS) == 1


def test_the_seed_decides(tmp_path: Path) -> None:
    root = catalog(tmp_path, singles(60, "a"))
    first = split(root)[0].column("split")
    assert split(root)[0].column("split") == first
    assert split(root, SplitSettings(seed=1))[0].column("split") != first


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    groups = {**singles(30, "a"), "big": ("a", 6), **singles(10, "b", 50)}
    (one,) = split(catalog(tmp_path / "one", groups))
    (two,) = split(catalog(tmp_path / "two", dict(reversed(groups.items()))))
    by_id = [dict(zip(c.column("image_id"), c.column("split"), strict=True)) for c in (one, two)]
    assert by_id[0] == by_id[1]


def test_groups_hold_across_catalogs(tmp_path: Path) -> None:
    real = catalog(tmp_path / "real", {f"g{i}": ("a", 1 + i % 3) for i in range(40)})
    made = catalog(tmp_path / "made", {f"g{i}": (None, 2) for i in range(0, 60, 2)})
    found = split([real, made])
    sides = defaultdict(set)
    for one in found:
        for group, part in zip(one.column("group_id"), one.column("split"), strict=True):
            sides[group].add(part)
    assert all(len(side) == 1 for side in sides.values())
    assert all(set(parts(one)) == set(SPLITS) for one in found)
    assert [one.root for one in found] == [real, made]


def test_images_with_a_counterpart_come_into_every_part(tmp_path: Path) -> None:
    real = catalog(tmp_path / "real", singles(400, "a"))
    made = catalog(tmp_path / "made", singles(60, None, start=100))
    _, found = split([real, made], SplitSettings(train=0.8, validation=0.1, test=0.1))
    assert parts(found) == {"train": 48, "validation": 6, "test": 6}


def test_a_catalog_named_twice_is_one(tmp_path: Path) -> None:
    root = catalog(tmp_path, singles(10, "a"))
    assert len(split([root, root])) == 1


def test_a_part_without_a_share_stays_empty(tmp_path: Path) -> None:
    root = catalog(tmp_path, singles(20, "a"))
    (found,) = split(root, SplitSettings(train=0.8, validation=0.0, test=0.2))
    assert parts(found) == {"train": 16, "test": 4}


def test_many_small_labels_come_out_even(tmp_path: Path) -> None:
    groups = {f"g{i:03d}": (f"label{i:03d}", 1) for i in range(100)}
    (found,) = split(catalog(tmp_path, groups))
    assert abs(parts(found)["train"] - 70) <= 3
    assert min(parts(found).values()) >= 12


def test_a_group_of_two_labels_goes_with_most_of_it(tmp_path: Path) -> None:
    rows = [
        row(
            image_id=str(index),
            path=f"images/{index}.png",
            width=1,
            height=1,
            format="PNG",
            group_id="same",
            label=label,
        )
        for index, label in enumerate(["b", "b", "a", None])
    ]
    write_catalog(tmp_path, rows, rejected=[])
    (found,) = split(tmp_path)
    assert len(set(found.column("split"))) == 1


@given(
    st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=25), min_size=1, max_size=5),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_shares_are_as_near_as_groups_allow(strata: list[list[int]], seed: int) -> None:
    named = [[(f"{s}-{g}", size) for g, size in enumerate(sizes)] for s, sizes in enumerate(strata)]
    chosen = SplitSettings(seed=seed)
    part_of = _draw(named, chosen)
    for groups in named:
        total = sum(size for _, size in groups)
        largest = max(size for _, size in groups)
        held = Counter[str]()
        for name, size in groups:
            held[part_of[name]] += size
        if len(groups) >= 3:
            assert all(held[part] for part in SPLITS)
        for part in SPLITS:
            # Never further off than one group, one that filled an empty part, and rounding.
            assert abs(held[part] - getattr(chosen, part) * total) <= 2 * largest + 1


def test_what_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no catalog given"):
        split([])
    with pytest.raises(CatalogError, match="not a catalog"):
        split(tmp_path)
    with pytest.raises(SettingsError, match=r"--train \(=0.9\) must make 1"):
        SplitSettings(train=0.9)
    with pytest.raises(SettingsError, match=r"--test \(=-0.1\)"):
        SplitSettings(train=1.0, validation=0.1, test=-0.1)
