"""Inspection: every kind of file, and files that are none."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any
from zlib import Z_FULL_FLUSH, compress, compressobj, crc32

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tifffile
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from hostile import ODD_MARKS
from parhelion.catalog import image_id
from parhelion.cli import main
from parhelion.detection import Detector, _inspect, inspect
from parhelion.errors import InputError
from parhelion.provenance import fits_cards, mark_text, write_animation, write_image, xmp_packet

RECIPE = {"operation": "generate", "seed": 7}


def _look(path: Path, model: Detector | None = None) -> dict[str, Any]:
    found = inspect(path, model)
    assert found == json.loads(json.dumps(found))
    assert list(found) == [
        "path",
        "summary",
        "bytes",
        "kind",
        "mark",
        "metadata",
        "images",
        "problem",
        "verdicts",
    ]
    assert found["bytes"] == path.stat().st_size
    return found


def test_a_made_image_says_so(tmp_path: Path, galaxy: NDArray[np.uint8]) -> None:
    write_image(tmp_path / "a.png", galaxy, recipe=RECIPE, made=True)
    found = _look(tmp_path / "a.png")
    assert found["kind"] == "image"
    assert found["mark"]["made"]
    assert found["mark"]["recipe"] == RECIPE
    assert found["metadata"]["format"] == "PNG"
    assert found["images"] == [
        {"part": None, "width": 32, "height": 32, "channels": 3, "image_id": image_id(galaxy)}
    ]
    assert found["problem"] is None
    assert found["verdicts"] is None
    assert found["summary"].startswith("Made by Parhelion")
    assert found["summary"].endswith("the file's own mark says so.")


def test_a_camera_s_exif_is_shown(tmp_path: Path, galaxy: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x010E] = "Maker", "Model 1", "x" * 500
    Image.fromarray(galaxy).save(tmp_path / "a.jpg", exif=exif, quality=100)
    found = _look(tmp_path / "a.jpg")
    assert found["mark"] is None
    assert found["metadata"]["exif"]["make"] == "Maker"
    assert found["metadata"]["exif"]["model"] == "Model 1"
    assert len(found["metadata"]["exif"]["description"]) == 203
    assert found["metadata"]["quantization_sum"] == 128


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_fits_file_shows_its_header(name: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(10, 1, (24, 20)).astype(">f4")
    header = fits.Header({"OBJECT": "M 51", "TELESCOP": "KPNO", "CTYPE1": "RA---TAN"})
    fits.PrimaryHDU(values, header).writeto(tmp_path / "a.fits")
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    found = _look(tmp_path / name)
    assert found["kind"] == "FITS"
    (part,) = found["metadata"]["hdus"]
    assert (part["OBJECT"], part["TELESCOP"]) == ("M 51", "KPNO")
    assert (part["shape"], part["bits"], part["sky_coordinates"]) == ([20, 24], -32, True)
    assert (found["images"][0]["width"], found["images"][0]["height"]) == (20, 24)


@pytest.mark.parametrize(
    ("card", "name", "shown"),
    [
        ("EXPTIME = 12:30:00", "EXPTIME", "12:30:00"),
        ("OBJECT  = 'M 51", "OBJECT", "'M 51"),
    ],
)
def test_a_card_that_bends_the_standard_is_shown_as_written(
    card: str, name: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(0).normal(10, 1, (24, 20)).astype(">f4")
    fits.PrimaryHDU(values, fits.Header({"FILLER": 1})).writeto(tmp_path / "a.fits")
    data = (tmp_path / "a.fits").read_bytes()
    at = data.index(b"FILLER")
    data = data[:at] + card.ljust(80).encode() + data[at + 80 :]
    (tmp_path / "a.fits").write_bytes(data)
    found = _look(tmp_path / "a.fits")
    assert (found["problem"], len(found["images"])) == (None, 1)
    assert found["metadata"]["hdus"][0][name] == shown
    assert main(["inspect", str(tmp_path / "a.fits"), "--no-verdict"]) == 0
    assert shown in capsys.readouterr().out


def test_damage_within_a_compressed_file_is_a_problem(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    values = np.arange(64.0).reshape(8, 8)
    fits.HDUList([fits.PrimaryHDU(values), fits.ImageHDU(values)]).writeto(buffer)
    packer = compressobj(wbits=31)  # as gzip
    packed = packer.compress(buffer.getvalue()[:-2880]) + packer.flush(Z_FULL_FLUSH)
    (tmp_path / "a.fits").write_bytes(packed + b"\xff" * 20_000)  # no deflate block begins so
    assert "while decompressing" in _look(tmp_path / "a.fits")["problem"]


@pytest.mark.parametrize("name", ["a.fits.gz", "a.fits.fz"])
def test_the_mark_of_a_compressed_fits_file_is_told(tmp_path: Path, name: str) -> None:
    header = fits.Header(fits_cards(RECIPE, made=True))
    values = np.random.default_rng(0).normal(10, 1, (24, 20)).astype(np.float32)
    kind = fits.CompImageHDU if name.endswith(".fz") else fits.ImageHDU
    fits.HDUList([fits.PrimaryHDU(), kind(values, header)]).writeto(tmp_path / name)
    found = _look(tmp_path / name)
    assert found["mark"]["recipe"] == RECIPE
    assert found["summary"].startswith("Made by Parhelion")


def test_a_truth_table_shows_its_rows(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0, 2.0]})
    table = table.replace_schema_metadata({"parhelion": mark_text(RECIPE, made=True)})
    pq.write_table(table, tmp_path / "truth.parquet")
    found = _look(tmp_path / "truth.parquet")
    assert found["kind"] == "Parquet"
    assert found["metadata"] == {"format": "Parquet", "rows": 2, "columns": ["x"]}
    assert found["mark"]["made"]
    assert found["images"] == []
    assert found["problem"] is None


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_moving_pictures(suffix: str, tmp_path: Path) -> None:
    frames = [np.full((16, 16, 3), shade, np.uint8) for shade in (0, 90, 180)]
    path = tmp_path / f"walk.{suffix}"
    write_animation(path, frames, recipe=RECIPE, made=True)
    found = _look(path)
    assert found["kind"] == {"gif": "image", "mp4": "film"}[suffix]
    assert found["metadata"]["frames"] == 3
    assert found["metadata"]["width"] == 16
    assert found["mark"]["made"]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("empty.png", b"", "unknown"),
        ("text.jpg", b"hello", "unknown"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "unknown"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "unknown"),
        ("cut.fits", b"SIMPLE  =                    T", "FITS"),
        ("cut.fits.gz", b"\x1f\x8b\x08\x00", "unknown"),
        ("cut.mp4", b"\x00\x00\x00\x18ftypmp42", "film"),
        ("cut.parquet", b"PAR1....PAR1", "Parquet"),
    ],
)
def test_damaged_files_have_a_problem_and_no_more(
    name: str, data: bytes, kind: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    found = _look(tmp_path / name)
    assert found["kind"] == kind
    assert found["problem"]
    assert found["images"] == []


def test_a_bomb_is_described_and_not_unpacked(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", compress(b"0"))
    (tmp_path / "bomb.png").write_bytes(png + chunk(b"IEND", b""))
    found = _look(tmp_path / "bomb.png")
    assert found["kind"] == "image"
    assert found["images"] == []
    assert "pixels" in found["problem"]


def test_a_view_too_large_to_decode_still_tells_its_mark(tmp_path: Path) -> None:
    side = 20_000  # 400 megapixels: more than --pixel-limit, and more than Pillow opens
    packet = xmp_packet(RECIPE, made=True)
    path = tmp_path / "view.tiff"
    empty = compress(bytes(256 * 256))
    with tifffile.TiffWriter(path) as out:
        out.write(
            iter([empty] * (-(-side // 256)) ** 2),
            shape=(side, side),
            dtype=np.uint8,
            tile=(256, 256),
            photometric="minisblack",
            compression="zlib",
            extratags=[(700, "B", len(packet), packet, True)],
            metadata=None,
        )
    found = _look(path)
    assert found["kind"] == "image"
    assert found["mark"]["recipe"] == RECIPE
    assert (found["metadata"]["width"], found["images"]) == (side, [])
    assert "--pixel-limit" in found["problem"]
    assert found["summary"].startswith("Made by Parhelion")


def test_a_mark_is_told_beside_damaged_metadata(
    tmp_path: Path, galaxy: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> dict[str, Any]:
        raise ValueError("bad EXIF")

    monkeypatch.setattr(_inspect, "metadata_of", damaged)
    write_image(tmp_path / "a.png", galaxy, recipe=RECIPE, made=True)
    found = _look(tmp_path / "a.png")
    assert found["mark"]["made"]
    assert found["problem"] == "damaged metadata: bad EXIF"


@pytest.mark.parametrize("comment", ODD_MARKS)
def test_what_only_looks_like_a_mark_is_none(
    tmp_path: Path, comment: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (16, 16)).save(tmp_path / "a.gif", comment=comment)
    assert _look(tmp_path / "a.gif")["mark"] is None
    assert main(["inspect", str(tmp_path / "a.gif"), "--no-verdict"]) == 0
    assert "mark        none" in capsys.readouterr().out


def test_with_a_model_there_is_a_verdict(
    tmp_path: Path, galaxy: NDArray[np.uint8], detector: Detector
) -> None:
    Image.fromarray(galaxy).save(tmp_path / "a.png")
    (verdict,) = _look(tmp_path / "a.png", detector)["verdicts"]
    assert 0 <= verdict["probability_made"] <= 1
    (tmp_path / "b.txt").write_text("no image")
    (none,) = _look(tmp_path / "b.txt", detector)["verdicts"]
    assert none["verdict"] == "cannot tell"
    summary = inspect(tmp_path / "b.txt", detector)["summary"]
    assert summary.startswith("It cannot be judged: not an image")


@pytest.mark.parametrize(
    ("band", "probability", "made", "words"),
    [
        ([0.0, 0.0], 1.0, True, ["Made by Parhelion", "the file's own mark", "pixels agree"]),
        ([1.0, 1.0], 0.0, True, ["Made by Parhelion", "reads no marks, takes it for observed"]),
        ([0.0, 1.0], 0.5, True, ["Made by Parhelion", "By its pixels it cannot be told"]),
        ([0.0, 0.0], 1.0, None, ["looks made by a model", "the file itself says nothing"]),
        ([1.0, 1.0], 0.0, None, ["looks observed", "the file itself says nothing"]),
        ([1.0, 1.0], 0.0, False, ["Written by Parhelion", "does not call it made", "observed"]),
    ],
)
def test_the_summary_says_first_what_the_mark_does(
    band: list[float],
    probability: float,
    made: bool | None,
    words: list[str],
    tmp_path: Path,
    galaxy: NDArray[np.uint8],
    detector: Detector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "a.png"
    if made is None:
        Image.fromarray(galaxy).save(path)
    else:
        write_image(path, galaxy, recipe=RECIPE, made=made)
    card = {**detector.card, "bands": [[0, *band]], "domain_limit": 1e9}
    judge = Detector(detector.network, detector.domain, card, detector.device, 4)
    sure = np.array([probability])
    monkeypatch.setattr(judge, "probability_made", lambda _: np.clip(sure, 1e-9, 1 - 1e-9))
    summary = _look(path, judge)["summary"]
    places = [summary.index(word) for word in words]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2"])
def test_an_archive_is_named_and_left_alone(tmp_path: Path, detector: Detector, name: str) -> None:
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(tmp_path / "a.png")
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(tmp_path / "a.png", "a.png")
    else:
        packing = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2"}.get(name.rpartition(".")[2], "w")
        with tarfile.open(tmp_path / name, packing) as tar:
            tar.add(tmp_path / "a.png", "a.png")
    found = _look(tmp_path / name, detector)
    assert (found["kind"], found["images"], found["verdicts"]) == ("archive", [], [])
    assert found["summary"] == "Its pixels were not judged: archive files are not."


def test_one_screen(
    tmp_path: Path,
    galaxy: NDArray[np.uint8],
    run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = {**RECIPE, "words": "\x1b[2J" + "long " * 100}
    write_image(tmp_path / "a.png", galaxy, recipe=recipe, made=True)
    assert main(["inspect", str(tmp_path / "a.png"), "--model", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(tmp_path / "a.png")
    assert lines[1].startswith("Made by Parhelion")
    assert len(lines) < 24
    assert max(len(line) for line in lines[1:]) <= 100
    assert not any("\x1b" in line for line in lines)
    names = [line.split()[0] for line in lines[lines.index("") + 1 :] if line[0] != " "]
    assert names == ["verdict", "mark", "recipe", "file", "image", "metadata"]
    assert main(["inspect", str(tmp_path / "a.png"), "--no-verdict", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        inspect(tmp_path / "absent.png", None)
    with pytest.raises(InputError, match="not a regular file"):
        inspect(tmp_path, None)
