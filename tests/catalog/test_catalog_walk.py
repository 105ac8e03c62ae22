"""Finding and naming what there is to take in."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parhelion.catalog._walk import (
    Names,
    common_folder,
    label_of,
    printable,
    safe,
    stem_of,
    walk,
)


def test_files_are_sorted_and_labeled_by_the_first_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("b/x.jpg", "b/deep/y.jpg", "a/z.jpg", "top.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = [(item.source, item.label, item.reason) for item in walk(root)]
    assert found == [
        ("root/a/z.jpg", "a", None),
        ("root/b/deep/y.jpg", "b", None),
        ("root/b/x.jpg", "b", None),
        ("root/top.jpg", None, None),
    ]


def test_links_cannot_go_round(tmp_path: Path) -> None:
    (tmp_path / "picture.jpg").touch()
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "file").symlink_to("picture.jpg")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "empty.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe")
    reasons = {Path(item.path).name: item.reason for item in walk(tmp_path)}
    assert reasons["picture.jpg"] is None
    assert reasons["file"] is None
    assert "link to a folder" in (reasons["again"] or "")
    assert "leads nowhere" in (reasons["self"] or "")
    assert "leads nowhere" in (reasons["gone"] or "")
    assert reasons["empty.jpg"] == "an empty folder"
    assert reasons["pipe"] == "not a regular file"


def test_names_that_are_not_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    try:
        Path(os.fsdecode(path)).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (item,) = walk(tmp_path)
    assert item.source.endswith(r"caf\xe9.jpg")
    assert os.path.exists(item.file)


@given(st.text(max_size=200))
def test_safe_names_are_safe(name: str) -> None:
    stem = safe(name)
    assert 1 <= len(stem) <= 80
    assert stem.isascii()
    assert not set(stem) & set("/\\~\n\0 ")
    assert stem not in (".", "..")
    assert not stem.startswith((".", "-"))


@given(st.lists(st.text(alphabet="aA.~ ", max_size=4), max_size=30))
def test_stems_are_unique_whatever_the_case(names: list[str]) -> None:
    given_out = Names()
    stems = [given_out.unique("folder", name).casefold() for name in names]
    assert len(set(stems)) == len(stems)


def test_stems_repeat_in_other_folders() -> None:
    names = Names()
    given_out = [names.unique(*item) for item in (("a", "x"), ("b", "x"), ("a", "X"), ("a", "x"))]
    assert given_out == ["x", "x", "X~2", "x~3"]
    assert names.unique("a", "y") == "y"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("folder/m51.fits.bz2", "m51"),
        ("m51.FIT", "m51"),
        ("a.b.jpg", "a.b"),
        ("noise", "noise"),
        ("win\\dows.png", "dows"),
    ],
)
def test_stems(name: str, stem: str) -> None:
    assert stem_of(name) == stem


@pytest.mark.parametrize(
    ("members", "labels"),
    [
        (["a/x.jpg", "b/y.jpg"], ["a", "b"]),
        (["top/a/x.jpg", "top/b/y.jpg"], ["a", "b"]),
        (["top/a/x.jpg", "top/readme.txt"], ["a", None]),
        (["only/x.jpg", "only/y.jpg"], ["only", "only"]),
        (["x.jpg"], [None]),
        (["../../x.jpg", "/a/y.jpg"], [None, "a"]),
        (["./top/a/x.jpg", "./top/b/y.jpg"], ["a", "b"]),
    ],
)
def test_labels_in_archives(members: list[str], labels: list[str | None]) -> None:
    below = common_folder(members)
    assert [label_of(name, below=below) for name in members] == labels


def test_printable_keeps_text() -> None:
    assert printable("line\nbreak é 🌌") == "line\nbreak é 🌌"
    assert printable("caf\udce9") == r"caf\xe9"
