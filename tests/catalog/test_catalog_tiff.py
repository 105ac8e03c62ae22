"""TIFF: depths, kinds of values, pages."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import DecodedImage, DecodeSettings, decode_bytes
from parhelion.catalog._decode import iterate
from parhelion.errors import DecodeError

RAMP = np.arange(48, dtype=np.float64).reshape(6, 8)


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, metadata=None, **options)
    return buffer.getvalue()


def only(data: bytes) -> DecodedImage:
    (image,) = decode_bytes(data, "drawn.tif")
    assert image.format == "TIFF"
    return image


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_give_their_high_byte(order: str, channels: int) -> None:
    values = np.repeat((RAMP * 1365).astype(np.uint16)[..., None], channels, axis=2)
    options: dict[str, Any] = {"photometric": "rgb"} if channels == 3 else {}
    image = only(tiff(values.squeeze(), byteorder=order, **options))
    assert np.array_equal(image.pixels, (values >> 8).astype(np.uint8))
    assert image.recipe is not None
    assert image.recipe["function"] == "high byte"


def test_eight_bit_color_is_taken_as_it_is() -> None:
    values = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    for options in ({}, {"compression": "zlib"}, {"planarconfig": "separate"}):
        data = values.transpose(2, 0, 1) if "planarconfig" in options else values
        image = only(tiff(data, photometric="rgb", **options))
        assert np.array_equal(image.pixels, values)
        assert image.recipe is None


def test_compressions_that_only_pillow_knows() -> None:
    buffer = io.BytesIO()
    values = (RAMP * 5).astype(np.uint8)
    Image.fromarray(values).save(buffer, "TIFF", compression="tiff_lzw")
    assert np.array_equal(only(buffer.getvalue()).pixels[..., 0], values)


def test_floats_from_0_to_1_are_a_picture() -> None:
    image = only(tiff((RAMP / 47).astype(np.float32)))
    assert np.array_equal(image.pixels[..., 0], np.rint(255 * (RAMP / 47)).astype(np.uint8))
    assert image.recipe is not None
    assert image.recipe["function"] == "linear, 0 to 1"


@pytest.mark.parametrize("kind", ["float32", "float64", "int16", "int32", "uint32"])
def test_counts_get_the_stretch(kind: str) -> None:
    image = only(tiff((RAMP * 100).astype(kind)))
    assert image.recipe is not None
    assert image.recipe["stretch"]["function"] == "asinh"
    # It keeps the order of brightness.
    assert (np.diff(image.pixels.reshape(-1).astype(int)) >= 0).all()
    assert image.pixels.max() == 255


def test_infinities_saturate_and_nan_is_black() -> None:
    values = (RAMP * 100).astype(np.float32)
    values[0, :3] = np.inf, -np.inf, np.nan
    image = only(tiff(values))
    assert image.pixels[0, :3, 0].tolist() == [255, 0, 0]
    assert image.recipe is not None
    assert image.recipe["stretch"]["not_finite"] == 3


def test_white_is_zero() -> None:
    values = np.array([[0, 65535], [0x8000, 0x7FFF]], np.uint16)
    image = only(tiff(values, photometric="miniswhite"))
    assert image.pixels[..., 0].tolist() == [[255, 0], [127, 128]]


def test_each_page_is_an_image_but_thumbnails_are_not() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for level, reduced in ((10, 0), (20, 1), (30, 0)):
            page = np.full((5, 5), level, np.uint8)
            writer.write(page, subfiletype=reduced, contiguous=False, metadata=None)
    images = decode_bytes(buffer.getvalue(), "pages.tif")
    assert [(image.part, int(image.pixels.max())) for image in images] == [
        ("page1", 10),
        ("page2", 30),
    ]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_deep_files_are_turned_too(orientation: int) -> None:
    from parhelion.catalog._pictures import orient

    values = (RAMP * 1365).astype(np.uint16)
    image = only(tiff(values, extratags=[(274, "H", 1, orientation, True)]))
    assert np.array_equal(
        image.pixels, orient((values >> 8).astype(np.uint8)[..., None], orientation)
    )


def test_alpha_at_sixteen_bits() -> None:
    values = np.full((2, 2, 4), 0xC800, np.uint16)
    values[0, :, 3] = 0xFFFF
    values[1, :, 3] = 0
    image = only(tiff(values, photometric="rgb", extrasamples=["unassalpha"]))
    assert image.pixels[..., 0].tolist() == [[200, 200], [0, 0]]


def test_a_constant_float_image_is_refused() -> None:
    with pytest.raises(DecodeError, match="every pixel has the same value"):
        only(tiff(np.full((4, 4), 7, np.float32)))


def test_complex_values_are_refused() -> None:
    with pytest.raises(DecodeError, match="complex"):
        only(tiff(np.ones((4, 4), np.complex64)))


def test_the_limit_counts_a_page() -> None:
    data = tiff(RAMP.astype(np.float32))
    with pytest.raises(DecodeError, match="8 x 6 pixels are more"):
        decode_bytes(data, "drawn.tif", DecodeSettings(pixel_limit=47))


def test_the_limit_counts_samples_that_are_no_color() -> None:
    planes = np.zeros((5, 6, 8), np.uint16)
    data = tiff(planes, photometric="minisblack", planarconfig="separate")
    assert len(only(data).pixels) == 6
    with pytest.raises(DecodeError, match="8 x 6 x 5 pixels are more"):
        decode_bytes(data, "drawn.tif", DecodeSettings(pixel_limit=48))
    color = tiff(np.zeros((6, 8, 4), np.uint16), photometric="rgb", extrasamples=["unassalpha"])
    assert len(decode_bytes(color, "drawn.tif", DecodeSettings(pixel_limit=48))) == 1


def test_pages_cannot_claim_the_same_bytes_without_end() -> None:
    side, pages = 2000, 8
    data = bytearray(tiff(np.zeros((side, side), np.uint16), compression="zlib"))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    link = start + 2 + 12 * count
    directory = data[start:link]
    for _ in range(pages - 1):
        struct.pack_into("<I", data, link, len(data))
        link = len(data) + len(directory)
        data += directory + bytes(4)
    parts = list(iterate(io.BytesIO(data), DecodeSettings(pixel_limit=side**2)))
    assert len(parts) == pages
    fit = 1 + 1032 * len(data) // side**2  # pages that a file of this size may hold
    assert 1 <= fit < pages
    assert [isinstance(part, DecodedImage) for part in parts] == [n < fit for n in range(pages)]
    assert "more than the file can hold" in parts[-1].reason
