"""XMP packets that Pillow passes over: behind a PNG's pixels, and in TIFF of kinds it lacks."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PNG, _TIFF = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_KEYWORD = b"XML:com.adobe.xmp\0"
_XMP_TAG = 700
# A packet is some kilobytes; one that fills memory is none.
_LARGEST = 1 << 24


def hidden_packets(path: Path) -> Iterator[bytes]:
    """Yield the XMP packets of a PNG or TIFF file, those that Pillow finds among them.

    Parameters
    ----------
    path : Path
        Any file; of other formats, and of damaged files, nothing is yielded.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if head == _PNG:
        yield from _of_png(path)
    elif head.startswith(_TIFF):
        yield from _of_tiff(path)


def _of_png(path: Path) -> Iterator[bytes]:
    """Walk the chunks to the end: Pillow stops at the pixels, where ExifTool once wrote behind."""
    with path.open("rb") as file:
        file.seek(len(_PNG))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"iTXt" and length <= _LARGEST:
                packet = _text(file.read(length))
                if packet is not None:
                    yield packet
                length = 0
            file.seek(length + 4, 1)  # a checksum ends each


def _text(chunk: bytes) -> bytes | None:
    """Return the text of an iTXt chunk (PNG, section 11.3.3.4) if it is an XMP packet."""
    if not chunk.startswith(_KEYWORD):
        return None
    packed, _, rest = chunk[len(_KEYWORD) :].partition(b"\0")
    # Flag and method of compression are a byte each, and zero where there is none.
    if packed == b"\1":
        try:
            return zlib.decompressobj().decompress(rest.split(b"\0", 2)[-1], _LARGEST)
        except zlib.error:
            return None
    return rest


def _of_tiff(path: Path) -> Iterator[bytes]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            packet = page.tags.valueof(_XMP_TAG)
    except Exception:  # a parser of other people's bytes raises whatever comes up
        return
    if isinstance(packet, bytes):
        yield packet
