"""Listing: what sources hold, in order, archives bounded, nothing left behind."""

import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from parhelion.catalog import Catalog, Entry, Listing, _listing
from parhelion.errors import CatalogError, InputError

GIF = b"GIF89a" + bytes(300)


def names(*sources: Path, passed: int = 0) -> list[str]:
    listing = Listing(sources)
    found = []
    for entry in listing.entries(passed):
        found.append(entry.path)
        listing.release(entry)
    return found


@pytest.fixture
def archives(tmp_path: Path) -> list[Path]:
    """A zip with a picture, text and an encrypted-looking member; a tar with a link and one up."""
    png = io.BytesIO()
    Image.new("RGB", (20, 20), (9, 9, 9)).save(png, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.png", png.getvalue())
        archive.writestr("folder/text.txt", b"words")
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        for name in ("../up.png", "two.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png.getvalue())
            tar.addfile(info, io.BytesIO(png.getvalue()))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return [tmp_path / "a.zip", tmp_path / "b.tar.gz"]


def test_folders_in_sorted_order_with_reasons(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "b").mkdir(parents=True)
    for name in ("c.png", "b/z.png", "b/a.png", "a.png"):
        (root / name).touch()
    (root / "link").symlink_to(root)
    os.mkfifo(root / "pipe")
    found = {entry.path: entry for entry in Listing([root]).entries()}
    wanted = ["a.png", "b/a.png", "b/z.png", "c.png", "link", "pipe"]
    assert list(found) == [str(root / name) for name in wanted]
    assert found[str(root / "a.png")] == Entry(
        str(root / "a.png"), root / "a.png", root / "a.png", None
    )
    assert found[str(root / "pipe")].file is None
    assert found[str(root / "pipe")].reason == "not a regular file"


def test_a_catalog_is_its_rows(galaxies: Catalog) -> None:
    (galaxies.root / "stray.png").touch()
    galaxies.files()[3].unlink()
    entries = list(Listing([galaxies.root]).entries())
    assert [entry.path for entry in entries] == [str(file) for file in galaxies.files()]
    assert [entry.reason for entry in entries if entry.file is None] == ["no such file"]


def test_archives_are_unpacked_one_at_a_time_and_cleaned_up(archives: list[Path]) -> None:
    zipped, tarred = archives
    listing = Listing(archives)
    folder: Path | None = None
    seen = []
    for entry in listing.entries():
        if entry.file is not None:
            folder = entry.file.parent
            assert entry.file.stat().st_size > 0
            assert entry.holder in archives
            assert entry.file.resolve().is_relative_to(folder.resolve())
        seen.append((entry.path, entry.reason))
        listing.release(entry)
        assert entry.file is None or not entry.file.exists()
    assert seen == [
        (f"{zipped}/one.png", None),
        (f"{zipped}/folder/text.txt", None),
        (f"{tarred}/../up.png", None),
        (f"{tarred}/two.png", None),
        (f"{tarred}/link.png", "a link in an archive is not followed"),
    ]
    assert folder is not None
    assert not folder.exists()


def test_what_is_passed_over_is_not_unpacked(archives: list[Path]) -> None:
    listing = Listing(archives)
    entries = []
    for entry in listing.entries(passed=3):
        entries.append(entry)
        listing.release(entry)
    assert [entry.path for entry in entries] == names(*archives)
    assert [entry.file is not None for entry in entries] == [False, False, False, True, False]


def test_the_last_files_stay_until_they_are_released(archives: list[Path]) -> None:
    listing = Listing(archives[:1])
    entries = listing.entries()
    first, second = next(entries), next(entries)
    assert first.file is not None
    threads = [threading.Timer(0.1, listing.release, [entry]) for entry in (first, second)]
    held = first.file.exists()
    for thread in threads:
        thread.start()
    assert next(entries, None) is None  # comes back only when both were released
    assert held
    for thread in threads:
        thread.join()


def test_large_members_wait_for_room(archives: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_listing, "_SPOOLED", 10)
    listing = Listing(archives[:1])
    entries = listing.entries()
    first = next(entries)
    assert first.file is not None
    gone: list[bool] = []
    file = first.file

    def release() -> None:
        listing.release(first)
        gone.append(not file.exists())

    timer = threading.Timer(0.1, release)
    timer.start()
    second = next(entries)
    timer.join()
    assert gone == [True]
    listing.release(second)
    entries.close()  # type: ignore[attr-defined]


def test_damaged_and_empty_archives_say_so(tmp_path: Path, archives: list[Path]) -> None:
    whole = archives[0].read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "none.zip", "w"):
        pass
    (cut,) = Listing([tmp_path / "cut.zip"]).entries()
    assert cut.reason is not None
    assert "damaged archive" in cut.reason
    (none,) = Listing([tmp_path / "none.zip"]).entries()
    assert none.reason == "an empty archive"


def test_bad_sources_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source given"):
        Listing([])
    with pytest.raises(InputError, match="does not exist"):
        Listing([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        Listing([tmp_path / "empty"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "catalog.parquet").write_bytes(b"PAR1")
    with pytest.raises(CatalogError, match=r"catalog\.parquet"):
        Listing([tmp_path / "broken"])
