"""Sampling by seed, catalogs of made images, and walks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from parhelion._settings import settings_dict
from parhelion.catalog import image_id, open_catalog
from parhelion.errors import CatalogError, InputError, ModelError, SettingsError
from parhelion.generation import (
    GanSettings,
    GenerateSettings,
    InterpolateSettings,
    generate,
    interpolate,
    load_sampler,
)
from parhelion.generation._interpolate import slerp
from parhelion.generation._sample import make_generator
from parhelion.provenance import read_mark
from parhelion.training import save_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained conditional generator of 32 pixels."""
    torch.manual_seed(0)
    settings = GanSettings(
        image_size=32, width=4, max_channels=16, latent=8, condition_on=("label",)
    )
    network = make_generator(settings, (2,))
    card = {
        "settings": settings_dict(settings),
        "conditions": {"label": ["flat", "round"]},
        "proportions": [[0, 1], [1, 1]],
    }
    save_model(tmp_path / "model", "gan", network.state_dict(), card)
    return tmp_path / "model"


def test_a_seed_s_image_does_not_depend_on_its_neighbors(model: Path) -> None:
    sampler = load_sampler(model)
    together = {r["seed"]: p for p, r in sampler.draw(list(range(20)))}
    for seeds in ([7], [19, 7, 3], list(range(19, -1, -1))):
        for pixels, recipe in sampler.draw(seeds):
            assert np.array_equal(pixels, together[recipe["seed"]])


def test_a_catalog_of_made_images(model: Path, tmp_path: Path) -> None:
    catalog = generate(model, tmp_path / "made", GenerateSettings(count=5, seed=10))
    assert open_catalog(tmp_path / "made").table == catalog.table
    assert set(catalog.column("origin")) == {"gan"}
    assert set(catalog.column("label")) == {"flat", "round"}
    assert len(set(catalog.column("group_id"))) == 5
    for path, recipe, identity in zip(
        catalog.files(), catalog.recipes(), catalog.column("image_id"), strict=True
    ):
        with Image.open(path) as image:
            assert image_id(np.asarray(image)) == identity
        mark = read_mark(path)
        assert mark is not None
        assert mark.made
        assert mark.recipe == recipe


def test_a_class_on_request(model: Path, tmp_path: Path) -> None:
    settings = GenerateSettings(count=3, label="round")
    assert generate(model, tmp_path / "made", settings).column("label") == ["round"] * 3
    with pytest.raises(SettingsError, match=r"--label \(=spiral\).*it has flat, round"):
        generate(model, tmp_path / "other", GenerateSettings(count=1, label="spiral"))


def test_a_catalog_is_not_overwritten_by_accident(model: Path, tmp_path: Path) -> None:
    generate(model, tmp_path / "made", GenerateSettings(count=1))
    with pytest.raises(CatalogError, match="already holds a catalog"):
        generate(model, tmp_path / "made", GenerateSettings(count=1))
    generate(model, tmp_path / "made", GenerateSettings(count=2, overwrite=True))
    assert len(open_catalog(tmp_path / "made")) == 2


def test_a_folder_without_a_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model: model.json"):
        generate(tmp_path, tmp_path / "made")


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_walk_is_a_marked_film(model: Path, tmp_path: Path, suffix: str) -> None:
    settings = InterpolateSettings(frames=3, scale=2)
    path = interpolate(model, [0, 5, 9], tmp_path / f"walk{suffix}", settings)
    mark = read_mark(path)
    assert mark is not None
    assert mark.made
    assert mark.recipe is not None
    assert mark.recipe["seeds"] == [0, 5, 9]
    if suffix == ".gif":
        with Image.open(path) as film:
            assert (film.n_frames, film.size) == (9, (64, 64))  # type: ignore[attr-defined]


def test_a_walk_needs_two_seeds_and_a_known_suffix(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--seeds \(=\[1\]\)"):
        interpolate(model, [1], tmp_path / "x.gif")
    with pytest.raises(InputError, match=r"must be \.gif or \.mp4"):
        interpolate(model, [1, 2], tmp_path / "x.avi")


def test_slerp_meets_its_ends_and_keeps_the_length() -> None:
    here, there = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    assert torch.allclose(slerp(here, there, 0), here)
    assert torch.allclose(slerp(here, there, 1), there, atol=1e-6)
    assert torch.allclose(slerp(here, there, 0.5), torch.tensor([2**0.5, 2**0.5]))
    assert torch.allclose(slerp(here, here, 0.5), here)
