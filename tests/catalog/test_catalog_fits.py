"""FITS: HDUs, cubes, compression, missing values, damage, coordinates."""

import bz2
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from parhelion.catalog import (
    DecodedImage,
    DecodeSettings,
    celestial_wcs,
    decode,
    decode_bands,
    decode_bytes,
)
from parhelion.errors import DecodeError, InputError


def field(seed: int = 0, shape: tuple[int, int] = (24, 30)) -> NDArray[np.float64]:
    """Noise with one bright spot in the lower left corner, as FITS counts."""
    image = np.random.default_rng(seed).normal(100, 5, shape)
    image[2:5, 3:6] += 3000
    return image


def to_bytes(*hdus: Any) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer, output_verify="silentfix")
    return buffer.getvalue()


def primary(data: Any, **cards: Any) -> bytes:
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(cards)
    return to_bytes(hdu)


def only(data: bytes, **options: Any) -> DecodedImage:
    (image,) = decode_bytes(data, "drawn.fits", DecodeSettings(**options))
    assert image.format == "FITS"
    return image


def spot(image: DecodedImage) -> tuple[int, int]:
    """Row and column of the brightest pixel's 3 x 3 spot."""
    gray = image.pixels.astype(int).sum(axis=2)
    rows, columns = np.nonzero(gray >= gray.max())
    return int(np.median(rows)), int(np.median(columns))


@pytest.mark.parametrize("kind", [">i2", ">i4", ">i8", ">f4", ">f8"])
def test_every_kind_of_value_and_the_first_row_at_the_bottom(kind: str) -> None:
    image = only(primary(field().astype(kind)))
    assert image.pixels.shape == (24, 30, 1)
    assert spot(image) == (20, 4)
    assert image.part is None
    assert image.recipe is not None
    assert image.recipe["stretch"]["sky"][0] == pytest.approx(100, abs=2)


def test_unsigned_integers_through_bzero() -> None:
    values = field().astype(np.uint16) + 40000
    image = only(primary(values))
    assert image.recipe is not None
    assert image.recipe["stretch"]["sky"][0] == pytest.approx(40100, abs=2)


def test_scaled_integers_with_blanks() -> None:
    raw = field().astype(np.int16)
    raw[10, 10] = -999
    hdu = fits.PrimaryHDU(raw)
    data = to_bytes(hdu)
    # astropy would apply the scale on writing: put the cards in by hand.
    header = fits.Header.fromstring(data[:2880])
    header["BSCALE"], header["BZERO"], header["BLANK"] = 0.5, 10.0, -999
    image = only(header.tostring().encode() + data[2880:])
    assert image.recipe is not None
    assert image.recipe["stretch"]["sky"][0] == pytest.approx(60, abs=1)
    assert image.recipe["stretch"]["not_finite"] == 1
    assert image.pixels[13, 10, 0] == 0


def test_bytes_are_taken_as_they_are() -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    image = only(primary(values))
    assert np.array_equal(image.pixels[..., 0], values[::-1])
    assert image.recipe is not None
    assert image.recipe["function"] == "as stored"


def test_a_cube_of_three_is_color_red_first() -> None:
    values = np.zeros((3, 2, 2), np.uint8)
    values[0, 1, 0], values[2, 0, 1] = 200, 100
    image = only(primary(values))
    assert image.pixels.tolist() == [[[200, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 100]]]
    assert only(primary(np.stack([field(), field(1), field(2)]))).pixels.shape == (24, 30, 3)


def test_color_as_the_fastest_axis() -> None:
    values = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert np.array_equal(only(primary(values)).pixels, values[::-1])


def test_a_deeper_cube_is_planes() -> None:
    images = decode_bytes(primary(np.stack([field(i) for i in range(4)])), "cube.fits")
    assert [image.part for image in images] == [f"hdu0.plane{i}" for i in (1, 2, 3, 4)]
    assert only(primary(field()[None, None])).pixels.shape == (24, 30, 1)


def test_images_among_tables_and_companions() -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.ones(500))])
    data = to_bytes(
        fits.PrimaryHDU(),
        table,
        fits.ImageHDU(field(), name="SCI"),
        fits.ImageHDU(field(), name="ERR"),
        fits.ImageHDU(np.full((5, 5), np.nan), name="SCI", ver=2),
        fits.ImageHDU(field(1), name="SCI", ver=3),
        fits.ImageHDU(np.arange(5.0)),
    )
    images = decode_bytes(data, "many.fits")
    assert [image.part for image in images] == ["hdu2", "hdu5"]


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_tile_compression(kind: str) -> None:
    values = field().astype(np.int16)
    data = to_bytes(fits.PrimaryHDU(), fits.CompImageHDU(values, compression_type=kind))
    plain = only(primary(values))
    packed = only(data)
    assert np.array_equal(packed.pixels, plain.pixels)


def test_tile_compressed_floats_with_nan() -> None:
    values = field().astype(np.float32)
    values[5, 5] = np.nan
    hdu = fits.CompImageHDU(values, compression_type="RICE_1", quantize_level=16)
    image = only(to_bytes(fits.PrimaryHDU(), hdu))
    assert image.pixels[24 - 1 - 5, 5, 0] == 0
    assert spot(image) == (20, 4)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_whole_file_compression(pack: Any) -> None:
    data = primary(field())
    assert np.array_equal(only(pack(data)).pixels, only(data).pixels)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (primary(np.full((6, 6), np.nan)), "no finite pixel"),
        (primary(np.full((6, 6), 4.0)), "same value"),
        (primary(None), "without an image"),
        (primary(np.arange(50.0)), "without an image"),
        (primary(np.arange(50.0)[None]), "50 x 1 pixels are a line"),
        (primary(np.zeros((0, 5))), "5 x 0"),
        (primary(field())[:4000], "truncated"),
        (gzip.compress(primary(field()))[:-3000], "too early"),
        (gzip.compress(b"no FITS at all" * 300), "holds no FITS image"),
        (primary(field()).replace(b"END     ", b"ENT     ", 1), "has no end"),
        (b"SIMPLE  =                    T", "has no end"),
    ],
)
def test_what_cannot_be_shown_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        only(data)


def absurd(**cards: Any) -> bytes:
    header = fits.Header.fromstring(primary(np.zeros((4, 4), np.int16))[:2880])
    header.update(cards)
    return header.tostring().encode() + bytes(2880)


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        ({"NAXIS1": 10**6, "NAXIS2": 10**6}, "1000000 x 1000000 pixels are more than"),
        ({"NAXIS1": -4}, "negative axis"),
        ({"NAXIS": 5000}, "NAXIS = 5000"),
        ({"NAXIS1": 5000, "NAXIS2": 5000}, "truncated"),
        ({"BITPIX": 17}, "BITPIX = 17"),
    ],
)
def test_absurd_headers_cost_no_memory(cards: dict[str, Any], reason: str) -> None:
    for pack in (bytes, gzip.compress):
        with pytest.raises(DecodeError, match=reason):
            only(pack(absurd(**cards)))


def test_a_compressed_file_cannot_unpack_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parhelion.catalog._fits_stream._SLACK", 20_000)
    table = fits.BinTableHDU.from_columns([fits.Column("zeros", "E", array=np.zeros(50_000))])
    data = to_bytes(fits.PrimaryHDU(), table, fits.ImageHDU(field()))
    assert len(decode_bytes(data, "plain.fits", DecodeSettings(pixel_limit=1000))) == 1
    with pytest.raises(DecodeError, match="unpacks to more than 28000 bytes"):
        only(gzip.compress(data), pixel_limit=1000)


def test_tiles_cannot_claim_more_than_the_limit() -> None:
    data = to_bytes(fits.PrimaryHDU(), fits.CompImageHDU(field().astype(np.int16)))
    with pytest.raises(DecodeError, match="30 x 24 pixels are more"):
        only(data, pixel_limit=700)
    larger = data.replace(b"ZTILE1  =                   30", b"ZTILE1  =            999999999")
    assert larger != data
    with pytest.raises(DecodeError, match="more than --pixel-limit"):
        only(larger)


def test_damage_after_an_image_leaves_the_image() -> None:
    data = to_bytes(fits.PrimaryHDU(field()), fits.ImageHDU(field(1)))
    images = decode_bytes(data[:-4000], "cut.fits")
    assert [image.part for image in images] == ["hdu0"]


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=120, deadline=None)
def test_damaged_files_decode_or_say_why(damage: list[tuple[int, int]]) -> None:
    data = bytearray(DAMAGEABLE)
    for position, value in damage:
        data[position % len(data)] = value
    try:
        images = decode_bytes(bytes(data), "damaged.fits", DecodeSettings(pixel_limit=10**6))
    except DecodeError as error:
        message, images = str(error), []
    else:
        message = ""
    assert "\n" not in message
    assert bool(images) != bool(message)
    assert all(image.pixels.dtype == np.uint8 for image in images)


WCS_CARDS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 150.0,
    "CRVAL2": 2.2,
    "CRPIX1": 12.0,
    "CRPIX2": 7.0,
    "CUNIT1": "deg",
    "CUNIT2": "deg",
}
MATRICES: list[dict[str, Any]] = [
    {"CDELT1": -1e-4, "CDELT2": 1e-4},
    {"CDELT1": -1e-4, "CDELT2": 1e-4, "CROTA2": 30.0},
    {"CD1_1": -8e-5, "CD1_2": 3e-5, "CD2_1": 3e-5, "CD2_2": 8e-5},
    {"PC1_1": 0.8, "PC1_2": 0.6, "PC2_1": -0.6, "PC2_2": 0.8, "CDELT1": -1e-4, "CDELT2": 1e-4},
    {
        "CTYPE1": "RA---TAN-SIP",
        "CTYPE2": "DEC--TAN-SIP",
        "CD1_1": -1e-4,
        "CD2_2": 1e-4,
        "A_ORDER": 2,
        "B_ORDER": 2,
        "A_2_0": 1e-3,
        "A_0_2": 2e-3,
        "A_1_1": -3e-3,
        "B_2_0": -1e-3,
        "B_0_2": 3e-3,
        "B_1_1": 1e-3,
    },
    {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CDELT1": -0.1, "CDELT2": 0.1},
]
DAMAGEABLE = primary(field(shape=(20, 20)).astype(np.int16), **WCS_CARDS, **MATRICES[2])


@pytest.mark.parametrize("matrix", MATRICES)
def test_coordinates_are_those_of_the_turned_pixels(matrix: dict[str, Any]) -> None:
    import json

    image = only(primary(field(), **{**WCS_CARDS, **matrix}))
    assert image.wcs is not None
    turned = celestial_wcs(json.loads(json.dumps(image.wcs)))
    original = WCS(fits.Header({**WCS_CARDS, **matrix}))
    x, y = np.array([0.0, 29, 4, 11.5]), np.array([0.0, 0, 20, 23])
    there = turned.pixel_to_world(x, y)
    expected = original.pixel_to_world(x, 23 - y)
    assert there.separation(expected).arcsec.max() < 1e-6


def test_distortions_that_cards_do_not_hold_are_fitted() -> None:
    """A polynomial of the general kind, as plate solutions are read, becomes SIP terms."""
    header = fits.Header({**WCS_CARDS, **MATRICES[2]})
    for axis, terms in ((1, "4: 2.0E-3"), (2, "4: -1.0E-3")):
        header[f"CQDIS{axis}"] = "TPD"
        for record in ("NAXES: 2", "AXIS.1: 1", "AXIS.2: 2", "TPD.FWD.1: 1.0", f"TPD.FWD.{terms}"):
            header.append((f"DQ{axis}", record))
    hdu = fits.PrimaryHDU(field())
    hdu.header.extend(header)
    image = only(to_bytes(hdu))
    assert image.wcs is not None
    assert not any("." in key for key in image.wcs)
    distorted = WCS(header)
    straight = WCS(fits.Header({**WCS_CARDS, **MATRICES[2]}))
    x, y = np.array([2.0, 27, 15]), np.array([3.0, 20, 12])
    expected = distorted.pixel_to_world(x, 23 - y)
    assert straight.pixel_to_world(x, 23 - y).separation(expected).arcsec.max() > 0.05
    there = celestial_wcs(image.wcs).pixel_to_world(x, y)
    assert there.separation(expected).arcsec.max() < 1e-3


def test_lookup_tables_are_left_out() -> None:
    header = {**WCS_CARDS, **MATRICES[2]}
    tables = {"CPDIS1": "LOOKUP", "CPDIS2": "LOOKUP", "D2IMDIS1": "LOOKUP", "CPERR1": 0.05}
    assert only(primary(field(), **header, **tables)).wcs == only(primary(field(), **header)).wcs


@pytest.mark.parametrize(
    "cards",
    [{}, {"CTYPE1": "FREQ", "CTYPE2": "STOKES"}, {**WCS_CARDS, "CDELT1": 0.0, "CDELT2": 1e-4}],
)
def test_no_usable_coordinates_are_none(cards: dict[str, Any]) -> None:
    assert only(primary(field(), **cards)).wcs is None


def band_files(folder: Path, shapes: Any = ((24, 30),) * 3, **cards: Any) -> list[Path]:
    paths = []
    for index, (name, shape) in enumerate(zip("irg", shapes, strict=False)):
        path = folder / f"field_{name}.fits"
        path.write_bytes(primary(field(index, shape) * (index + 1), **cards))
        paths.append(path)
    return paths


def test_three_files_make_color(tmp_path: Path) -> None:
    paths = band_files(tmp_path, **WCS_CARDS, **MATRICES[2])
    image = decode_bands(paths)
    assert image.pixels.shape == (24, 30, 3)
    assert image.pixels[19:22, 3:6].min() > 150
    assert np.median(image.pixels) < 64
    assert image.recipe is not None
    assert image.recipe["bands"] == ["field_i.fits", "field_r.fits", "field_g.fits"]
    assert "wcs_differs" not in image.recipe
    assert image.wcs == decode(paths[0])[0].wcs is not None


def test_two_files_make_color_with_the_mean_as_green(tmp_path: Path) -> None:
    red = np.zeros((24, 30)) + np.random.default_rng(0).normal(0, 1, (24, 30))
    blue = red.copy()
    red[10, 10] += 500
    blue[15, 15] += 500
    for name, values in (("r", red), ("g", blue)):
        (tmp_path / f"{name}.fits").write_bytes(primary(values))
    pixels = decode_bands([tmp_path / "r.fits", tmp_path / "g.fits"]).pixels
    assert pixels[13, 10, 0] > pixels[13, 10, 1] > pixels[13, 10, 2]
    assert pixels[8, 15, 2] > pixels[8, 15, 1] > pixels[8, 15, 0]


def test_other_coordinates_are_mentioned(tmp_path: Path) -> None:
    paths = band_files(tmp_path, **WCS_CARDS, **MATRICES[2])
    paths[1].write_bytes(primary(field(1), **{**WCS_CARDS, "CRPIX1": 13.0}, **MATRICES[2]))
    recipe = decode_bands(paths).recipe
    assert recipe is not None
    assert recipe["wcs_differs"] is True


def test_bands_that_do_not_fit(tmp_path: Path) -> None:
    paths = band_files(tmp_path, [(24, 30), (24, 31), (24, 30)])
    with pytest.raises(InputError, match="31 x 24 pixels, .* has 30 x 24"):
        decode_bands(paths)
    with pytest.raises(InputError, match="1 files as bands"):
        decode_bands(paths[:1])
    paths[1].write_bytes(primary(np.stack([field()] * 4)))
    with pytest.raises(DecodeError, match="several images"):
        decode_bands(paths)
    paths[1].write_bytes(b"text")
    with pytest.raises(DecodeError, match="not a FITS file"):
        decode_bands(paths)


def test_decoding_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    data = primary(field(), **WCS_CARDS, **MATRICES[0])
    # A card that does not follow the standard, and a date in an old form: both make astropy warn.
    data = data.replace(b"CUNIT1  = 'deg     '", b"CUNIT1  = 'DEG     '", 1)
    decode_bytes(data, "odd.fits")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
