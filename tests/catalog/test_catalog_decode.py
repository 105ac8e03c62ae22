"""Decoding pictures: every kind of pixel, and nothing but `DecodeError` for the rest."""

import io
import os
import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile

from parhelion.catalog import DecodeSettings, decode, decode_bytes
from parhelion.catalog._decode import sniff
from parhelion.catalog._pictures import orient
from parhelion.catalog._quiet import quiet
from parhelion.errors import DecodeError


def save(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def only(data: bytes, **options: Any) -> NDArray[np.uint8]:
    (image,) = decode_bytes(data, "drawn", DecodeSettings(**options))
    assert image.pixels.dtype == np.uint8
    return image.pixels


COLOR = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3) * 4
GRAY = np.arange(20, dtype=np.uint8).reshape(5, 4) * 12


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png16(values: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG, gray or color, which Pillow does not write."""
    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_lossless_color_comes_back(format: str, options: dict[str, Any]) -> None:
    assert np.array_equal(only(save(Image.fromarray(COLOR), format, **options)), COLOR)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "GIF"])
def test_lossless_gray_comes_back(format: str) -> None:
    pixels = only(save(Image.fromarray(GRAY), format))
    assert pixels.shape in ((5, 4, 1), (5, 4, 3))  # a GIF has a palette
    assert np.array_equal(pixels, np.broadcast_to(GRAY[..., None], pixels.shape))


def test_gray_jpeg_has_one_channel() -> None:
    flat = Image.new("L", (16, 8), 77)
    assert np.array_equal(only(save(flat, "JPEG")), np.full((8, 16, 1), 77, np.uint8))


def test_one_bit_becomes_black_and_white() -> None:
    bits = np.array([[0, 1, 1], [1, 0, 0]], bool)
    assert np.array_equal(only(save(Image.fromarray(bits), "PNG"))[..., 0], bits * 255)


def test_palette_becomes_color() -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).copy()
    image.putpalette([10, 20, 30, 200, 100, 50])
    expected = [[[10, 20, 30], [200, 100, 50]], [[200, 100, 50], [10, 20, 30]]]
    assert only(save(image, "PNG")).tolist() == expected


def test_alpha_is_laid_over_black() -> None:
    rgba = np.array([[[200, 100, 50, 255], [200, 100, 50, 51], [9, 9, 9, 0]]], np.uint8)
    pixels = only(save(Image.fromarray(rgba), "PNG"))
    assert pixels.tolist() == [[[200, 100, 50], [40, 20, 10], [0, 0, 0]]]


def test_gray_with_alpha_stays_gray() -> None:
    la = np.array([[[200, 255], [200, 51]]], np.uint8)
    assert only(save(Image.fromarray(la, "LA"), "PNG")).tolist() == [[[200], [40]]]


def test_palette_with_transparency() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).copy()
    image.putpalette([10, 20, 30, 200, 100, 50])
    pixels = only(save(image, "PNG", transparency=bytes([255, 0])))
    assert pixels.tolist() == [[[10, 20, 30], [0, 0, 0]]]


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_png_gives_its_high_byte(channels: int) -> None:
    values = np.array([0, 255, 256, 0x1234, 0x80FF, 65535], np.uint16)
    values = np.repeat(values.reshape(2, 3, 1), channels, axis=2)
    (image,) = decode_bytes(png16(values), "drawn")
    assert np.array_equal(image.pixels, (values >> 8).astype(np.uint8))
    assert image.recipe is not None
    assert (image.recipe["depth"], image.recipe["function"]) == (16, "high byte")


def test_eight_bits_need_no_recipe() -> None:
    (image,) = decode_bytes(save(Image.fromarray(COLOR), "PNG"), "drawn")
    assert (image.format, image.part, image.recipe, image.wcs) == ("PNG", None, None, None)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"comment": b"text"}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_matches_pillow(options: dict[str, Any], mode: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (33, 47, 3), dtype=np.uint8)
    data = save(Image.fromarray(noise).convert(mode), "JPEG", **options)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(opened).reshape(33, 47, -1)
    assert np.array_equal(only(data), expected)
    # Further segments take the way through Pillow's own reader.
    for more in ({"exif": Image.Exif()}, {"icc_profile": b"profile"}, {"xmp": b"<x/>"}):
        again = save(Image.fromarray(noise).convert(mode), "JPEG", **options, **more)
        assert np.array_equal(only(again), expected)


def test_cmyk_jpeg_becomes_color() -> None:
    # No ink at all is white, full black ink is black, whatever way round it is stored.
    for ink, expected in (((0, 0, 0, 0), 255), ((0, 0, 0, 255), 0)):
        pixels = only(save(Image.new("CMYK", (8, 8), ink), "JPEG"))
        assert pixels.shape == (8, 8, 3)
        assert np.abs(pixels.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_matches_pillow(orientation: int) -> None:
    from PIL import ImageOps

    image = Image.fromarray(COLOR)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(image, "JPEG", quality=100, subsampling=0, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(only(data), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orienting_tiff_is_left_to_one_of_the_decoders(orientation: int) -> None:
    data = save(Image.fromarray(COLOR), "TIFF", tiffinfo={274: orientation})
    assert np.array_equal(only(data), orient(COLOR, orientation))


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (6, 4), color) for color in ("red", "blue")]
    for format in ("GIF", "WEBP"):
        data = save(frames[0], format, save_all=True, append_images=frames[1:])
        pixels = only(data).astype(int)
        assert pixels.shape == (4, 6, 3)
        assert np.abs(pixels - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_the_limit_is_on_what_the_header_claims(format: str) -> None:
    data = save(Image.new("RGB", (30, 20)), format)
    assert only(data, pixel_limit=600).shape[:2] == (20, 30)
    with pytest.raises(DecodeError, match="30 x 20 pixels are more than --pixel-limit"):
        only(data, pixel_limit=599)


def test_a_bomb_is_refused_before_memory_is_spent() -> None:
    with pytest.raises(DecodeError, match="1000000 x 1000000 pixels are more"):
        only(png_of(1_000_000, 1_000_000))


def test_more_pixels_than_pillow_likes_are_no_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for format in ("PNG", "JPEG", "WEBP", "GIF", "TIFF"):
            assert only(save(Image.new("RGB", (30, 20)), format)).shape[:2] == (20, 30)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_truncated_files_are_refused(format: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = save(Image.fromarray(noise), format)
    with pytest.raises(DecodeError, match="drawn cannot be read as an image"):
        only(data[: int(len(data) * keep)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b"hello, this is text", "not an image"),
        (b"PK\x03\x04 and so on", "an archive; give it as a source"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\3", "end too early"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        only(data)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(save(Image.fromarray(COLOR), "PNG"))
    assert decode(path)[0].format == "PNG"


def test_files_that_are_no_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    for path, reason in (
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "nowhere.png", "no such file"),
    ):
        with pytest.raises(DecodeError, match=reason) as error:
            decode(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_a_large_file_is_read_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(save(Image.fromarray(COLOR), "PNG"))
    monkeypatch.setattr("parhelion.catalog._decode._WHOLE", 10)
    assert np.array_equal(decode(path)[0].pixels, COLOR)


def test_pictures_do_not_load_astropy() -> None:
    import subprocess

    code = (
        "import sys, io; from PIL import Image; b = io.BytesIO();"
        "Image.new('RGB', (4, 4)).save(b, 'PNG');"
        "from parhelion.catalog._decode import decode_bytes; decode_bytes(b.getvalue(), 'x');"
        "sys.exit('astropy' in sys.modules or 'tifffile' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_quiet_leaves_the_filters_as_they_were() -> None:
    before = list(warnings.filters)

    def nap(_: int) -> None:
        with quiet(), quiet():
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(nap, range(200)))
    assert list(warnings.filters) == before


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_arbitrary_bytes_decode_or_say_why(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_bytes(data, "arbitrary")


SEEDS = {
    "JPEG": save(Image.fromarray(np.repeat(COLOR, 4, 0)), "JPEG"),
    "PNG": save(Image.fromarray(COLOR), "PNG"),
    "GIF": save(Image.fromarray(GRAY), "GIF"),
    "WEBP": save(Image.fromarray(COLOR), "WEBP"),
    "TIFF": save(Image.fromarray(COLOR), "TIFF"),
    "PNG16": png16(np.repeat(GRAY[..., None], 3, 2).astype(np.uint16)),
}


@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_pictures_decode_or_say_why(name: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(SEEDS[name])
    for position, value in damage:
        data[position % len(data)] = value
    try:
        images = decode_bytes(bytes(data), "damaged", DecodeSettings(pixel_limit=1_000_000))
    except DecodeError as error:
        message, images = str(error), []
    else:
        message = ""
    assert "\n" not in message
    assert bool(images) != bool(message)
    assert all(i.pixels.dtype == np.uint8 and i.pixels.ndim == 3 for i in images)
    assert all(i.pixels.shape[2] in (1, 3) for i in images)


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_png_round_trip(height: int, width: int, channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    assert np.array_equal(only(save(image, "PNG")), pixels)


def test_sniffing_needs_no_suffix() -> None:
    assert {name: sniff(data) for name, data in SEEDS.items()} == {
        "JPEG": "JPEG",
        "PNG": "PNG",
        "GIF": "GIF",
        "WEBP": "WEBP",
        "TIFF": "TIFF",
        "PNG16": "PNG",
    }


def test_truncated_images_are_not_let_through_by_pillow() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
