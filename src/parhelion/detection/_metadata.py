"""What a file's container tells: format, size, EXIF, FITS header, table or film facts."""

import bz2
import gzip
import warnings
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from parhelion.catalog import opens_as_archive
from parhelion.provenance import open_header

# What of EXIF says where a picture comes from; tags of the TIFF and EXIF standards.
_EXIF = {
    0x010E: "description",
    0x010F: "make",
    0x0110: "model",
    0x0131: "software",
    0x0132: "date",
    0x013B: "artist",
    0x8298: "copyright",
}
_FITS = ("OBJECT", "TELESCOP", "INSTRUME", "FILTER", "DATE-OBS", "EXPTIME", "OBSERVER", "ORIGIN")
_LONGEST = 200  # characters of a value that are shown
_HDUS = 50  # parts of a FITS file that are listed


def kind_of(path: Path) -> str:
    """Return what a file is by its first bytes: image, FITS, film, Parquet, archive or unknown."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PAR1"):
        return "Parquet"
    if head[4:8] == b"ftyp":
        return "film"
    if opens_as_archive(path):
        return "archive"
    if _unpacked(path, head).startswith(b"SIMPLE"):
        return "FITS"
    try:
        with open_header(path):
            return "image"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return "unknown"
    except Image.DecompressionBombError:
        return "image"


def metadata_of(path: Path, kind: str) -> dict[str, Any]:
    """Return a file's metadata as JSON-serializable values; nothing of it is decoded pixels.

    Raises
    ------
    OSError, ValueError
        If the metadata is damaged.
    """
    readers = {"image": _picture, "FITS": _fits, "Parquet": _parquet, "film": _film}
    return readers[kind](path) if kind in readers else {}


def _picture(path: Path) -> dict[str, Any]:
    try:
        return _facts(path)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error


def _facts(path: Path) -> dict[str, Any]:
    with open_header(path) as image:
        facts: dict[str, Any] = {
            "format": image.format,
            "width": image.width,
            "height": image.height,
            "mode": image.mode,
            "frames": getattr(image, "n_frames", 1),
            "color_profile": "icc_profile" in image.info,
        }
        tables = getattr(image, "quantization", None)
        if tables:
            facts["quantization_sum"] = sum(sum(table) for table in tables.values())
        exif = image.getexif()
        facts["exif"] = {
            name: _short(exif[tag])
            for tag, name in _EXIF.items()
            if exif.get(tag) not in (None, "")
        }
        return facts


def _fits(path: Path) -> dict[str, Any]:
    from astropy.io import fits

    with warnings.catch_warnings():
        # Headers that bend the standard are common; they are shown as they are.
        warnings.simplefilter("ignore")
        with fits.open(path, memmap=True, lazy_load_hdus=True) as hdus:
            parts = []
            for number, hdu in enumerate(hdus):
                if number == _HDUS:
                    break
                header = hdu.header
                parts.append(
                    {
                        "name": hdu.name,
                        "type": type(hdu).__name__,
                        "shape": [
                            header.get(f"NAXIS{i + 1}") for i in range(header.get("NAXIS", 0))
                        ],
                        "bits": header.get("BITPIX"),
                        "sky_coordinates": "CTYPE1" in header,
                        **{key: value for key in _FITS if (value := _card(header, key))},
                    }
                )
            return {"format": "FITS", "hdus": parts}


def _card(header: Any, key: str) -> Any:
    """Return the value of a card, as text where it bends the standard; None without any."""
    if key not in header:
        return None
    card = header.cards[key]
    card.verify("silentfix")
    return _short(card.value)


def _parquet(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return {
                "format": "Parquet",
                "rows": file.metadata.num_rows,
                "columns": file.schema_arrow.names,
            }
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _film(path: Path) -> dict[str, Any]:
    import av

    try:
        with av.open(str(path)) as container:
            facts: dict[str, Any] = {
                "format": container.format.long_name,
                "seconds": None if container.duration is None else container.duration / 1e6,
            }
            for stream in container.streams.video[:1]:
                facts |= {
                    "codec": stream.codec_context.name,
                    "width": stream.width,
                    "height": stream.height,
                    "frames": stream.frames,
                }
            return facts
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error


def _unpacked(path: Path, head: bytes) -> bytes:
    """Return the first bytes of what a compressed file holds, or the head as it is."""
    if head[:2] not in (b"\x1f\x8b", b"BZ"):
        return head
    try:
        with gzip.open(path) if head[:2] == b"\x1f\x8b" else bz2.open(path) as file:
            return bytes(file.read(16))
    except (OSError, EOFError, zlib.error):
        return head


def _short(value: Any) -> Any:
    """Return a value as JSON has it, with an end where a file has none."""
    if isinstance(value, (bool, int, float)):
        return value
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    text = text.strip("\0 ")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
