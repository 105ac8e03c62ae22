"""Ingest: everything is in the catalog or in rejected.parquet, and always in the same way."""

import bz2
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from astropy.io import fits
from PIL import Image, UnidentifiedImageError

from drawn_galaxy import draw_galaxy
from parhelion.catalog import (
    Catalog,
    IngestSettings,
    celestial_wcs,
    decode,
    image_id,
    ingest,
    open_catalog,
)
from parhelion.errors import CatalogError, InputError, SettingsError
from parhelion.provenance import mark_text, read_mark, write_animation, write_image, xmp_packet

ALONE = IngestSettings(workers=1)
WCS_CARDS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 150.0,
    "CRVAL2": 2.2,
    "CRPIX1": 8.0,
    "CRPIX2": 6.0,
    "CDELT1": -1e-4,
    "CDELT2": 1e-4,
}


def png(path: Path, seed: int = 0, size: int = 16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_galaxy(seed, size)).save(path)
    return path


def counts(seed: int, shape: tuple[int, ...] = (12, 16)) -> np.ndarray:
    image = np.random.default_rng(seed).normal(100, 5, shape)
    image[..., 4:7, 5:8] += 2000
    return image


def fits_file(path: Path, data: np.ndarray, **cards: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(cards)
    hdu.writeto(buffer)
    raw = buffer.getvalue()
    path.write_bytes(bz2.compress(raw) if path.suffix == ".bz2" else raw)
    return path


def rejected(out: Path) -> dict[str, str]:
    rows = pq.read_table(out / "rejected.parquet").to_pylist()
    return {row["source"]: row["reason"] for row in rows}


def check(catalog: Catalog) -> None:
    """Every row tells the truth about its file."""
    for row, file in zip(catalog.rows(), catalog.files(), strict=True):
        image = decode(file)[0]
        assert row["image_id"] == image_id(image.pixels)
        assert (row["height"], row["width"]) == image.pixels.shape[:2]
        assert row["format"] == image.format


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for index, name in enumerate(("spiral/a.png", "spiral/b.png", "flat/a.png", "loose.png")):
        png(root / name, index)
    (root / "README.txt").write_text("about these images")
    return root


def test_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    catalog = ingest([folder], out, ALONE)
    assert catalog.column("path") == [
        "images/flat/a.png",
        "images/_/loose.png",
        "images/spiral/a.png",
        "images/spiral/b.png",
    ]
    assert catalog.column("label") == ["flat", None, "spiral", "spiral"]
    assert catalog.column("source")[0] == "source/flat/a.png"
    assert set(catalog.column("origin")) == {"observed"}
    assert catalog.column("group_id") == catalog.column("image_id")
    assert catalog.column("recipe") == [None] * 4
    assert (out / "images/spiral/a.png").read_bytes() == (folder / "spiral/a.png").read_bytes()
    assert "not an image" in rejected(out)["source/README.txt"]
    assert (out / "settings.json").is_file()
    assert not list(out.glob(".*"))
    check(open_catalog(out))


def archive_of(folder: Path, path: Path) -> Path:
    files = sorted(item for item in folder.rglob("*") if item.is_file())
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w:gz") as tar:
            for file in files:
                tar.add(file, str(file.relative_to(folder.parent)))
    return path


@pytest.mark.parametrize("name", ["all.zip", "all.tar.gz"])
def test_an_archive_is_as_its_folder(folder: Path, tmp_path: Path, name: str) -> None:
    one = ingest([folder], tmp_path / "one", ALONE)
    two = ingest([archive_of(folder, tmp_path / name)], tmp_path / "two", ALONE)
    for column in ("image_id", "path", "label", "group_id", "width", "format"):
        assert sorted(zip(one.column("path"), one.column(column), strict=True), key=str) == sorted(
            zip(two.column("path"), two.column(column), strict=True), key=str
        )
    assert two.column("source")[0].startswith(f"{name}/source/")
    assert list(rejected(tmp_path / "two")) == [f"{name}/source/README.txt"]
    check(two)


def test_the_number_of_processes_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(150):
        png(folder / f"many/{index:03d}.png", index % 40, 8)
    monkeypatch.setattr("parhelion.catalog._ingest._FILES_A_HELPER", 40)
    results = []
    for workers in (1, 3):
        out = tmp_path / f"out{workers}"
        catalog = ingest([folder], out, IngestSettings(workers=workers))
        files = {path: (out / path).read_bytes() for path in catalog.column("path")}
        results.append((catalog.table, pq.read_table(out / "rejected.parquet"), files))
    assert results[0][0].equals(results[1][0])
    assert results[0][1].equals(results[1][1])
    assert results[0][2] == results[1][2]


def test_single_files_and_any_mix(folder: Path, tmp_path: Path) -> None:
    sources = [folder / "loose.png", archive_of(folder, tmp_path / "all.zip"), folder / "spiral"]
    catalog = ingest(sources, tmp_path / "out", ALONE)
    assert len(catalog) == 1 + 4 + 2
    assert len(set(catalog.column("path"))) == 7
    # The same pixels are one group, however often they come.
    assert len(set(catalog.column("group_id"))) == 4
    check(catalog)


def test_turned_copies_share_a_group(tmp_path: Path) -> None:
    root = tmp_path / "source"
    png(root / "a.png", 1, 64)
    Image.fromarray(np.rot90(draw_galaxy(1, 64))).save(root / "b.png")
    png(root / "c.png", 2, 64)
    catalog = ingest([root], tmp_path / "out", ALONE)
    a, b, c = catalog.column("group_id")
    assert a == b != c
    apart = IngestSettings(workers=1, near_duplicates=False)
    assert len(set(ingest([root], tmp_path / "apart", apart).column("group_id"))) == 3


def test_bands_become_color_with_coordinates(tmp_path: Path) -> None:
    root = tmp_path / "source"
    for index, band in enumerate("gri"):
        fits_file(root / f"field_{band}.fits.bz2", counts(index), **WCS_CARDS)
    fits_file(root / "other_g.fits", counts(5))
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("path") == ["images/_/field_irg.png", "images/_/other_g.png"]
    recipe = catalog.recipes()[0]
    assert recipe["bands"] == [f"source/field_{band}.fits.bz2" for band in "irg"]
    assert recipe["operation"] == "decode"
    assert decode(catalog.files()[0])[0].pixels.shape == (12, 16, 3)
    place = celestial_wcs(recipe["wcs"]).pixel_to_world(7, 12 - 1 - 5)
    assert (place.ra.deg, place.dec.deg) == pytest.approx((150.0, 2.2))
    mark = read_mark(catalog.files()[0])
    assert mark is not None
    assert not mark.made
    check(catalog)


def test_bands_that_do_not_fit_stay_alone_but_together(tmp_path: Path) -> None:
    root = tmp_path / "source"
    fits_file(root / "field_g.fits", counts(0))
    fits_file(root / "field_r.fits", counts(1, (12, 18)))
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("path") == ["images/_/field_g.png", "images/_/field_r.png"]
    assert len(set(catalog.column("group_id"))) == 1
    fits_file(root / "field_r.fits", counts(1))
    off = ingest([root], tmp_path / "off", IngestSettings(workers=1, bands="off"))
    assert len(off) == 2
    assert len(set(off.column("group_id"))) == 1


def test_further_bands_stay_with_their_field(tmp_path: Path) -> None:
    root = tmp_path / "source"
    for index, band in enumerate("ugriz"):
        fits_file(root / f"field_{band}.fits", counts(index))
    catalog = ingest([root], tmp_path / "out", ALONE)
    names = sorted(Path(path).name for path in catalog.column("path"))
    assert names == ["field_irg.png", "field_u.png", "field_z.png"]
    assert len(set(catalog.column("group_id"))) == 1


def test_bands_in_an_archive(tmp_path: Path) -> None:
    root = tmp_path / "source"
    for index, band in enumerate("gri"):
        fits_file(root / f"field_{band}.fits", counts(index))
    (root / "field_g.fits").rename(root / "zz_g.fits")
    fits_file(root / "zz_r.fits", counts(9))
    catalog = ingest([archive_of(root, tmp_path / "all.tar.gz")], tmp_path / "out", ALONE)
    names = sorted(Path(path).name for path in catalog.column("path"))
    assert names == ["field_ir.png", "zz_rg.png"]
    check(catalog)


def test_every_image_of_a_file_has_a_row(tmp_path: Path) -> None:
    root = tmp_path / "source"
    root.mkdir()
    hdus = [fits.PrimaryHDU(counts(0)), fits.ImageHDU(counts(1)), fits.ImageHDU(np.zeros((4, 4)))]
    fits.HDUList(hdus).writeto(root / "many.fits")
    fits_file(root / "cube.fits", counts(2, (4, 12, 16)))
    with tifffile.TiffWriter(root / "pages.tif") as writer:
        for seed in range(2):
            writer.write(draw_galaxy(seed, 16), contiguous=False, metadata=None)
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert [Path(path).name for path in catalog.column("path")] == [
        *(f"cube~hdu0-plane{index}.png" for index in (1, 2, 3, 4)),
        "many~hdu0.png",
        "many~hdu1.png",
        "pages~page1.png",
        "pages~page2.png",
    ]
    groups = catalog.column("group_id")
    # Planes and pages show one thing, extensions another each.
    assert [len(set(part)) for part in (groups[:4], groups[4:6], groups[6:])] == [1, 2, 1]
    assert list(rejected(tmp_path / "out")) == ["source/many.fits[hdu2]"]
    check(catalog)


def test_deep_pictures_become_png_with_a_recipe(tmp_path: Path) -> None:
    root = tmp_path / "source"
    root.mkdir()
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    Image.fromarray(values).save(root / "deep.png")
    tifffile.imwrite(root / "float.tif", counts(3).astype(np.float32))
    tifffile.imwrite(root / "plain.tif", draw_galaxy(1, 16), photometric="rgb")
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("format") == ["PNG", "PNG", "TIFF"]
    deep, counted, plain = catalog.recipes()
    assert (deep["depth"], deep["function"]) == (16, "high byte")
    assert counted["stretch"]["function"] == "asinh"
    assert plain == {}
    assert np.array_equal(decode(catalog.files()[0])[0].pixels[..., 0], (values >> 8))
    check(catalog)


def test_suffixes_say_what_the_file_is(tmp_path: Path) -> None:
    root = tmp_path / "source"
    png(root / "wrong.png").rename(root / "wrong.jpg")
    png(root / "bare.png").rename(root / "bare")
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("path") == ["images/_/bare.png", "images/_/wrong.png"]


def test_names_that_meet_are_told_apart(tmp_path: Path) -> None:
    root = tmp_path / "source"
    for index, name in enumerate(("a b/x.png", "a_b/x.png", "a_b/X.png", "a_b/x.jpeg")):
        png(root / name.replace(".jpeg", ".png"), index)
        if name.endswith(".jpeg"):
            Image.fromarray(draw_galaxy(index, 16)).save(root / name)
    catalog = ingest([root], tmp_path / "out", ALONE)
    lower = [path.lower() for path in catalog.column("path")]
    assert len(set(lower)) == len(lower)
    assert {path.rpartition("/")[0] for path in lower} == {"images/a_b"}
    assert set(catalog.column("label")) == {"a b", "a_b"}
    check(catalog)


def test_what_a_model_made_does_not_become_observed(tmp_path: Path) -> None:
    root = tmp_path / "source"
    root.mkdir()
    recipe = {"operation": "generate", "origin": "gan", "seed": 3}
    for index, name in enumerate(("a.png", "b.jpg", "c.webp", "d.tif")):
        write_image(root / name, draw_galaxy(index, 16), recipe=recipe, made=True)
    write_image(root / "e.png", draw_galaxy(5, 16), recipe={"what": "else"}, made=True)
    write_image(root / "f.png", draw_galaxy(6, 16), recipe={"operation": "crop"}, made=False)
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("origin") == ["gan"] * 4 + ["text_to_image", "observed"]
    assert catalog.recipes()[:4] == [recipe] * 4
    assert all((mark := read_mark(file)) and mark.made for file in catalog.files()[:5])


def behind_the_pixels(data: bytes) -> bytes:
    """Move the XMP chunk of a PNG behind its pixels, as ExifTool did before version 11.63."""
    start = data.index(b"iTXtXML:com.adobe.xmp") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    return data[:start] + data[end:-12] + data[start:end] + data[-12:]


def packed(data: bytes) -> bytes:
    """Compress the text of a PNG's XMP chunk, wherever it is."""
    start = data.index(b"iTXtXML:com.adobe.xmp") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    keyword, _, text = data[start + 8 : end - 4].partition(b"\0\0\0\0\0")
    chunk = b"iTXt" + keyword + b"\0\1\0\0\0" + zlib.compress(text)
    whole = (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    return data[:start] + whole + data[end:]


@pytest.mark.parametrize(
    "change", [behind_the_pixels, lambda data: behind_the_pixels(packed(data))]
)
def test_a_mark_behind_the_pixels_of_a_png_is_found(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "a.png"
    write_image(path, draw_galaxy(0, 16), recipe={"origin": "gan"}, made=True)
    path.write_bytes(change(path.read_bytes()))
    with Image.open(path) as image:
        assert "xmp" not in image.info
    assert ingest([path], tmp_path / "out", ALONE).column("origin") == ["gan"]


def test_a_mark_in_any_kind_of_tiff_is_found(tmp_path: Path) -> None:
    packet = xmp_packet({"origin": "gan"}, made=True)
    for name, dtype in (("a.tif", np.float32), ("b.tif", np.float64)):
        values = draw_galaxy(0, 16).astype(dtype) * 10
        tag = [(700, "B", len(packet), packet, True)]
        tifffile.imwrite(tmp_path / name, values, photometric="rgb", metadata=None, extratags=tag)
        with pytest.raises(UnidentifiedImageError):
            Image.open(tmp_path / name)
    files = sorted(tmp_path.glob("*.tif"))
    assert ingest(files, tmp_path / "out", ALONE).column("origin") == ["gan", "gan"]


def test_a_mark_cut_into_the_blocks_of_a_gif_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    before = mark_text({"origin": "gan", "pad": ""}, made=True).index("Parhelion")
    recipe = {"origin": "gan", "pad": "x" * (250 - before)}
    write_animation(path, [draw_galaxy(0, 16)], recipe=recipe, made=True)
    assert b"arhelion" not in path.read_bytes()  # its first block ends after 255 bytes
    assert ingest([path], tmp_path / "out", ALONE).column("origin") == ["gan"]


def test_what_was_derived_keeps_its_lineage(tmp_path: Path) -> None:
    root = tmp_path / "source"
    parent = draw_galaxy(0, 48)
    png(root / "parent.png", 0, 48)
    descends = {"parent_id": image_id(parent)}
    recipes = {
        # Nothing alike: only their marks tell that they belong together.
        "enhanced.png": {"operation": "enhance", "scale": 2, **descends},
        "augmented.jpg": {"operation": "augment", "changes": [], **descends},
        "orphan-a.tif": {"operation": "augment", "parent_id": "f" * 32},
        "orphan-b.png": {"operation": "enhance", "parent_id": "f" * 32},
        "smaller.png": {"operation": "resize", "side": 48, **descends},
        "cutout.png": {"operation": "cutout", "box": [0, 0, 48, 48]},
    }
    for index, (name, recipe) in enumerate(recipes.items(), 1):
        write_image(root / name, draw_galaxy(index, 48), recipe=recipe, made=False)
    varied = {"operation": "vary", "origin": "image_to_image", **descends}
    write_image(root / "varied.png", draw_galaxy(9, 48), recipe=varied, made=True)
    catalog = ingest([root], tmp_path / "out", ALONE)
    rows = {Path(item["path"]).name: item for item in catalog.rows()}
    assert {name: item["origin"] for name, item in rows.items()} == {
        "parent.png": "observed",
        "enhanced.png": "enhanced",
        "augmented.jpg": "augmented",
        "orphan-a.tif": "augmented",
        "orphan-b.png": "enhanced",
        "smaller.png": "observed",
        "cutout.png": "observed",
        "varied.png": "image_to_image",
    }
    for name in ("enhanced.png", "augmented.jpg", "orphan-a.tif", "orphan-b.png"):
        assert json.loads(rows[name]["recipe"]) == recipes[name]
        assert rows[name]["parent_id"] == recipes[name]["parent_id"]
    family = {"parent.png", "enhanced.png", "augmented.jpg", "varied.png"}
    orphans = {"orphan-a.tif", "orphan-b.png"}
    groups = {name: item["group_id"] for name, item in rows.items()}
    assert {name for name in rows if groups[name] == groups["parent.png"]} == family
    assert {name for name in rows if groups[name] == groups["orphan-a.tif"]} == orphans
    # And so again from the catalog's own files.
    again = ingest([tmp_path / "out" / "images"], tmp_path / "again", ALONE)
    assert sorted(again.column("origin")) == sorted(catalog.column("origin"))


def test_pages_of_a_derived_file_are_derived(tmp_path: Path) -> None:
    packet = xmp_packet({"operation": "augment", "parent_id": "f" * 32}, made=False)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as writer:
        for seed in range(2):
            tag = [(700, "B", len(packet), packet, True)]
            writer.write(draw_galaxy(seed, 16), contiguous=False, metadata=None, extratags=tag)
    catalog = ingest([tmp_path / "pages.tif"], tmp_path / "out", ALONE)
    assert catalog.column("origin") == ["augmented"] * 2
    assert catalog.column("parent_id") == ["f" * 32] * 2
    assert not any((mark := read_mark(file)) and mark.made for file in catalog.files())
    again = ingest(catalog.files(), tmp_path / "again", ALONE)
    assert again.column("origin") == ["augmented"] * 2
    assert again.column("parent_id") == ["f" * 32] * 2


def test_a_made_fits_file_stays_made(tmp_path: Path) -> None:
    from parhelion.provenance import fits_cards

    root = tmp_path / "source"
    cards = fits_cards({"operation": "widefield", "origin": "gan"}, made=True)
    path = fits_file(root / "wide.fits", counts(0), **{key: value for key, value, _ in cards})
    packed = fits_file(root / "packed.fits.bz2", counts(1))
    packed.write_bytes(bz2.compress(path.read_bytes()))
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("origin") == ["gan", "gan"]
    mark = read_mark(catalog.files()[0])
    assert mark is not None
    assert mark.made


def test_the_mark_of_a_primary_header_holds_for_its_extensions(tmp_path: Path) -> None:
    from parhelion.provenance import fits_cards

    root = tmp_path / "source"
    root.mkdir()
    header = fits.Header(fits_cards({"origin": "gan"}, made=True))
    for seed, name in enumerate(("alone", "field_r", "field_g")):
        parts = [fits.PrimaryHDU(header=header), fits.ImageHDU(counts(seed))]
        fits.HDUList(parts).writeto(root / f"{name}.fits")
    catalog = ingest([root], tmp_path / "out", ALONE)
    assert catalog.column("origin") == ["gan", "gan"]
    assert [len(recipe.get("bands", ())) for recipe in catalog.recipes()] == [0, 2]


def test_a_given_origin_comes_with_a_recipe(folder: Path, tmp_path: Path) -> None:
    settings = IngestSettings(workers=1, origin="diffusion")
    catalog = ingest([folder], tmp_path / "out", settings)
    assert set(catalog.column("origin")) == {"diffusion"}
    assert catalog.recipes()[0] == {"operation": "ingest", "origin": "diffusion"}


def test_a_large_file_is_copied_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parhelion.catalog._decode._WHOLE", 100)
    catalog = ingest([folder / "loose.png"], tmp_path / "out", ALONE)
    assert catalog.files()[0].read_bytes() == (folder / "loose.png").read_bytes()
    check(catalog)


def test_an_existing_catalog_is_kept_unless_told(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ingest([folder], out, ALONE)
    before = open_catalog(out).table
    with pytest.raises(CatalogError, match="already holds a catalog"):
        ingest([folder / "spiral"], out, ALONE)
    assert open_catalog(out).table.equals(before)
    again = ingest([folder / "spiral"], out, IngestSettings(workers=1, overwrite=True))
    assert len(again) == 2
    assert sorted(path.name for path in (out / "images").rglob("*.png")) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("sources", "out", "message"),
    [
        (["nowhere"], "out", "nowhere' does not exist"),
        ([], "out", "no source given"),
        (["source"], "source/out", "lies inside the source"),
        (["source"], "source", "lies inside the source"),
        (["out/images/x"], "out", "lies inside the images of --out"),
    ],
)
def test_wrong_use(
    folder: Path, tmp_path: Path, sources: list[str], out: str, message: str
) -> None:
    png(tmp_path / "out/images/x/a.png")
    with pytest.raises(InputError, match=message):
        ingest([tmp_path / source for source in sources], tmp_path / out, ALONE)


def test_nothing_usable_is_one_line_and_keeps_the_reasons(tmp_path: Path) -> None:
    root = tmp_path / "source"
    root.mkdir()
    (root / "a.txt").write_text("text")
    (root / "b.jpg").write_bytes(b"")
    out = tmp_path / "out"
    with pytest.raises(InputError, match="nothing usable in .*source: 2 rejected") as error:
        ingest([root], out, ALONE)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    assert set(rejected(out)) == {"source/a.txt", "source/b.jpg"}
    assert not (out / "catalog.parquet").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="there is no file"):
        ingest([tmp_path / "empty"], tmp_path / "out2", ALONE)


def test_a_killed_ingest_is_run_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "import os, sys; import parhelion.catalog._ingest as i;"
        "i.write_catalog = lambda *a, **k: os._exit(9);"
        "from parhelion.catalog._settings import IngestSettings as S;"
        "i.ingest([sys.argv[1]], sys.argv[2], S(workers=1))"
    )
    arguments = [sys.executable, "-c", code, str(folder), str(out)]
    assert subprocess.run(arguments).returncode == 9
    assert list((out / "images").rglob("*.png"))
    with pytest.raises(CatalogError, match="not a catalog"):
        open_catalog(out)
    check(ingest([folder], out, ALONE))


def test_an_empty_and_a_damaged_archive(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    path = archive_of(folder, tmp_path / "cut.tar.gz")
    path.write_bytes(path.read_bytes()[:-200])
    out = tmp_path / "out"
    sources = [tmp_path / "empty.zip", path, folder / "loose.png"]
    ingest(sources, out, ALONE)
    reasons = rejected(out)
    assert reasons["empty.zip"] == "an empty archive"
    assert any("damage" in reason for reason in reasons.values())


def test_settings_are_checked() -> None:
    with pytest.raises(SettingsError, match=r"--workers \(=0\)"):
        IngestSettings(workers=0)
    with pytest.raises(SettingsError, match=r"--pixel-limit \(=0\)"):
        IngestSettings(pixel_limit=0)
    with pytest.raises(SettingsError, match=r"--white-percentile \(=20\)"):
        IngestSettings(white_percentile=20)


def test_a_copy_does_not_follow_its_source(folder: Path, tmp_path: Path) -> None:
    catalog = ingest([folder], tmp_path / "out", ALONE)
    shutil.rmtree(folder)
    check(catalog)
    assert all(os.stat(file).st_nlink == 1 for file in catalog.files())
