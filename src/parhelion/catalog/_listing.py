"""Everything that sources hold, as files to open, in order: folders, archives, catalogs, files."""

import tempfile
import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from parhelion.catalog._archive import Member, list_members, opens_as_archive, unpack
from parhelion.catalog._settings import DecodeSettings
from parhelion.catalog._table import CATALOG_FILE, open_catalog
from parhelion.catalog._walk import printable, walk
from parhelion.errors import InputError

# What may wait unpacked, in bytes: an archive of bombs must not fill the disk at once.
_SPOOLED = 1 << 28
_PASSED = "passed over"


class Entry(NamedTuple):
    """One file that a source holds.

    Attributes
    ----------
    path : str
        What it is called: its path; in an archive, the archive's and then the member's. Printable.
    holder : Path
        The file itself, or the archive that holds it.
    file : Path or None
        Where it can be opened; None where `reason` says why not, or where it was passed over.
    reason : str or None
        Why it cannot be opened.
    """

    path: str
    holder: Path
    file: Path | None
    reason: str | None


class Listing:
    """The files of sources, listed as they are asked for.

    Parameters
    ----------
    sources : sequence of Path
        Files; folders, with their sub-folders (links to folders are not followed); zip and tar
        archives; catalogs.
    pixel_limit : int
        Bounds how far a member of an archive may unpack: 8 bytes a pixel and 64 MiB.
    without : collection of Path
        Files to leave out, such as one that is being written.

    Raises
    ------
    InputError
        If there is no source, one does not exist or is an empty folder, or a catalog is damaged.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        *,
        pixel_limit: int = DecodeSettings.pixel_limit,
        without: Collection[Path] = (),
    ) -> None:
        if not sources:
            raise InputError("no source given; name files, folders, archives or catalogs")
        for source in sources:
            if not source.exists():
                raise InputError(f"{source} does not exist")
            if source.is_dir() and next(_folder(source), None) is None:
                raise InputError(f"{source} holds no files")
        self._sources = list(sources)
        self._limit = pixel_limit
        self._without = {path.name: path.resolve() for path in without}
        self._waiting: dict[Path, int] = {}
        self._freed = threading.Condition()

    def entries(self, passed: int = 0) -> Generator[Entry, None, None]:
        """Yield every file in order; the first `passed` by name only, without unpacking them.

        Each entry is to be released when it has been looked at. Where archives hold large
        files, the next entry waits for that: release from another thread than asks for it.
        """
        for source in self._sources:
            if source.is_dir():
                entries = _folder(source)
            elif opens_as_archive(source):
                entries = self._archive(source, passed)
            else:
                entries = iter([Entry(printable(str(source)), source, source, None)])
            for entry in entries:
                left_out = self._without.get(entry.holder.name)
                if left_out is not None and left_out == entry.holder.resolve():
                    continue
                passed = max(passed - 1, 0)
                yield entry

    def release(self, entry: Entry) -> None:
        """Say that an entry is no longer needed: what was unpacked for it is removed."""
        with self._freed:
            if entry.file is not None and self._waiting.pop(entry.file, None) is not None:
                entry.file.unlink(missing_ok=True)
                self._freed.notify_all()

    def _archive(self, path: Path, passed: int) -> Iterator[Entry]:
        with tempfile.TemporaryDirectory(prefix="parhelion-") as spool:
            yield from self._members(path, Path(spool), passed)
            # What was unpacked last may still be being read.
            with self._freed:
                self._freed.wait_for(lambda: not self._waiting)

    def _members(self, path: Path, spool: Path, passed: int) -> Iterator[Entry]:
        members, damage = list_members(path)
        wanted = [
            Member(member.name, member.reason or (_PASSED if index < passed else None))
            for index, member in enumerate(members)
        ]
        name = printable(str(path))

        def entry(index: int, file: Path | None, reason: str | None) -> Entry:
            return Entry(f"{name}/{printable(members[index].name)}", path, file, reason)

        given = 0
        for index, result in unpack(path, wanted, spool, self._limit):
            if index < given:
                continue  # the damage behind a member was met after the member itself
            for before in range(given, index):
                yield entry(before, None, members[before].reason)
            given = index + 1
            if isinstance(result, str):
                yield entry(index, None, result)
            else:
                self._wait(result)
                yield entry(index, result, None)
        for rest in range(given, len(members)):
            yield entry(rest, None, members[rest].reason)
        if damage is not None or not members:
            yield Entry(name, path, None, damage or "an empty archive")

    def _wait(self, file: Path) -> None:
        """Count an unpacked file in; wait while others take too much room."""
        size = file.stat().st_size
        with self._freed:
            self._freed.wait_for(
                lambda: not self._waiting or sum(self._waiting.values()) + size <= _SPOOLED
            )
            self._waiting[file] = size


def _folder(path: Path) -> Iterator[Entry]:
    """Yield the files of a folder, or of the catalog that it is."""
    if (path / CATALOG_FILE).is_file():
        names = open_catalog(path).table.column("path")
        for name in names:
            file = path / name.as_py()
            reason = None if file.is_file() else _why_missing(file)
            yield Entry(printable(str(file)), file, None if reason else file, reason)
        return
    for found in walk(path):
        file = Path(found.file)
        yield Entry(found.path, file, None if found.reason else file, found.reason)


def _why_missing(file: Path) -> str:
    return "not a regular file" if file.exists() else "no such file"
