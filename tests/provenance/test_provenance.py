"""A mark written is a mark read, in every format, and never changes the pixels."""

import bz2
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parhelion.errors import InputError
from parhelion.provenance import (
    MADE,
    fits_cards,
    mark_text,
    read_mark,
    write_animation,
    write_image,
    xmp_packet,
)

RECIPE = {"operation": "generate", "seed": 7, "note": 'a "quoted" <é> & more'}
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("made", [True, False])
def test_pictures_carry_their_mark(tmp_path: Path, suffix: str, made: bool) -> None:
    path = tmp_path / f"x{suffix}"
    write_image(path, PIXELS, recipe=RECIPE, made=made)
    mark = read_mark(path)
    assert mark is not None
    assert mark.made is made
    assert mark.source_type == (MADE if made else None)
    assert mark.recipe == RECIPE
    assert (mark.software or "").startswith("Parhelion ")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".gif"])
def test_a_picture_of_any_size_has_its_mark_read(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".gif":
        write_animation(path, [PIXELS], recipe=RECIPE, made=True)
    else:
        write_image(path, PIXELS, recipe=RECIPE, made=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(path)
    mark = read_mark(path)
    assert mark is not None
    assert mark.recipe == RECIPE


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str, channels: int) -> None:
    path = tmp_path / f"x{suffix}"
    pixels = np.ascontiguousarray(PIXELS[..., :channels])
    write_image(path, pixels, recipe={}, made=False)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_films_carry_their_mark(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    frames = [PIXELS[:19, :29], PIXELS[1:20, 1:30]]
    write_animation(path, frames, recipe=RECIPE, made=True)
    mark = read_mark(path)
    assert mark is not None
    assert mark.made
    assert mark.recipe == RECIPE


def test_fits_carries_its_mark(tmp_path: Path) -> None:
    from astropy.io import fits

    header = fits.Header()
    for keyword, value, comment in fits_cards(RECIPE, made=True):
        header[keyword] = (value, "" if keyword == "RECIPE" else comment)
    plain = {**RECIPE, "note": "ascii"}
    header["RECIPE"] = json.dumps(plain)
    fits.PrimaryHDU(np.zeros((2, 2), np.float32), header).writeto(tmp_path / "x.fits")
    mark = read_mark(tmp_path / "x.fits")
    assert mark is not None
    assert mark.made
    assert mark.recipe == plain


@pytest.mark.parametrize("name", ["x.fits", "x.fits.gz", "x.fits.bz2"])
@pytest.mark.parametrize("place", ["primary", "extension", "tiles"])
def test_fits_of_any_kind_has_its_mark_read(tmp_path: Path, name: str, place: str) -> None:
    from astropy.io import fits

    header = fits.Header(fits_cards({"seed": 7}, made=True))
    image = fits.CompImageHDU if place == "tiles" else fits.ImageHDU
    first = fits.PrimaryHDU(header=header if place == "primary" else None)
    second = image(np.zeros((8, 8), np.int16), None if place == "primary" else header)
    buffer = io.BytesIO()
    fits.HDUList([first, second]).writeto(buffer)
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(buffer.getvalue()))
    mark = read_mark(tmp_path / name)
    assert mark is not None
    assert mark.made
    assert mark.recipe == {"seed": 7}


def test_cards_that_bend_the_standard_are_still_a_mark(tmp_path: Path) -> None:
    from astropy.io import fits

    cards = ("SYNTHETC= yes", "ORIGIN  = 5", "RECIPE  = '{}", "END")
    data = fits.PrimaryHDU().header.tostring(endcard=False, padding=False)
    data += "".join(card.ljust(80) for card in cards)
    (tmp_path / "x.fits").write_bytes(data.ljust(2880).encode())
    mark = read_mark(tmp_path / "x.fits")
    assert mark is not None
    assert (mark.made, mark.software, mark.recipe) == (True, None, None)


def test_parquet_carries_its_mark(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"x": [1]})
    text = mark_text(RECIPE, made=True)
    pq.write_table(table.replace_schema_metadata({"parhelion": text}), tmp_path / "x.parquet")
    mark = read_mark(tmp_path / "x.parquet")
    assert mark is not None
    assert mark.recipe == RECIPE


def test_a_mark_by_another_program_is_read(tmp_path: Path) -> None:
    """The source type as an element, and composite, as other programs write it."""
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><I:DigitalSourceType>'
        b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
        b"</I:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    Image.fromarray(PIXELS).save(tmp_path / "x.jpg", xmp=packet)
    mark = read_mark(tmp_path / "x.jpg")
    assert mark is not None
    assert mark.made
    assert mark.recipe is None


def test_a_film_of_no_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no frames"):
        write_animation(tmp_path / "x.gif", [], recipe={}, made=True)


@pytest.mark.parametrize("name", ["x.bmp", "x"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"must be one of \.png"):
        write_image(tmp_path / name, PIXELS, recipe={}, made=True)


@pytest.mark.parametrize("data", [b"", b"SIMPLE", b"PAR1", b"....ftyp", b"\x89PNG\r\n\x1a\n", b"x"])
def test_other_files_have_no_mark(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert read_mark(path) is None


def test_the_packet_is_xml() -> None:
    from xml.etree import ElementTree

    packet = xmp_packet(RECIPE, made=True).decode()
    body = packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")]
    assert ElementTree.fromstring(body).tag == "{adobe:ns:meta/}xmpmeta"
