"""The recipe of the detector's training set: what is made keeps its source's group and split."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion.catalog import write_catalog

RECIPE = Path(__file__).parents[1] / "recipes" / "families"
NAMES = ("galaxies-efigi", "galaxies-zoo", "free-sky", "free-photographs")


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(RECIPE))
    import autoencoders
    import diffusion
    import pixels
    import samples

    together = ModuleType("families")
    together.__dict__.update(vars(autoencoders) | vars(diffusion) | vars(samples) | vars(pixels))
    return together


@pytest.fixture
def real(families: ModuleType, tmp_path: Path) -> object:
    for number, name in enumerate(NAMES):
        folder = tmp_path / "data" / name / "round"
        folder.mkdir(parents=True)
        for seed in range(12):
            pixels = np.tile(draw_galaxy(100 * number + seed), (3, 3, 1))[:70]
            Image.fromarray(pixels).save(folder / f"{seed}.png")
    catalogs = families.real_catalogs(tmp_path / "data", tmp_path / "data", tmp_path / "real")
    assert list(catalogs) == list(NAMES)
    assert set(catalogs["free-sky"].column("split")) == {"train", "validation", "test"}
    return families.Real(catalogs, tmp_path / "data", 0.004)


def test_small_ones_are_real_and_keep_their_part(
    families: ModuleType, real: object, tmp_path: Path
) -> None:
    catalog = real.catalogs["galaxies-zoo"]  # type: ignore[attr-defined]
    rows = list(families.small(catalog, 0.5, 16, tmp_path / "small"))
    small = write_catalog(tmp_path / "small", rows, rejected=[])
    sources = {item["image_id"]: item for item in catalog.rows() if item["split"] != "train"}
    assert {item["parent_id"] for item in small.rows()} == set(sources)
    for item in small.rows():
        assert (item["width"], item["height"], item["origin"]) == (16, 16, "augmented")
        assert item["split"] == sources[item["parent_id"]]["split"]
        assert item["group_id"] == sources[item["parent_id"]]["group_id"]


@pytest.mark.parametrize(
    ("maker", "options", "origin", "count"),
    [
        ("autoencoder", {"upsampling": "shuffle", "factor": 4}, "reconstructed", 5),
        ("enlarger", {"upsampling": "shuffle", "factor": 4}, "reconstructed", 5),
        ("native_diffusion", {}, "image_to_image", 4),
    ],
)
def test_what_is_derived_stays_with_its_source(
    families: ModuleType,
    real: object,
    tmp_path: Path,
    maker: str,
    options: dict[str, object],
    origin: str,
    count: int,
) -> None:
    made = getattr(families, maker)(real, tmp_path / "made", **options)
    catalog = write_catalog(tmp_path / "made", list(made), rejected=[])
    sources = {
        item["image_id"]: item
        for part in real.catalogs.values()  # type: ignore[attr-defined]
        for item in part.rows()
    }
    assert len(catalog) == count
    for item in catalog.rows():
        source = sources[item["parent_id"]]
        assert item["origin"] == origin
        assert [item[name] for name in ("group_id", "split", "width", "height")] == [
            source[name] for name in ("group_id", "split", "width", "height")
        ]


@pytest.mark.parametrize(
    ("maker", "origins"),
    [("dcgan", {"gan"}), ("vae", {"vae"}), ("diffusion", {"diffusion", "image_to_image"})],
)
def test_samples_are_of_every_part(
    families: ModuleType, real: object, tmp_path: Path, maker: str, origins: set[str]
) -> None:
    made = getattr(families, maker)(real, tmp_path / maker)
    catalog = write_catalog(tmp_path / maker, list(made), rejected=[])
    assert set(catalog.column("origin")) == origins
    assert {item["width"] for item in catalog.rows()} == {64}
    assert set(catalog.column("split")) == {"train", "validation", "test"}
    assert all(recipe["operation"] in ("generate", "vary") for recipe in catalog.recipes())


def test_a_generator_learns_from_what_is_large_enough(families: ModuleType, real: object) -> None:
    both, one = real.galaxies(32), real.galaxies(64)  # type: ignore[attr-defined]
    assert len(both) > len(one) > 0  # the central half of the second survey has 35 pixels
    assert one.shape[1:] == (64, 64, 3)


def test_crops_prefer_what_is_full(families: ModuleType) -> None:
    half = np.zeros((64, 128, 3), np.uint8)
    half[:, 64:] = np.random.default_rng(0).integers(0, 255, (64, 64, 3))
    batch = next(families.crops([half], 32, 40, 0))
    assert batch.shape == (40, 32, 32, 3)
    assert (batch.std((1, 2, 3)) > 0).mean() > 0.8  # of all places only 0.64 are not blank


def test_crops_are_drawn_by_the_number_of_pixels(families: ModuleType) -> None:
    small, large = np.full((32, 32, 3), 1, np.uint8), np.full((96, 96, 3), 2, np.uint8)
    batch = next(families.crops([small, large], 32, 200, 0))
    assert 0.05 < (batch == 1).mean() < 0.2  # a tenth of all pixels


def test_a_split_catalog_is_not_split_again(
    families: ModuleType, real: object, tmp_path: Path
) -> None:
    before = real.catalogs["galaxies-zoo"].column("split")  # type: ignore[attr-defined]
    again = families.real_catalogs(tmp_path / "data", tmp_path / "data", tmp_path / "real")
    assert again["galaxies-zoo"].column("split") == before
