"""What there is to take in: walking folders, naming things safely, labels from sub-folders."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_SUFFIXES = re.compile(r"(\.(fits?|fts|fz|gz|bz2))+$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=-]+")
_LONGEST = 80


class Found(NamedTuple):
    """One thing that a source holds.

    Attributes
    ----------
    source : str
        Its name as the catalog gives it: source and path inside.
    path : str
        Where it is, printable.
    file : str
        The same, for opening; in an archive, the name of the member.
    label : str or None
        Name of the sub-folder.
    reason : str or None
        Why it cannot be taken in, where that is known already.
    """

    source: str
    path: str
    file: str
    label: str | None = None
    reason: str | None = None


def walk(root: Path) -> Iterator[Found]:
    """Yield the files below folder `root`, in sorted order.

    Links to files are followed, links to folders are not, so that none can go round. Whatever
    is no regular file, and empty folders, come with the reason why they are not taken.
    """
    name = root.name or root.resolve().name
    yield from _walk(str(root), name, ())


def _walk(folder: str, source: str, inside: tuple[str, ...]) -> Iterator[Found]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        yield Found(printable(source), printable(folder), folder, reason=reason)
        return
    if not entries and inside:
        yield Found(printable(source), printable(folder), folder, reason="an empty folder")
    label = printable(inside[0]) if inside else None
    for entry in entries:
        name = f"{source}/{entry.name}"
        if entry.is_file(follow_symlinks=False):
            yield Found(printable(name), printable(entry.path), entry.path, label)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, name, (*inside, entry.name))
        else:
            why = _why_not(entry.path)
            yield Found(printable(name), printable(entry.path), entry.path, label, why)


def _why_not(path: str) -> str | None:
    """Return why something that is not plainly a file is not taken in; None if it can be."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return f"a link that leads nowhere: {(error.strerror or str(error)).lower()}"
    if stat.S_ISDIR(mode):
        return "a link to a folder is not followed; give the folder itself as a source"
    if stat.S_ISREG(mode):
        return None
    return "not a regular file"


def label_of(member: str, *, below: str | None) -> str | None:
    """Return the label of an archive's member: its first folder, below the common one."""
    parts = _folders(member)
    if below is not None and parts[:1] == [below]:
        parts = parts[1:]
    return parts[0] if parts else None


def common_folder(members: list[str]) -> str | None:
    """Return the folder that all members are in, unless it is itself the only label."""
    folders = [_folders(name) for name in members]
    first = {parts[0] if parts else None for parts in folders}
    if len(first) == 1 and None not in first and any(len(parts) > 1 for parts in folders):
        return first.pop()
    return None


def _folders(member: str) -> list[str]:
    parts = PurePosixPath(member.replace("\\", "/")).parts[:-1]
    return [part for part in parts if part not in ("/", ".", "..")]


def printable(name: str) -> str:
    """Return a file name as text that can be stored: bytes that are not UTF-8 as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace") if _odd(name) else name


def _odd(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False


def stem_of(name: str) -> str:
    """Return a file's name without folders and suffixes."""
    base = name.replace("\\", "/").rpartition("/")[2]
    shorter = _SUFFIXES.sub("", base)
    return shorter if shorter != base else os.path.splitext(base)[0]


def safe(name: str) -> str:
    """Return `name` as one part of a path that any file system takes; may be ambiguous."""
    return _UNSAFE.sub("_", name).lstrip(".-")[:_LONGEST].rstrip(".") or "_"


class Names:
    """Gives out stems that are unique within a folder, whatever the case and the suffix."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()
        self._next: dict[tuple[str, str], int] = {}

    def unique(self, folder: str, name: str) -> str:
        """Return a safe stem for `name`; ``~2`` and so on tell apart what would be equal."""
        stem = safe(name)
        key = folder, stem.casefold()
        if key not in self._taken:
            self._taken.add(key)
            return stem
        # `safe` leaves no tilde, so that a numbered stem meets no other.
        number = self._next.get(key, 2)
        self._next[key] = number + 1
        return f"{stem}~{number}"
