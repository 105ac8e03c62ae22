from pathlib import Path

from parhelion.catalog import Catalog, joined, write_catalog


def test_rows_are_found_below_the_common_folder(galaxies: Catalog, tmp_path: Path) -> None:
    other = write_catalog(tmp_path / "other" / "deep", galaxies.rows())
    whole = joined([galaxies, other.root])
    assert whole.root == tmp_path.resolve()
    assert len(whole) == 48
    assert whole.files()[0].is_file()
    assert whole.column("path")[24] == f"other/deep/{galaxies.column('path')[0]}"
    assert whole.column("image_id") == galaxies.column("image_id") * 2


def test_columns_are_replaced_for_all_or_one_by_one(galaxies: Catalog) -> None:
    changed = galaxies.replaced(split="test", label=[str(n) for n in range(24)])
    assert set(changed.column("split")) == {"test"}
    assert changed.column("label")[3] == "3"
    assert changed.table.schema == galaxies.table.schema
    assert set(galaxies.column("split")) == {None}
