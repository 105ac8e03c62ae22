"""The generator's measure, from catalogs to figures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, row, write_catalog
from parhelion.errors import InputError, SettingsError
from parhelion.measurement import (
    MeasureGeneratorSettings,
    measure_generator,
    save_features,
    train_features,
)

SIZE = 16


def blobs(seed: int, count: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    center = rng.uniform(5, 11, (2, count, 1, 1))
    square = (y - center[0]) ** 2 + (x - center[1]) ** 2
    light = np.exp(-square / rng.uniform(4, 30, (count, 1, 1)))[..., None]
    noise = rng.normal(20, 10, (count, SIZE, SIZE, 3))
    return np.clip(light * rng.uniform(80, 220, (count, 1, 1, 3)) + noise, 0, 255).astype(np.uint8)


def catalog(
    root: Path,
    images: NDArray[np.uint8],
    *,
    origin: str = "observed",
    splits: Sequence[str | None] | None = None,
    groups: Sequence[str] | None = None,
) -> Catalog:
    root.mkdir()
    rows = []
    for i, pixels in enumerate(images):
        Image.fromarray(pixels).save(root / f"{i}.png")
        rows.append(
            row(
                image_id=str(i),
                path=f"{i}.png",
                width=SIZE,
                height=SIZE,
                format="PNG",
                origin=origin,
                recipe=None if origin == "observed" else {"seed": i},
                split=splits[i] if splits else None,
                group_id=groups[i] if groups else None,
            )
        )
    return write_catalog(root, rows)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    save_features(train_features(blobs(0, 32), steps=3), folder)
    return folder


def settings(features: Path, **changes: Any) -> MeasureGeneratorSettings:
    return MeasureGeneratorSettings(
        image_size=SIZE, features=features, bootstrap=50, device="cpu", **changes
    )


def test_split_catalog_and_a_copied_image(tmp_path: Path, features: Path) -> None:
    images = blobs(0, 40)
    splits = ["test"] * 10 + ["train"] * 22 + ["validation"] * 8
    real = catalog(tmp_path / "real", images, splits=splits)
    made = blobs(1, 20)
    made[13] = images[15]  # memorised from the training part
    made[7] = images[35]  # like one that the generator never saw
    generated = catalog(tmp_path / "made", made, origin="gan")
    figures = measure_generator(real, generated, tmp_path / "out", settings(features, pairs=3))

    assert figures["count"] == 20
    assert figures["floor_count"] == 18
    assert figures["real_split"]["reference"] == 22
    assert "train split" in figures["real_split"]["note"]
    copies = figures["memorisation"]
    assert len(copies["pairs"]) == 3
    assert copies["pairs"][0]["generated"] == "13.png"
    assert copies["pairs"][0]["real"] == "15.png"
    assert copies["max_ssim"] == pytest.approx(1)
    assert copies["null_max_ssim"] < 0.99
    assert copies["flagged"] >= 1
    assert not any(pair["generated"] == "7.png" and pair["ssim"] > 0.99 for pair in copies["pairs"])
    for name in ("kid", "frechet", "kid_floor"):
        low, high = figures[f"{name}_interval"]
        assert low < high
    assert len(figures["spectra"]["frequency"]) == len(figures["spectra"]["real_mean"]) == SIZE // 2

    written = json.loads((tmp_path / "out" / "measure.json").read_text())
    assert written == figures
    saved = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert saved["verb"] == "measure generator"
    assert saved["settings"]["features"] == str(features)
    assert not (tmp_path / "out" / "features").exists()  # it was given, not trained


def test_halves_keep_groups_whole_and_copies_are_sought_everywhere(
    tmp_path: Path, features: Path
) -> None:
    images = blobs(0, 40)
    images[1::2] = images[::2]  # pairs of equal images, one group each
    groups = [f"group {i // 2}" for i in range(40)]
    real = catalog(tmp_path / "real", images, groups=groups)
    generated = catalog(tmp_path / "made", images[::2], origin="gan")
    figures = measure_generator(real, generated, None, settings(features))
    assert figures["real_split"]["reference"] == figures["real_split"]["held"] == 20
    assert "halves" in figures["real_split"]["note"]
    # All 20 are copies, whichever half they are from; equal images of one group are no sign.
    assert figures["memorisation"]["flagged"] == 20
    assert figures["memorisation"]["null_max_ssim"] < 0.99


def test_a_worse_generator_measures_worse(tmp_path: Path, features: Path) -> None:
    real = catalog(tmp_path / "real", blobs(0, 64))
    fair = catalog(tmp_path / "fair", blobs(1, 32), origin="gan")
    poor = catalog(tmp_path / "poor", blobs(1, 32) // 2 + 60, origin="gan")
    good, bad = (measure_generator(real, made, None, settings(features)) for made in (fair, poor))
    assert bad["kid"] > good["kid_interval"][1]
    assert bad["frechet"] > good["frechet"]
    assert bad["spectra"]["log_difference"] > good["spectra"]["log_difference"]
    assert good["kid_interval"][0] < good["kid_floor_interval"][1]


def test_same_seed_same_figures(tmp_path: Path, features: Path) -> None:
    real = catalog(tmp_path / "real", blobs(0, 40))
    made = catalog(tmp_path / "made", blobs(1, 24), origin="gan")
    first, again, other = (
        measure_generator(real.root, made.root, None, settings(features, seed=seed, count=16))
        for seed in (1, 1, 2)
    )
    for figures in (first, again, other):
        del figures["seconds"]
    assert first == again
    assert first["count"] == 16
    assert first["kid"] != other["kid"]


def test_a_network_is_trained_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parhelion.measurement import _generator

    def quick(images: NDArray[np.uint8], *, seed: int) -> Any:
        return train_features(images, seed=seed, steps=2)

    monkeypatch.setattr(_generator, "train_features", quick)
    splits = ["train"] * 20 + ["test"] * 16
    real = catalog(tmp_path / "real", blobs(0, 36), splits=splits)
    made = catalog(tmp_path / "made", blobs(1, 16), origin="gan")
    plain = MeasureGeneratorSettings(image_size=SIZE, bootstrap=20, device="cpu", seed=3)
    first = measure_generator(real, made, tmp_path / "out", plain)
    # Only the training part of the real images takes part in training.
    assert first["network"] == "parhelion self-supervised (trained on 20 real images, seed 3)"
    again = measure_generator(real, made, None, settings(tmp_path / "out" / "features", seed=3))
    assert again["network"] == first["network"]
    assert again["kid"] == first["kid"]


def test_made_images_are_not_counted_as_real(tmp_path: Path, features: Path) -> None:
    real = catalog(tmp_path / "real", blobs(0, 40), origin="gan")
    made = catalog(tmp_path / "made", blobs(1, 20), origin="gan")
    with pytest.raises(InputError, match="0 real images"):
        measure_generator(real, made, None, settings(features))


@pytest.mark.parametrize(
    ("real_count", "made_count", "count", "message"),
    [
        (30, 20, None, "15 real images to compare with .* at least 16"),
        (40, 15, None, "15 made images .* at least 16"),
        (40, 18, 19, r"--count \(=19\) is more than there is"),
    ],
)
def test_too_few_images_are_refused(
    tmp_path: Path,
    features: Path,
    real_count: int,
    made_count: int,
    count: int | None,
    message: str,
) -> None:
    real = catalog(tmp_path / "real", blobs(0, real_count))
    made = catalog(tmp_path / "made", blobs(1, made_count), origin="gan")
    with pytest.raises(InputError, match=message):
        measure_generator(real, made, None, settings(features, count=count))


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"image_size": 4}, "--image-size"),
        ({"count": 3}, "--count"),
        ({"bootstrap": 1}, "--bootstrap"),
        ({"pairs": -1}, "--pairs"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_bad_settings_name_the_flag(changes: dict[str, int], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        MeasureGeneratorSettings(**changes)  # type: ignore[arg-type]


def test_a_recipe_may_name_the_network_as_text() -> None:
    assert MeasureGeneratorSettings(features="a/b").features == Path("a/b")  # type: ignore[arg-type]
