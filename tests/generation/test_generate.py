"""Catalogs of made images: what they say, what they refuse, going on after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from parhelion.catalog import decode, image_id, open_catalog
from parhelion.errors import CatalogError, ModelError, SettingsError
from parhelion.generation import GenerateSettings, generate, load_sampler
from parhelion.generation._sample import GanSampler
from parhelion.provenance import read_mark


def _bytes(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that samplers are asked to draw."""
    seeds: list[int] = []
    draw = GanSampler.draw

    def noting(self: GanSampler, asked: Sequence[int], *rest: Any, **wanted: Any) -> Iterator[Any]:
        seeds.extend(asked)
        yield from draw(self, asked, *rest, **wanted)

    monkeypatch.setattr(GanSampler, "draw", noting)
    return seeds


def test_a_catalog_of_made_images(model: Path, tmp_path: Path) -> None:
    catalog = generate(model, tmp_path / "made", GenerateSettings(count=9, seed=10))
    assert open_catalog(tmp_path / "made").table == catalog.table
    assert set(catalog.column("origin")) == {"gan"}
    assert len(set(catalog.column("label"))) > 1
    assert len(set(catalog.column("group_id"))) == 9
    assert [recipe["seed"] for recipe in catalog.recipes()] == list(range(10, 19))
    for path, recipe, identity in zip(
        catalog.files(), catalog.recipes(), catalog.column("image_id"), strict=True
    ):
        with Image.open(path) as image:
            assert image_id(np.asarray(image)) == identity
        mark = read_mark(path)
        assert mark is not None
        assert mark.made
        assert mark.recipe == recipe


def test_a_row_s_recipe_makes_its_image_again(model: Path, tmp_path: Path) -> None:
    settings = GenerateSettings(count=4, seed=3, truncation=0.7)
    catalog = generate(model, tmp_path / "made", settings)
    for path, recipe in zip(catalog.files(), catalog.recipes(), strict=True):
        sampler = load_sampler(model)
        assert recipe["model_id"] == sampler.model_id
        pixels, again = next(
            sampler.draw(
                [recipe["seed"]],
                recipe["truncation"],
                label=recipe["label"],
                source=recipe["source"],
            )
        )
        assert again == recipe
        assert np.array_equal(decode(path)[0].pixels, pixels)


def test_a_class_on_request(model: Path, tmp_path: Path) -> None:
    settings = GenerateSettings(count=3, label="flat", source="Zoo")
    catalog = generate(model, tmp_path / "made", settings)
    assert catalog.column("label") == ["flat"] * 3
    assert [recipe["source"] for recipe in catalog.recipes()] == ["Zoo"] * 3
    with pytest.raises(SettingsError, match=r"--label \(=spiral\).*it has edge, flat, lens, round"):
        generate(model, tmp_path / "other", GenerateSettings(count=1, label="spiral"))
    with pytest.raises(SettingsError, match="never occur together"):
        generate(model, tmp_path / "x", GenerateSettings(count=1, label="lens", source="Zoo"))


def test_an_unconditional_gray_generator(plain: Path, tmp_path: Path) -> None:
    catalog = generate(plain, tmp_path / "made", GenerateSettings(count=2))
    assert catalog.column("label") == [None, None]
    assert decode(catalog.files()[0])[0].pixels.shape == (32, 32, 1)
    with pytest.raises(SettingsError, match="not conditioned on label"):
        generate(plain, tmp_path / "x", GenerateSettings(count=1, label="flat"))


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_a_lossy_image_s_identity_is_that_of_its_file(
    model: Path, tmp_path: Path, format: str
) -> None:
    settings = GenerateSettings(count=2, format=format)  # type: ignore[arg-type]
    catalog = generate(model, tmp_path / "made", settings)
    for path, identity in zip(catalog.files(), catalog.column("image_id"), strict=True):
        assert image_id(decode(path)[0].pixels) == identity


def test_a_catalog_is_not_overwritten_by_accident(
    model: Path, tmp_path: Path, drawn: list[int]
) -> None:
    generate(model, tmp_path / "made", GenerateSettings(count=1))
    with pytest.raises(CatalogError, match="already holds a catalog"):
        generate(model, tmp_path / "made", GenerateSettings(count=1))
    generate(model, tmp_path / "made", GenerateSettings(count=2, overwrite=True))
    assert len(open_catalog(tmp_path / "made")) == 2
    assert drawn == [0, 0, 1]


@pytest.mark.parametrize("format", ["png", "jpg"])
def test_it_goes_on_where_it_was_interrupted(
    model: Path, tmp_path: Path, drawn: list[int], format: str
) -> None:
    settings = GenerateSettings(count=12, format=format)  # type: ignore[arg-type]
    made = tmp_path / "made"
    generate(model, made, settings)
    whole = _bytes(made)
    (made / "catalog.parquet").unlink()
    (made / f"images/00000003.{format}").unlink()
    (made / f"images/00000005.{format}").write_bytes(b"damaged")
    (made / f"images/.part-abc.{format}").write_bytes(b"cut off")
    drawn.clear()
    generate(model, made, settings)
    assert drawn == [3, 5]
    assert _bytes(made) == whole


@pytest.mark.parametrize(
    "other", [{"truncation": 0.5}, {"label": "lens"}, {"source": "Zoo"}, {"overwrite": True}]
)
def test_images_of_another_recipe_are_not_kept(
    model: Path, tmp_path: Path, drawn: list[int], other: dict[str, Any]
) -> None:
    """Three images of an interrupted call: its classes are drawn, and differ for some seed."""
    made = tmp_path / "made"
    before = generate(model, made, GenerateSettings(count=3)).recipes()
    (made / "catalog.parquet").unlink()
    drawn.clear()
    after = generate(model, made, GenerateSettings(count=3, **other)).recipes()
    changed = [old["seed"] for old, new in zip(before, after, strict=True) if old != new]
    assert drawn == (changed if "overwrite" not in other else [0, 1, 2])
    assert drawn


def test_a_killed_run_leaves_whole_images_and_goes_on(model: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = (
        "import sys; from parhelion.generation import generate, GenerateSettings;"
        "generate(sys.argv[1], sys.argv[2], GenerateSettings(count=100_000, device='cpu'))"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(model), str(made)])
    deadline = time.monotonic() + 60
    while len(list(made.glob("images/0*.png"))) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    done = sorted(made.glob("images/0*.png"))
    assert len(done) >= 6
    assert not (made / "catalog.parquet").exists()
    assert all(decode(path)[0].pixels.shape == (32, 32, 3) for path in done)
    stamps = {path: path.stat().st_mtime_ns for path in done[:6]}
    generate(model, made, GenerateSettings(count=6, device="cpu"))
    assert {path: path.stat().st_mtime_ns for path in done[:6]} == stamps


def test_a_folder_without_a_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model: model.json"):
        generate(tmp_path, tmp_path / "made")
