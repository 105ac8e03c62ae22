"""Zip and tar archives as a stream of files: listed first, then unpacked one at a time."""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from parhelion.catalog._decode import HEAD, is_archive, open_regular, reason, sniff
from parhelion.errors import DecodeError

_TAR_SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_CHUNK = 1 << 20
_BYTES_PER_PIXEL, _SLACK = 8, 1 << 26
_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
# Headers of tar that hold names and attributes for the next one, and are read whole.
_LONG = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_LONGEST = 1 << 20  # bytes of these before a member
#: What a damaged archive raises.
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Member:
    """A file in an archive; `reason` says why it cannot be taken, where that is known."""

    name: str
    reason: str | None = None


def opens_as_archive(path: Path) -> bool:
    """Whether a file given as a source is an archive rather than an image."""
    try:
        with open_regular(path) as file:
            head = file.read(HEAD)
    except (DecodeError, OSError):
        return False
    if is_archive(head):
        return True
    return path.name.lower().endswith(_TAR_SUFFIXES) and sniff(head) in (None, "FITS")


def list_members(path: Path) -> tuple[list[Member], str | None]:
    """Return an archive's files in their order, and what is wrong with it, if anything is."""
    members: list[Member] = []
    try:
        with _open(path) as archive:
            if isinstance(archive, zipfile.ZipFile):
                members.extend(
                    Member(info.filename, _zip_reason(info))
                    for info in archive.infolist()
                    if not info.is_dir()
                )
            else:
                members.extend(
                    Member(info.name, _tar_reason(info)) for info in archive if not info.isdir()
                )
    except DAMAGE as error:
        return members, f"a damaged archive: {reason(error)}"
    return members, None


def unpack(
    path: Path, members: list[Member], spool: Path, pixel_limit: int
) -> Iterator[tuple[int, Path | str]]:
    """Unpack an archive's images to files in folder `spool`, one by one.

    Parameters
    ----------
    path : Path
        The archive.
    members : list of Member
        As listed; those with a reason are passed over.
    spool : Path
        Where to, for this archive alone; the names there are numbers, whatever the members
        are called.
    pixel_limit : int
        Bounds how far a member may unpack: 8 bytes a pixel and 64 MiB.

    Yields
    ------
    index, result : int, Path or str
        Which member, and its file, or the reason why there is none. The caller removes the
        file.
    """
    limit = _BYTES_PER_PIXEL * pixel_limit + _SLACK
    done = 0
    try:
        with _open(path) as archive:
            for done, opened in _contents(archive, members):
                try:
                    result = _copy(opened, spool / str(done), limit)
                except DAMAGE as error:
                    if isinstance(archive, tarfile.TarFile):
                        raise
                    result = f"damaged in the archive: {reason(error)}"
                yield done, result
    except DAMAGE as error:
        # What follows the damage cannot be reached in a stream.
        for index in range(done, len(members)):
            if members[index].reason is None:
                yield index, f"behind damage in the archive: {reason(error)}"


def _contents(
    archive: zipfile.ZipFile | tarfile.TarFile, members: list[Member]
) -> Iterator[tuple[int, IO[bytes] | str]]:
    """Yield each member without a reason, open."""
    if isinstance(archive, zipfile.ZipFile):
        infos = [info for info in archive.infolist() if not info.is_dir()]
        for index, info in enumerate(infos):
            if members[index].reason is None:
                try:
                    with archive.open(info) as opened:
                        yield index, opened
                except DAMAGE as error:
                    yield index, f"damaged in the archive: {reason(error)}"
        return
    index = -1
    for entry in archive:
        if entry.isdir():
            continue
        index += 1
        file = archive.extractfile(entry) if members[index].reason is None else None
        if file is not None:
            with file:
                yield index, file


def _copy(opened: IO[bytes] | str, target: Path, limit: int) -> Path | str:
    if isinstance(opened, str):
        return opened
    piece = opened.read(HEAD)
    if sniff(piece) is None:
        # Not worth unpacking, and what it is can be told from its head.
        target.write_bytes(piece)
        return target
    left = limit
    with target.open("wb") as file:
        while piece:
            left -= len(piece)
            if left < 0:
                target.unlink()
                return f"unpacks to more than {limit} bytes; raise --pixel-limit"
            file.write(piece)
            piece = opened.read(_CHUNK)
    return target


@contextmanager
def _open(path: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    with path.open("rb") as file:
        head = file.read(2)
    if head == b"PK":
        with zipfile.ZipFile(path) as archive:
            yield archive
        return
    # Streaming ("r|") would forbid reading it a second time from the same object; it is opened
    # anew for that, so that a compressed archive is never sought in. Left to itself, tarfile
    # unpacks as much at once as a piece of the file happens to hold.
    with (
        _PACKED.get(head, open)(path, "rb") as file,
        tarfile.open(fileobj=file, mode="r|", tarinfo=_bounded()) as tar,
    ):
        yield tar


def _bounded() -> type[tarfile.TarInfo]:
    """Return a kind of entry, for one reading of one archive, that refuses to hold long headers."""
    held = 0

    class Bounded(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            nonlocal held
            entry = super().frombuf(buf, encoding, errors)
            held = held + entry.size if entry.type in _LONG else 0
            if held > _LONGEST:
                raise tarfile.ReadError(
                    f"headers of {held} bytes before a member are more than {_LONGEST}"
                )
            return entry

    return Bounded


def _zip_reason(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & 1:
        return "encrypted"
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        return "not a regular file"
    return None


def _tar_reason(info: tarfile.TarInfo) -> str | None:
    if info.issym() or info.islnk():
        return "a link in an archive is not followed"
    return None if info.isfile() else "not a regular file"
