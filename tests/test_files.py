"""Atomic writes leave the old file or the new one, never a part."""

import errno
import os
from pathlib import Path

import pytest

from parhelion._files import atomic_path, link_or_copy, write_json, write_text


def test_the_new_file_takes_the_old_one_s_place(tmp_path: Path) -> None:
    path = tmp_path / "a" / "note.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["note.txt"]


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="midway"), atomic_path(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError("midway")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["note.txt"]


def test_json_is_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"path": tmp_path, "n": 1})
    assert '"n": 1' in (tmp_path / "x.json").read_text()


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_second_name_leaves_the_mode_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, usual = tmp_path / "private.png", tmp_path / "usual.png"
    write_text(source, "mine")
    usual.write_text("as any program writes it")
    assert _mode(source) == _mode(usual)
    source.chmod(0o600)
    link_or_copy(source, tmp_path / "fit" / "a.png")
    assert (tmp_path / "fit" / "a.png").samefile(source)
    assert _mode(source) == 0o600

    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", no_link)
    link_or_copy(source, tmp_path / "fit" / "b.png")
    copy = tmp_path / "fit" / "b.png"
    assert not copy.samefile(source)
    assert copy.read_text() == "mine"
    assert _mode(source) == 0o600
    assert _mode(copy) == _mode(usual)
