"""The journal of a table that is being written: what a killed run leaves for the next to go on."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from parhelion.detection._verdict import Verdict
from parhelion.errors import InputError

_SYNC = 5.0  # seconds between writes that also survive a power cut


class Record(NamedTuple):
    """The verdicts on one file.

    Attributes
    ----------
    path : str
        As in its verdicts.
    stamp : list of int
        Size and time of change of the file, or of the archive that holds it; see `stamp`.
    verdicts : sequence of Verdict
        One for each image, at least one.
    """

    path: str
    stamp: list[int]
    verdicts: Sequence[Verdict]


class Journal:
    """An append-only file beside the table: what was asked, then a line for each file.

    A line is whole or it is not there: what a kill tore is cut off when the journal is opened
    again, and that file is looked at anew.

    Parameters
    ----------
    table : Path
        The table that it is for.
    command : mapping
        What verdicts depend on, JSON-serializable; its keys say it in words.

    Attributes
    ----------
    count : int
        Files that an earlier run has done.

    Raises
    ------
    InputError
        If the journal is of another command; the message names the first difference.
    """

    def __init__(self, table: Path, command: Mapping[str, Any]) -> None:
        self.path = journal_of(table)
        self.count = 0
        head = json.dumps(dict(command)).encode() + b"\n"
        table.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with os.fdopen(handle, "r+b") as file:
            end = self._check(file, head, command)
            file.seek(end)
            file.truncate()
            if not end:
                file.write(head)

    def __enter__(self) -> Self:
        """Open the file, to append to it."""
        self._file = self.path.open("ab")
        self._sync()
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file; it stays, for a later run to go on from."""
        self._file.close()

    def records(self) -> Iterator[Record]:
        """Yield what is in the journal, in order."""
        with self.path.open("rb") as file:
            next(file)
            for line in file:
                yield _record(line)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield every verdict in the journal, in order."""
        return (verdict for record in self.records() for verdict in record.verdicts)

    def append(self, record: Record) -> None:
        """Add the verdicts on one file: safe from a kill at once, from a power cut soon."""
        rows = [astuple(verdict)[1:] for verdict in record.verdicts]
        self._file.write(json.dumps([record.path, record.stamp, rows]).encode() + b"\n")
        self._file.flush()
        if time.monotonic() - self._synced > _SYNC:
            self._sync()

    def remove(self) -> None:
        """Remove the file: the table is finished."""
        self.path.unlink()

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _check(self, file: BinaryIO, head: bytes, command: Mapping[str, Any]) -> int:
        """Return where the whole lines end; count them. A head of another command is an error."""
        first = file.readline()
        if not first.endswith(b"\n"):
            return 0
        if first != head:
            self._refuse(first, command)
        end = len(first)
        for line in file:
            try:
                _record(line)
            except (ValueError, TypeError, IndexError):
                break
            if not line.endswith(b"\n"):
                break
            end += len(line)
            self.count += 1
        return end

    def _refuse(self, first: bytes, command: Mapping[str, Any]) -> None:
        begun = "--overwrite begins anew"
        try:
            before = dict(json.loads(first))
        except (ValueError, TypeError) as error:
            raise InputError(f"{self.path} is damaged in its first line; {begun}") from error
        now = json.loads(json.dumps(dict(command)))
        changed = [name for name in before | now if before.get(name) != now.get(name)]
        values = [_short(values.get(changed[0])) for values in (before, now)]
        raise InputError(
            f"{self.path} is of an interrupted run with another {changed[0]} "
            f"({values[0]}, now {values[1]}); give the same command to go on, or {begun}"
        )


def journal_of(table: Path) -> Path:
    """Return where the journal of an unfinished table is."""
    return table.with_name(f"{table.name}.unfinished")


def stamp(path: Path) -> list[int]:
    """Return size and time of change (nanoseconds) of a file; empty where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _record(line: bytes) -> Record:
    path, changed, rows = json.loads(line)
    return Record(path, changed, [Verdict(path, *row) for row in rows])


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
