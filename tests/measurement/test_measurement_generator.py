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
from parhelion.provenance import read_mark

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
    labels: Sequence[str | None] | None = None,
) -> Catalog:
    root.mkdir()
    rows = []
    for i, pixels in enumerate(images):
        Image.fromarray(pixels).save(root / f"{i}.png")
        rows.append(
            row(
                image_id=str(i),
                path=f"{i}.png",
                width=images.shape[2],
                height=images.shape[1],
                format="PNG",
                origin=origin,
                recipe=None if origin == "observed" else {"seed": i},
                split=splits[i] if splits else None,
                group_id=groups[i] if groups else None,
                label=labels[i] if labels else None,
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
    assert copies["pairs"][0]["copy"]
    assert copies["copies"] >= 1
    assert not any(pair["generated"] == "7.png" and pair["ssim"] > 0.99 for pair in copies["pairs"])
    for name in ("kid", "frechet", "precision", "recall", "density", "coverage"):
        for key in (name, f"{name}_floor"):
            low, high = figures[f"{key}_interval"]
            assert low <= figures[key] <= high
        assert np.isfinite(figures[f"{name}_at_floor"])
    assert {item["name"] for item in figures["photometry"]} >= {"brightness", "saturation"}
    assert figures["morphology"] is None
    assert figures["classes"] == []
    assert figures["others"] == []
    assert len(figures["spectra"]["frequency"]) == len(figures["spectra"]["real_mean"]) == SIZE // 2

    written = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert written == figures
    saved = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert saved["verb"] == "measure generator"
    assert saved["settings"]["features"] == [str(features)]
    assert not (tmp_path / "out" / "features").exists()  # it was given, not trained
    for name, made_by_a_model in (("real", False), ("made-1", True), ("nearest-1", True)):
        mark = read_mark(tmp_path / "out" / f"{name}.png")
        assert (mark is not None and mark.made) == made_by_a_model


def test_halves_keep_groups_whole_and_copies_are_sought_everywhere(
    tmp_path: Path, features: Path
) -> None:
    images = blobs(0, 40)
    images[1::2] = images[::2]  # pairs of equal images, one group each
    groups = [f"group {i // 2}" for i in range(40)]
    real = catalog(tmp_path / "real", images, groups=groups)
    generated = catalog(tmp_path / "made", images[::2], origin="gan")
    figures = measure_generator(real, generated, None, settings(features))
    assert figures["real_split"]["first"] == figures["real_split"]["second"] == 20
    assert figures["count"] == figures["floor_count"] == 20
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
        (15, 20, None, "15 real images to compare with .* at least 16"),
        (30, 20, None, "15 real images in the floor's first part .* at least 16"),
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
        ({"features": ("a", "b", "a")}, "--features"),
        ({"crop_real": 0.0}, "--crop-real"),
        ({"crop_generated": (0.5, 1.1)}, "--crop-generated"),
        ({"crop_generated": ()}, "--crop-generated"),
        ({"neighbors": 0}, "--neighbors"),
        ({"neighbors": 8}, "--neighbors"),
        ({"morphology": 3}, "--morphology"),
        ({"workers": 0}, "--workers"),
        ({"pairs": -1}, "--pairs"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_bad_settings_name_the_flag(changes: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        MeasureGeneratorSettings(**changes)


def test_a_recipe_may_name_networks_as_text() -> None:
    one = MeasureGeneratorSettings(features="a/b", crop_generated=0.5)  # type: ignore[arg-type]
    assert one.features == (Path("a/b"),)
    assert one.crop_generated == (0.5,)
    both = MeasureGeneratorSettings(features=("a", "self-supervised"))  # type: ignore[arg-type]
    assert both.features == (Path("a"), Path("self-supervised"))


def test_the_floor_is_at_its_own_count_and_the_made_set_at_both(
    tmp_path: Path, features: Path
) -> None:
    real = catalog(tmp_path / "real", blobs(0, 40))
    made = catalog(tmp_path / "made", blobs(1, 36), origin="gan")
    figures = measure_generator(real, made, None, settings(features))
    assert (figures["count"], figures["floor_count"]) == (36, 20)
    assert figures["frechet_at_floor"] != figures["frechet"]
    # Nothing differs between these sets; with fewer images the distance is larger.
    assert figures["frechet_at_floor"] > figures["frechet"]


def test_a_split_can_be_chosen_and_copies_are_sought_in_training(
    tmp_path: Path, features: Path
) -> None:
    images = blobs(0, 60)
    splits = ["train"] * 20 + ["test"] * 40
    real = catalog(tmp_path / "real", images, splits=splits)
    made = blobs(1, 20)
    made[3], made[4] = images[5], images[30]  # one of training, one of test
    generated = catalog(tmp_path / "made", made, origin="gan")
    figures = measure_generator(real, generated, None, settings(features, split="test"))
    assert figures["real_split"]["reference"] == 40
    assert figures["real_split"]["known"] == figures["memorisation"]["searched"] == 20
    exact = [pair for pair in figures["memorisation"]["pairs"] if pair["ssim"] > 0.999]
    assert [pair["generated"] for pair in exact] == ["3.png"]
    with pytest.raises(InputError, match=r"--split \(=validation\)"):
        measure_generator(real, generated, None, settings(features, split="validation"))


def test_several_made_sets_stand_side_by_side_at_one_count(tmp_path: Path, features: Path) -> None:
    real = catalog(tmp_path / "real", blobs(0, 40))
    good = catalog(tmp_path / "good", blobs(1, 36), origin="gan")
    bad = catalog(tmp_path / "bad", 255 - blobs(2, 24), origin="gan")
    figures = measure_generator(real, [good, bad], tmp_path / "out", settings(features))
    (other,) = figures["others"]
    assert (figures["name"], other["name"]) == ("good", "bad")
    assert figures["count"] == 24
    assert other["kid"] > figures["kid"]
    assert other["kid_floor"] == figures["kid_floor"]
    # Histograms can be laid over each other.
    edges = {item["name"]: item["edges"] for item in figures["photometry"]}
    # The other's skies are bright: no object is found there, so that colors are not compared.
    assert {"brightness", "sky"} <= {item["name"] for item in other["photometry"]} < set(edges)
    for item in other["photometry"]:
        assert item["edges"] == edges[item["name"]]
    assert (tmp_path / "out" / "made-2.png").is_file()


def test_framing_by_the_centre_can_differ_between_sets(tmp_path: Path, features: Path) -> None:
    images = blobs(0, 40)
    wide = np.zeros((20, 2 * SIZE, 2 * SIZE, 3), np.uint8)
    wide[:, SIZE // 2 : -SIZE // 2, SIZE // 2 : -SIZE // 2] = images[:20]
    real = catalog(tmp_path / "real", images)
    whole = catalog(tmp_path / "whole", images[:20], origin="gan")
    framed = catalog(tmp_path / "framed", wide, origin="gan")
    figures = measure_generator(
        real, [whole, framed], None, settings(features, crop_generated=(1.0, 0.5), count=20)
    )
    (other,) = figures["others"]
    # Once framed they are the same images (drawn in another order).
    assert other["memorisation"]["max_ssim"] == figures["memorisation"]["max_ssim"]
    assert other["spectra"]["log_difference"] == pytest.approx(figures["spectra"]["log_difference"])
    with pytest.raises(InputError, match="2 values for 1 catalogs"):
        measure_generator(real, whole, None, settings(features, crop_generated=(1.0, 0.5)))


def test_parts_without_labels_are_not_compared_by_them(tmp_path: Path, features: Path) -> None:
    splits = ["train"] * 20 + ["test"] * 20
    labels: list[str | None] = ["round", "flat"] * 10 + [None] * 20
    real = catalog(tmp_path / "real", blobs(0, 40), splits=splits, labels=labels)
    made = catalog(tmp_path / "made", blobs(1, 20), origin="gan", labels=["round"] * 20)
    assert measure_generator(real, made, settings=settings(features))["classes"] == []


def test_labels_of_both_catalogs_are_compared(tmp_path: Path, features: Path) -> None:
    labels = ["round"] * 20 + ["flat"] * 20
    real = catalog(tmp_path / "real", blobs(0, 40), labels=labels)
    made = catalog(tmp_path / "made", blobs(1, 40), origin="gan", labels=["round"] * 40)
    figures = measure_generator(real, made, None, settings(features))
    (table,) = figures["classes"]
    assert table["by"] == "labels in the catalogs"
    assert dict(zip(table["classes"], table["second"]["count"], strict=True)) == {
        "round": 40,
        "flat": 0,
    }
    assert table["p_value"] < 1e-5
    assert table["cramers_v_floor"] < table["cramers_v"]


def test_a_classifier_names_classes_and_gives_features(tmp_path: Path) -> None:
    from parhelion.classification import ClassifierSettings, train_classifier

    labels = ["round", "flat"] * 20
    splits = ["train"] * 20 + ["validation"] * 10 + ["test"] * 10
    images = blobs(0, 40)
    images[::2] //= 2  # one class is fainter
    learn = catalog(tmp_path / "learn", images, splits=splits, labels=labels)
    quick = ClassifierSettings(
        image_size=SIZE,
        images=32,
        batch=8,
        warmup=8,
        ema_half_life=8,
        device="cpu",
        precision="fp32",
        workers=1,
    )
    folder = train_classifier(learn, tmp_path / "classifier", quick)
    real = catalog(tmp_path / "real", blobs(2, 40))
    made = catalog(tmp_path / "made", blobs(3, 20), origin="gan")
    figures = measure_generator(real, made, None, settings(folder, classifier=folder))
    assert figures["network"].startswith("classifier ")
    (table,) = figures["classes"]
    assert table["by"].startswith("predicted by classifier")
    assert set(table["classes"]) <= {"round", "flat"}
    assert sum(table["first"]["count"]) == sum(table["second"]["count"]) == 20


def test_shapes_are_measured_and_their_failures_counted(
    tmp_path: Path, features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parhelion.measurement import _morphology

    def shape(image: NDArray[np.uint8]) -> tuple[float, ...] | str:
        level = float(image.mean())
        return "nothing at the centre" if level < 21 else (level,) * 5

    monkeypatch.setattr(_morphology, "_shape", shape)
    real = catalog(tmp_path / "real", blobs(0, 40))
    half = blobs(1, 36)
    half[::2] = 20
    made = catalog(tmp_path / "made", half, origin="gan")
    empty = catalog(tmp_path / "empty", np.full_like(half, 20), origin="gan")
    several = settings(features, morphology=24, workers=1)
    figures = measure_generator(real, [made, empty], None, several)
    shapes, none = figures["morphology"], figures["others"][0]["morphology"]
    assert shapes["measured"] == 24
    assert 24 <= shapes["real_measured"] <= 40
    assert shapes["real_failures"] == {}
    assert [item["name"] for item in shapes["quantities"]][:2] == ["concentration", "asymmetry"]
    failed = shapes["failures"]["nothing at the centre"]
    assert shapes["quantities"][0]["made_count"] == 24 - failed
    assert shapes["quantities"][0]["real_count"] == 24
    assert none["failures"] == {"nothing at the centre": 24}
    assert none["quantities"] == []  # nothing to compare, and said so
