"""Hostile files that the tests draw: what is damaged, huge, odd or no image at all."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image, ImageOps

from drawn_galaxy import draw_galaxy

GALAXY = draw_galaxy(1, 48)
GRAY = GALAXY[..., 0]
LONG = "n" * 240 + ".png"

Expected = NDArray[np.uint8] | str  # the pixels, or words of the reason


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def pillow(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def fits_bytes(*hdus: Any) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


def tiff_bytes(values: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, metadata=None, **options)
    return buffer.getvalue()


def bomb_png() -> bytes:
    header = struct.pack(">IIBBBBB", 200_000, 200_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(10**6))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def absurd_fits() -> bytes:
    header = fits.Header.fromstring(fits_bytes(fits.PrimaryHDU(np.zeros((4, 4), np.int16)))[:2880])
    header["NAXIS1"] = header["NAXIS2"] = 1_000_000
    return header.tostring().encode() + bytes(2880)


def zip_bytes(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def palette_with_transparency() -> tuple[bytes, NDArray[np.uint8]]:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).copy()
    image.putpalette([10, 20, 30, 200, 100, 50, 7, 8, 9])
    shown = [[[10, 20, 30], [0, 0, 0]], [[7, 8, 9], [0, 0, 0]]]
    return encoded(image, "PNG", transparency=bytes([255, 0, 255])), np.array(shown, np.uint8)


#: Comments that look like a mark and are none.
ODD_MARKS = (
    b'{"recipe": {}, "source_type": 5, "software": "Parhelion"}',
    b'{"recipe": {}, "source_type": null, "software": ["Parhelion"]}',
    b'{"recipe": [1], "source_type": null, "software": "Parhelion"}',
    b'{"recipe": {"operation": "augment", "parent_id": "\\ud800"}, "software": "Parhelion"}',
    b'{"software": "Parhelion", "recipe": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
    b"[" * 200_000 + b"Parhelion",
)


def hostile_files() -> dict[str, tuple[bytes, Expected]]:
    jpeg = encoded(Image.fromarray(GALAXY), "JPEG")
    png = encoded(Image.fromarray(GALAXY), "PNG")
    webp = encoded(Image.fromarray(GALAXY), "WEBP")
    large = Image.fromarray(draw_galaxy(2, 160))
    whole, progressive = encoded(large, "JPEG"), encoded(large, "JPEG", progressive=True)
    cmyk = encoded(Image.fromarray(GALAXY).convert("CMYK"), "JPEG")
    exif = Image.Exif()
    exif[0x0112] = 6
    rotated = encoded(Image.fromarray(GALAXY[:, :30]), "JPEG", exif=exif)
    bad_exif = encoded(Image.fromarray(GALAXY), "JPEG", exif=b"Exif\0\0MM\0*garbage" * 3)
    deep = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48) * 28
    palette, shown = palette_with_transparency()
    la = np.stack([GRAY, np.full_like(GRAY, 255)], axis=-1)
    bits = GRAY > 60
    frames = [Image.fromarray(GRAY), Image.fromarray(GRAY[::-1])]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    holes = GRAY.astype(np.float32) * 100
    holes[0, :3] = np.inf, -np.inf, np.nan
    bad_crc = bytearray(png)
    bad_crc[png.index(b"IDAT") + 20] ^= 0xFF
    nan = np.full((8, 8), np.nan)
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.ones(3))])
    good_fits = fits_bytes(fits.PrimaryHDU(GRAY[::-1].copy()))
    packed = gzip.compress(good_fits)
    marked = {
        f"mark{number}.gif": (
            encoded(frames[0], "GIF", comment=mark),
            np.repeat(GRAY[..., None], 3, 2),
        )
        for number, mark in enumerate(ODD_MARKS)
    }
    odd_xmp = tiff_bytes(deep, extratags=[(700, "I", 1, 7, True)], software="Parhelion")
    return {
        **marked,
        "odd-xmp.tif": (odd_xmp, (deep >> 8).astype(np.uint8)),
        "good.jpg": (jpeg, pillow(jpeg)),
        "truncated.jpg": (whole[: len(whole) // 2], "not enough image data"),
        "progressive-cut.jpg": (progressive[: len(progressive) // 2], "not enough image data"),
        "header-only.jpg": (jpeg[:20], "damaged JPEG"),
        "bomb.png": (bomb_png(), "200000 x 200000 pixels"),
        "zero-bytes.png": (b"", "an empty file"),
        "text.jpg": (b"this is not a picture", "not an image"),
        "gray16.png": (encoded(Image.fromarray(deep), "PNG"), (deep >> 8).astype(np.uint8)),
        "cmyk.jpg": (cmyk, pillow(cmyk)),
        "palette.png": (palette, shown),
        "one-pixel.png": (encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"), [[[1, 2, 3]]]),  # type: ignore[dict-item]
        "nan.fits": (fits_bytes(fits.PrimaryHDU(nan)), "no finite pixel"),
        "tables.fits": (fits_bytes(fits.PrimaryHDU(), table), "without an image"),
        "absurd.fits": (absurd_fits(), "1000000 x 1000000 pixels"),
        "corrupt.fits.gz": (packed[:40] + b"\xff" * 20 + packed[60:], "damaged"),
        "truncated.fits": (good_fits[:3500], "truncated"),
        "good.fits.gz": (packed, GRAY),
        "not-fits.gz": (gzip.compress(b"something else"), "holds no FITS"),
        "holes.tif": (tiff_bytes(holes), "stretched"),
        "big-endian16.tif": (tiff_bytes(deep, byteorder=">"), (deep >> 8).astype(np.uint8)),
        "cut.tif": (tiff_bytes(deep)[:3000], "damaged TIFF"),
        "loop.tif": (tiff_loop(), "go round"),
        "animated.gif": (gif, np.repeat(GRAY[..., None], 3, 2)),
        "rotated.jpg": (rotated, pillow(rotated)),
        "bad-exif.jpg": (bad_exif, pillow(jpeg)),
        "bad-crc.png": (bytes(bad_crc), "damaged PNG"),
        "truncated.webp": (webp[: len(webp) // 2], "damaged WEBP"),
        "gray-alpha.png": (encoded(Image.fromarray(la, "LA"), "PNG"), GRAY),
        "one-bit.png": (encoded(Image.fromarray(bits), "PNG"), (bits * 255).astype(np.uint8)),
        "wrong-suffix.jpg": (png, GALAXY),
        "UPPER.PNG": (png, GALAXY),
        "no-suffix": (png, GALAXY),
        "new\nline.png": (png, GALAXY),
        " spaces and é 🌌.png": (png, GALAXY),
        "--flag.png": (png, GALAXY),
        LONG: (png, GALAXY),
        "archive.zip": (zip_bytes("inner.png", png), "an archive"),
        "zip-bomb.png": (zip_bytes("bomb", bytes(10**7)), "an archive"),
        "page.html": (b"<html><img src='x.png'></html>", "not an image"),
        "picture.bmp": (encoded(Image.fromarray(GALAXY), "BMP"), "not an image"),
    }


def tiff_loop() -> bytes:
    """A TIFF whose second directory is its first again, without an end."""
    data = bytearray(tiff_bytes(GRAY))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return bytes(data)


def make_special(root: Path) -> dict[str, str]:
    """Make what is no plain file; return words of the reason for each."""
    (root / "loop").symlink_to(".")
    (root / "dangling.png").symlink_to("nowhere.png")
    (root / "self.png").symlink_to("self.png")
    os.mkfifo(root / "pipe.png")
    (root / "folder.jpg").mkdir()
    reasons = {
        "loop": "link to a folder",
        "dangling.png": "leads nowhere",
        "self.png": "leads nowhere",
        "pipe.png": "not a regular file",
        "folder.jpg": "an empty folder",
    }
    if os.geteuid() != 0:
        (root / "secret.png").write_bytes(encoded(Image.fromarray(GALAXY), "PNG"))
        (root / "secret.png").chmod(0)
        reasons["secret.png"] = "permission denied"
    return reasons


def tar_with_traversal(path: Path) -> None:
    png = encoded(Image.fromarray(GALAXY), "PNG")
    with tarfile.open(path, "w") as tar:
        for name in ("../../escaped.png", "/absolute.png", "fine.png", "folder/../../up.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png)
            tar.addfile(info, io.BytesIO(png))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)


def zip_with_bomb(path: Path) -> None:
    png = encoded(Image.fromarray(GALAXY), "PNG")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../escaped.png", png)
        archive.writestr("bomb.gif", b"GIF89a" + bytes(10**8))
        archive.writestr("nested.zip", zip_bytes("inner.png", png))
        archive.writestr("fine.png", png)
