"""Archives: listed, unpacked one by one, bounded, never outside the spool."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from parhelion.catalog._archive import Member, list_members, opens_as_archive, unpack

GIF = b"GIF89a" + bytes(300)
TEXT = b"no image"


def make_tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def unpacked(
    path: Path, spool: Path, limit: int = 10**6
) -> tuple[list[Member], dict[int, bytes | str], str | None]:
    members, damage = list_members(path)
    found: dict[int, bytes | str] = {}
    for index, result in unpack(path, members, spool, limit):
        if isinstance(result, str):
            found[index] = result
        else:
            assert result.parent == spool
            found[index] = result.read_bytes()
            result.unlink()
    assert list(spool.iterdir()) == []
    return members, found, damage


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


MEMBERS = {"a/one.gif": GIF, "../two.gif": GIF + b"2", "/three.txt": TEXT}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar(tmp_path: Path, spool: Path, mode: str) -> None:
    suffix = mode.replace("w:", ".").replace("w", "")
    path = make_tar(tmp_path / f"all.tar{suffix}", MEMBERS, mode)
    assert opens_as_archive(path)
    members, found, damage = unpacked(path, spool)
    assert [member.name for member in members] == list(MEMBERS)
    assert found == dict(enumerate(MEMBERS.values()))
    assert damage is None


def test_zip(tmp_path: Path, spool: Path) -> None:
    path = make_zip(tmp_path / "all.zip", {**MEMBERS, "folder/": b""})
    assert opens_as_archive(path)
    members, found, damage = unpacked(path, spool)
    assert [member.name for member in members] == list(MEMBERS)
    assert found == dict(enumerate(MEMBERS.values()))
    assert damage is None


def test_links_and_devices_are_not_followed(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"entry{kind!r}")
            info.type, info.linkname = kind, "/etc/hostname"
            tar.addfile(info)
    members, found, _ = unpacked(path, spool)
    assert found == {}
    assert [member.reason for member in members] == [
        "a link in an archive is not followed",
        "a link in an archive is not followed",
        "not a regular file",
    ]


def test_a_member_cannot_unpack_without_end(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parhelion.catalog._archive._SLACK", 1000)
    monkeypatch.setattr("parhelion.catalog._archive._CHUNK", 100)
    members = {"bomb.gif": b"GIF89a" + bytes(10**6), "bomb.txt": bytes(10**6), "good.gif": GIF}
    for path in (make_zip(tmp_path / "bomb.zip", members), make_tar(tmp_path / "b.tar", members)):
        _, found, _ = unpacked(path, spool, limit=10)
        assert found[0] == "unpacks to more than 1080 bytes; raise --pixel-limit"
        # What is no image anyway is not unpacked further than its head.
        assert len(found[1]) < 1000
        assert found[2] == GIF


def test_a_damaged_zip_keeps_its_other_members(tmp_path: Path, spool: Path) -> None:
    path = make_zip(tmp_path / "cut.zip", {"a.gif": GIF * 40, "b.gif": GIF})
    data = bytearray(path.read_bytes())
    data[60:70] = b"\xff" * 10
    path.write_bytes(data)
    _, found, damage = unpacked(path, spool)
    assert "damaged in the archive" in str(found[0])
    assert found[1] == GIF
    assert damage is None


def test_a_truncated_tar_keeps_what_is_before(tmp_path: Path, spool: Path) -> None:
    path = make_tar(tmp_path / "cut.tar", {"a.gif": GIF, "b.gif": GIF * 100, "c.gif": GIF})
    path.write_bytes(path.read_bytes()[:5000])
    members, found, damage = unpacked(path, spool)
    assert found[0] == GIF
    assert damage is not None or "damage" in str(found[1])
    assert set(found) == set(range(len(members)))


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("count", [1, 60])
def test_a_header_without_end_is_not_read(
    tmp_path: Path, spool: Path, format: int, count: int
) -> None:
    path = tmp_path / "long.tar.gz"
    names = ("first.gif", "n" * 1000 + ".gif", "N" * (30_000_000 // count), "last.gif")
    with gzip.open(path, "wb") as file:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(GIF)
            header = info.tobuf(format)
            # What names the member, again and again, and then the member itself.
            file.write(header[:-512] * (count if name[0] == "N" else 1) + header[-512:])
            file.write(GIF.ljust(512, b"\0"))
    tracemalloc.start()
    members, found, damage = unpacked(path, spool)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    assert [member.name for member in members] == list(names[:2])
    assert found[0] == GIF
    assert damage is not None
    assert "before a member are more than 1048576" in damage


def test_what_is_no_archive(tmp_path: Path) -> None:
    for name, data in (("a.gif", GIF), ("b.txt", TEXT), ("c.fits.gz", b"\x1f\x8b" + bytes(30))):
        (tmp_path / name).write_bytes(data)
        assert not opens_as_archive(tmp_path / name)
    assert not opens_as_archive(tmp_path / "nowhere.zip")
    (tmp_path / "text.tar").write_bytes(TEXT)
    members, damage = list_members(tmp_path / "text.tar")
    assert members == []
    assert "damaged archive" in (damage or "")


def test_encrypted_members_are_named(tmp_path: Path, spool: Path) -> None:
    path = make_zip(tmp_path / "secret.zip", {"a.gif": GIF})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    members, found, _ = unpacked(path, spool)
    assert [member.reason for member in members] == ["encrypted"]
    assert found == {}
