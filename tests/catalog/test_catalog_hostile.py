"""A folder of hostile files: each ends in the catalog, correct, or rejected with a reason.

Nothing is lost, nothing hangs, nothing crashes, and no warning leaks (they are errors in tests).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from hostile import GALAXY, hostile_files, make_special, tar_with_traversal, zip_with_bomb
from parhelion.catalog import IngestSettings, decode, image_id, ingest


def test_each_hostile_file_is_in_or_rejected(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, out = tmp_path / "hostile", tmp_path / "out"
    root.mkdir()
    files = hostile_files()
    for name, (data, _) in files.items():
        (root / name).write_bytes(data)
    special = make_special(root)
    assert len(files) + len(special) >= 40

    catalog = ingest([root], out, IngestSettings(workers=1))

    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    rejected = {
        Path(row["source"]).name if "\n" not in row["source"] else row["source"]: row["reason"]
        for row in pq.read_table(out / "rejected.parquet").to_pylist()
    }
    rows = {row["source"].removeprefix("hostile/"): row for row in catalog.rows()}
    assert set(rows) | set(rejected) == set(files) | set(special)
    assert not set(rows) & set(rejected)
    for name, reason in special.items():
        assert reason in rejected[name]
    for name, (data, expected) in files.items():
        if isinstance(expected, str) and expected == "stretched":
            pixels = check_pixels(out, rows[name], None)
            assert pixels[0, :3, 0].tolist() == [255, 0, 0]
        elif isinstance(expected, str):
            assert expected in rejected[name], (name, rejected[name])
            assert "\n" not in rejected[name]
        else:
            check_pixels(out, rows[name], np.array(expected, np.uint8))
            if rows[name]["recipe"] is None:
                assert (out / rows[name]["path"]).read_bytes() == data


def check_pixels(
    out: Path, row: dict[str, Any], expected: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """The file in the catalog has the pixels that its row names, and those that are expected."""
    path = out / row["path"]
    assert path.resolve().is_relative_to(out / "images")
    pixels = decode(path)[0].pixels
    assert row["image_id"] == image_id(pixels)
    if expected is not None:
        wanted = expected[..., None] if expected.ndim == 2 else expected
        assert np.array_equal(pixels, wanted), row["source"]
    return pixels


@pytest.mark.parametrize(
    ("make", "inside", "outside"),
    [(tar_with_traversal, 4, {"link"}), (zip_with_bomb, 2, {"bomb", "nested"})],
)
def test_hostile_archives(
    tmp_path: Path, make: Callable[[Path], None], inside: int, outside: set[str]
) -> None:
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    make(place / "hostile.arc")
    before = set(tmp_path.rglob("*"))
    out = place / "out"
    catalog = ingest([place / "hostile.arc"], out, IngestSettings(workers=1, pixel_limit=10**6))
    assert len(catalog) == inside
    for row in catalog.rows():
        check_pixels(out, row, GALAXY)
    rows = pq.read_table(out / "rejected.parquet").to_pylist()
    assert {Path(row["source"]).stem for row in rows} == outside
    after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(out)}
    assert after == before
