"""A trained classifier: its contract, independence of neighbors, the one that ships."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from parhelion.catalog import Catalog, load_pixels, resize
from parhelion.classification import (
    Classifier,
    load_classifier,
    score_classifier,
)
from parhelion.errors import CatalogError, InputError, ModelError
from parhelion.training import find_model, read_card


@pytest.fixture(scope="module")
def classifier(run: Path) -> Classifier:
    return load_classifier(run, "cpu")


@pytest.fixture(scope="module")
def pixels(labeled: Catalog) -> np.ndarray:
    return load_pixels(labeled.select(split="test"), 32)


def test_the_contract(classifier: Classifier, pixels: np.ndarray, run: Path) -> None:
    assert classifier.labels == ["smooth", "irregular"]
    assert classifier.image_size == 32
    assert classifier.model_id == read_card(run)["model_id"]
    features, chance = classifier.features(pixels), classifier.predict(pixels)
    assert (features.shape, features.dtype) == ((32, 128), np.float32)
    assert (chance.shape, chance.dtype) == ((32, 2), np.float32)
    assert chance.sum(1) == pytest.approx(1)
    assert classifier.features(pixels[:0]).shape == (0, 128)
    assert classifier.predict(pixels[:0]).shape == (0, 2)


def test_results_do_not_depend_on_neighbors(classifier: Classifier, pixels: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(len(pixels))
    assert np.array_equal(classifier.predict(pixels)[order], classifier.predict(pixels[order]))
    alone = np.concatenate([classifier.features(image[None]) for image in pixels[:3]])
    assert np.array_equal(classifier.features(pixels)[:3], alone)


def test_other_sizes_and_gray_go_through_resize(classifier: Classifier, pixels: np.ndarray) -> None:
    larger = np.stack([np.kron(image, np.ones((3, 3, 1), np.uint8)) for image in pixels[:2]])
    seen = np.stack([resize(image, 32) for image in larger])
    assert np.array_equal(classifier.predict(larger), classifier.predict(seen))
    gray = pixels[:2, ..., :1]
    assert np.array_equal(classifier.predict(gray), classifier.predict(gray.repeat(3, -1)))
    with pytest.raises(InputError, match=r"pixels are float64 \(32, 32, 32, 3\)"):
        classifier.predict(pixels / 255)
    with pytest.raises(InputError, match="a classifier takes uint8"):
        classifier.predict(pixels[0])


def test_scores_agree_with_predictions(classifier: Classifier, run: Path, labeled: Catalog) -> None:
    table = score_classifier(run, labeled, device="cpu")
    assert table.num_rows == 24
    known = labeled.select(split="test", label=("round", "flat", "patchy"))
    chance = classifier.predict(load_pixels(known, 32))
    assert np.array(table["probability"].to_pylist()) == pytest.approx(chance, abs=1e-6)
    called = [classifier.labels[k] for k in chance.argmax(1)]
    assert table["called"].to_pylist() == called
    accuracy = np.mean(np.array(called) == np.array(table["truth"].to_pylist()))
    assert accuracy == pytest.approx(read_card(run)["figures"]["accuracy"])
    assert score_classifier(classifier, labeled.select(label="patchy")).num_rows == 8
    with pytest.raises(CatalogError, match="the test part has no observed image of a class"):
        score_classifier(classifier, labeled.select(label="odd"))


def test_names_are_resolved(run: Path) -> None:
    assert load_classifier(run, "cpu").model_id == read_card(run)["model_id"]
    shipped = find_model("galaxy-classifier")
    assert load_classifier("galaxy-classifier", "cpu").model_id == read_card(shipped)["model_id"]
    with pytest.raises(ModelError, match="galaxies is not a model.*galaxy-classifier"):
        load_classifier("galaxies")


def test_the_one_that_ships() -> None:
    folder = find_model("galaxy-classifier")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
    classifier = load_classifier("galaxy-classifier", "cpu")
    assert classifier.labels == ["spiral", "elliptical", "irregular"]
    assert classifier.image_size == 64
    card = classifier.card
    assert "EFIGI" in card["credits"]
    assert "/" not in card["data"]["name"]
    assert card["figures"]["macro_f1"] > 0.8
    # A reddish round galaxy without features on a dark sky, as ellipticals look.
    y, x = np.mgrid[:64, :64] - 31.5
    light = np.hypot(x, y)[..., None] / 8
    image = (220 * np.exp(-light) * np.array([1, 0.85, 0.7]) + 20).astype(np.uint8)
    assert classifier.labels[int(classifier.predict(image[None]).argmax())] == "elliptical"


def test_a_damaged_model_is_refused(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    card = json.loads((copy / "model.json").read_text())
    card["settings"]["backbone"] = "test_resnet"
    (copy / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="does not fit its card"):
        load_classifier(copy, "cpu")
    del card["temperature"]
    (copy / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="lacks 'temperature'"):
        load_classifier(copy, "cpu")
    with pytest.raises(ModelError, match="is not a model"):
        load_classifier(tmp_path, "cpu")
