"""Decoding: any supported file to uint8 pixels, or one reason why not."""

import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog._decoded import DecodedImage, RejectedPart
from parhelion.catalog._pictures import read_picture
from parhelion.catalog._quiet import quiet
from parhelion.catalog._settings import DecodeSettings
from parhelion.errors import DecodeError, InputError

T = TypeVar("T")

#: Bytes at the beginning of a file that `sniff` needs.
HEAD = 265
# Larger files are read as they are decoded, smaller ones at once.
_WHOLE = 1 << 25
_DEFAULT = DecodeSettings()
_KNOWN = "JPEG, PNG, TIFF, WebP, GIF and FITS"


def decode(path: Path | str, settings: DecodeSettings = _DEFAULT) -> list[DecodedImage]:
    """Decode every image of a file.

    Parameters
    ----------
    path : Path
        JPEG (EXIF orientation, CMYK, gray), PNG (1 to 16 bits, palette, alpha over black), TIFF
        (8 to 64 bits, every page), WebP and GIF (first frame), or FITS (every image HDU, also
        tile-compressed or inside gzip or bzip2). Its content says which, not its name.
    settings : DecodeSettings, optional
        Pixel limit and stretch.

    Returns
    -------
    images : list of DecodedImage
        At least one.

    Raises
    ------
    DecodeError
        If the file cannot be read, holds no image, is damaged, or claims more pixels than the
        limit.
    """
    try:
        with open_regular(path) as file:
            return _only_images(iterate(file, settings))
    except (DecodeError, OSError) as error:
        raise DecodeError(f"{path} cannot be read as an image: {reason(error)}") from error


def decode_parts(
    path: Path | str, settings: DecodeSettings = _DEFAULT
) -> Iterator[DecodedImage | RejectedPart]:
    """Yield the images of a file one by one, and the parts of it that are none; see `decode`.

    Raises
    ------
    DecodeError
        If the file as a whole cannot be decoded; the message is the bare reason.
    """
    found = False
    try:
        with open_regular(path) as file:
            for part in iterate(file, settings):
                found = True
                yield part
    except OSError as error:
        raise DecodeError(reason(error)) from error
    if not found:
        raise DecodeError("it holds no image")


def decode_bytes(data: bytes, name: str, settings: DecodeSettings = _DEFAULT) -> list[DecodedImage]:
    """Decode every image of a file that is in memory; `name` is for messages. See `decode`."""
    try:
        return _only_images(iterate(io.BytesIO(data), settings))
    except DecodeError as error:
        raise DecodeError(f"{name} cannot be read as an image: {error}") from error


def decode_bands(paths: Sequence[Path | str], settings: DecodeSettings = _DEFAULT) -> DecodedImage:
    """Decode FITS files of one field, in two or three bands, as one color image.

    Parameters
    ----------
    paths : sequence of Path
        The reddest band first. Of two bands, green is the mean.
    settings : DecodeSettings, optional
        Pixel limit and stretch.

    Returns
    -------
    image : DecodedImage
        Color pixels (Lupton et al. 2004), with the WCS of the first band; its recipe has
        ``"wcs_differs": true`` where another band's is not the same: bands are not reprojected.

    Raises
    ------
    InputError
        If there are not 2 or 3 files, or their shapes differ.
    DecodeError
        If one of them is not a FITS file with one 2-D image.
    """
    if len(paths) not in (2, 3):
        raise InputError(f"{len(paths)} files as bands; color needs 2 or 3, the reddest first")
    from parhelion.catalog._fits import read_bands
    from parhelion.catalog._stretch import stretch
    from parhelion.catalog._wcs import celestial_cards

    bands: list[NDArray[Any]] = []
    wcs: list[dict[str, Any] | None] = []
    mark: dict[str, Any] = {}
    for path in paths:
        try:
            with open_regular(path) as file, quiet():
                if sniff(_head(file)) != "FITS":
                    raise DecodeError("not a FITS file")
                values, header, told = _careful(read_bands, "FITS", file, settings)
                bands.append(values)
                wcs.append(celestial_cards(header, values.shape[0]))
                mark = mark or told
        except (DecodeError, OSError) as error:
            raise DecodeError(f"{path} cannot be read as a band: {reason(error)}") from error
        if values.shape != bands[0].shape:
            raise InputError(
                f"{path} has {_size(values)} pixels, {paths[0]} has {_size(bands[0])}; "
                "bands must be on one pixel grid"
            )
    if len(bands) == 2:
        bands.insert(1, (bands[0].astype(np.float64) + bands[1]) / 2)
    with quiet():
        try:
            pixels, parameters = stretch(bands, settings)
        except DecodeError as error:
            names = ", ".join(str(path) for path in paths)
            raise DecodeError(f"{names} cannot be shown in color: {error}") from error
    recipe: dict[str, Any] = {
        "operation": "decode",
        "format": "FITS",
        "bands": [Path(path).name for path in paths],
        "stretch": parameters,
        **mark,
    }
    if any(cards != wcs[0] for cards in wcs[1:]):
        recipe["wcs_differs"] = True
    return DecodedImage(pixels, "FITS", None, recipe, wcs[0])


def iterate(
    file: BinaryIO, settings: DecodeSettings, *, thumbnails: bool = False
) -> Iterator[DecodedImage | RejectedPart]:
    """Yield the images of an open file one by one, and the parts that are none.

    With `thumbnails`, images come with theirs where it is cheaper to make it here.

    Raises
    ------
    DecodeError
        If the file as a whole cannot be decoded; the message is the bare reason.
    """
    head = _head(file)
    format = sniff(head)
    if format is None:
        raise DecodeError(_what_else(head))
    if format in ("FITS", "TIFF"):
        parts = _open(file, format, settings)
        while (part := _careful(next, format, parts, None)) is not None:
            yield part
    else:
        limit = settings.pixel_limit
        yield _careful(read_picture, format, file, format, limit, thumbnails)


def sniff(head: bytes) -> str | None:
    """Return the image format that a file's first bytes show; FITS also where compressed."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"SIMPLE  =", b"\x1f\x8b", b"BZh")):
        return "FITS"
    return None


def is_archive(head: bytes) -> bool:
    """Whether a file begins as a zip or tar archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or head[257:262] == b"ustar"


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file; small ones are read into memory.

    Raises
    ------
    DecodeError
        If it is something else: a folder, a pipe, a device. (Opening never waits.)
    OSError
        If it cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise DecodeError("not a regular file")
        if status.st_size > _WHOLE:
            return os.fdopen(os.dup(handle), "rb")
        return io.BytesIO(os.read(handle, status.st_size))
    finally:
        os.close(handle)


def reason(error: Exception) -> str:
    """Return why a file cannot be used, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _open(
    file: BinaryIO, format: str, settings: DecodeSettings
) -> Iterator[DecodedImage | RejectedPart]:
    # astropy and tifffile take a while to import, and most files need neither.
    if format == "FITS":
        from parhelion.catalog._fits import read_fits, single

        return single(read_fits(file, settings))
    from parhelion.catalog._tiff import read_tiff

    return read_tiff(file, settings)


def _careful(call: Callable[..., T], format: str, *arguments: Any) -> T:
    """Return `call(*arguments)`, quietly; whatever it raises becomes a `DecodeError`."""
    try:
        with quiet():
            return call(*arguments)
    except DecodeError:
        raise
    except MemoryError as error:
        raise DecodeError(f"not enough memory to decode this {format} file") from error
    except (EOFError, zlib.error) as error:
        raise DecodeError(f"damaged {format} file: its compressed data break off") from error
    except Exception as error:
        # Parsers of other people's bytes raise whatever comes up when these are damaged.
        raise DecodeError(f"damaged {format} file: {reason(error)}") from error


def _only_images(parts: Iterator[DecodedImage | RejectedPart]) -> list[DecodedImage]:
    found = list(parts)
    images = [part for part in found if isinstance(part, DecodedImage)]
    if not images:
        reasons = [part.reason for part in found if isinstance(part, RejectedPart)]
        raise DecodeError(reasons[0] if reasons else "it holds no image")
    return images


def _head(file: BinaryIO) -> bytes:
    head = file.read(HEAD)
    file.seek(0)
    return head


def _what_else(head: bytes) -> str:
    if not head:
        return "an empty file"
    if is_archive(head):
        return "an archive; give it as a source of its own"
    return f"not an image; {_KNOWN} can be read"


def _size(values: NDArray[Any]) -> str:
    return f"{values.shape[1]} x {values.shape[0]}"
