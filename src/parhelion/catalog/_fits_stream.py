"""FITS files as a stream of HDUs: sizes are known, and checked, before data are read."""

import bz2
import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from astropy.io import fits

from parhelion.errors import DecodeError

_BLOCK = 2880
_MOST_HEADER_BLOCKS = 4096
_CHUNK = 1 << 20
# Room for headers and tables beside the pixels of a compressed file.
_SLACK = 1 << 26
_WIDEST = 8  # bytes of a value


@dataclass
class Hdu:
    """One header-data unit, while the stream stands at its data.

    Attributes
    ----------
    index : int
        0 for the primary one.
    header : astropy.io.fits.Header
        Its header.
    raw_header : bytes
        The same, as stored.
    shape : tuple of int
        Of the image, slowest axis first; empty if it is none. For a tile-compressed image,
        that of the image inside.
    compressed : bool
        Whether the image is tile-compressed (a table of tiles).
    size : int
        Bytes of data, without padding.
    """

    index: int
    header: fits.Header
    raw_header: bytes
    shape: tuple[int, ...]
    compressed: bool
    size: int
    _stream: "_Stream"

    def read(self) -> bytes:
        """Return the data.

        Raises
        ------
        DecodeError
            If the file ends before.
        """
        data = self._stream.read(self.size)
        if len(data) < self.size:
            raise DecodeError(f"truncated: {len(data)} of {self.size} bytes are there")
        return data


def open_hdus(file: BinaryIO, limit: int) -> Iterator[Hdu]:
    """Yield the HDUs of a FITS file, plain or compressed as a whole by gzip or bzip2.

    Parameters
    ----------
    file : binary file
        At its beginning.
    limit : int
        Pixel limit; a compressed file may unpack to as many values of 8 bytes and 64 MiB.

    Raises
    ------
    DecodeError
        If it is no FITS file, or damaged where an HDU should begin.
    """
    stream = _Stream(file, limit)
    index, end = 0, 0
    while True:
        stream.skip_to(end)
        raw = _read_header(stream, index)
        if not raw:
            return
        header = fits.Header.fromstring(raw)
        shape = _axes(header, "NAXIS")
        size = abs(int(header["BITPIX"])) // 8 * math.prod(shape) if shape else 0
        if shape and shape[-1] == 0 and header.get("GROUPS"):
            size = abs(int(header["BITPIX"])) // 8 * math.prod(shape[:-1])
        size = int(header.get("GCOUNT", 1)) * (size + _pcount(header))
        if size < 0:
            raise DecodeError(f"a FITS header that claims {size} bytes of data")
        end = stream.position + -(-size // _BLOCK) * _BLOCK
        kind = str(header.get("XTENSION", "IMAGE")).strip().upper()
        compressed = kind == "BINTABLE" and bool(header.get("ZIMAGE", False))
        if compressed:
            shape = _axes(header, "ZNAXIS")
        elif kind != "IMAGE" or header.get("GROUPS"):
            shape = ()
        yield Hdu(index, header, raw, shape, compressed, size, stream)
        index += 1


def _pcount(header: fits.Header) -> int:
    count = int(header.get("PCOUNT", 0))
    if count < 0:
        raise DecodeError(f"a FITS header with PCOUNT = {count}")
    # A table's heap is counted in bytes; of the other kinds only random groups have any.
    width = abs(int(header["BITPIX"])) // 8
    return count * width


def _axes(header: fits.Header, name: str) -> tuple[int, ...]:
    """Return the lengths that a header gives, slowest axis first."""
    count = int(header.get(name, 0))
    if not 0 <= count <= 999:
        raise DecodeError(f"a FITS header with {name} = {count}")
    lengths = [int(header[f"{name}{axis}"]) for axis in range(count, 0, -1)]
    if any(length < 0 for length in lengths):
        raise DecodeError(f"a FITS header with a negative axis ({min(lengths)})")
    return tuple(lengths)


def _read_header(stream: "_Stream", index: int) -> bytes:
    """Read blocks up to the END card; nothing where the HDUs end."""
    blocks: list[bytes] = []
    while True:
        block = stream.read(_BLOCK)
        if not blocks and not block.startswith(b"XTENSION" if index else b"SIMPLE  ="):
            if index:
                return b""  # the end, or padding after it
            raise DecodeError("a compressed file that holds no FITS image")
        blocks.append(block)
        if len(block) < _BLOCK or len(blocks) > _MOST_HEADER_BLOCKS:
            raise DecodeError(f"the header of FITS HDU {index} has no end")
        if any(block[at : at + 8] == b"END     " for at in range(0, _BLOCK, 80)):
            return b"".join(blocks)


class _Stream:
    """Forward reading with a position, and a limit on what compressed bytes unpack to."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        head = file.read(3)
        file.seek(0)
        self.position = 0
        self._limit: int | None = _WIDEST * limit + _SLACK
        self._file = file
        if head.startswith(b"\x1f\x8b"):
            self._file = cast(BinaryIO, gzip.GzipFile(fileobj=file))
        elif head == b"BZh":
            self._file = cast(BinaryIO, bz2.BZ2File(file))
        else:
            self._limit = None

    def read(self, size: int) -> bytes:
        """Read `size` bytes, fewer only at the end; never takes more memory than there is data."""
        if self._limit is not None and self.position + size > self._limit:
            raise DecodeError(f"unpacks to more than {self._limit} bytes; raise --pixel-limit")
        pieces = []
        left = size
        try:
            while left:
                piece = self._file.read(min(left, _CHUNK))
                if not piece:
                    break
                pieces.append(piece)
                left -= len(piece)
        except EOFError as error:
            raise DecodeError("truncated: the compressed data end too early") from error
        self.position += size - left
        return b"".join(pieces)

    def skip_to(self, position: int) -> None:
        """Go forward to `position`, or as far as there is data."""
        if self._limit is None:
            self._file.seek(position)
            self.position = position
            return
        while self.position < position and self.read(min(position - self.position, _CHUNK)):
            pass
