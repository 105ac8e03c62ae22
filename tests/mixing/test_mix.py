import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion.augmentation import AugmentSettings, augment
from parhelion.catalog import Catalog, image_id, open_catalog, row, write_catalog
from parhelion.cli import main
from parhelion.errors import CatalogError, InputError, SettingsError
from parhelion.mixing import MixSettings, mix, mixed

#: A network that ships and need not be trained first.
_SEEN = Path("galaxy-classifier")


@pytest.fixture
def more(parts: Catalog, tmp_path: Path) -> Catalog:
    """Four alterations of each of the 16 training images, 8 of which are of each class."""
    return augment(
        parts, tmp_path / "more", AugmentSettings(changes=("rotation", "color"), copies=2)
    )


@pytest.fixture
def made(tmp_path: Path) -> Catalog:
    """Ten images of each class that something made, the last of a class a copy of a real one."""
    root = tmp_path / "made"
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(20):
        # The seeds of the real ones are 0 to 23, the labels in turn.
        pixels = draw_galaxy(number % 2 if number > 17 else 100 + number)
        path = f"images/{number}.png"
        Image.fromarray(pixels).save(root / path)
        rows.append(
            row(
                image_id=image_id(pixels) if number < 18 else f"{number:032x}",
                path=path,
                width=32,
                height=32,
                format="PNG",
                origin="gan",
                label=("round", "flat")[number % 2],
                recipe={"seed": number},
            )
        )
    return write_catalog(root, rows, rejected=[])


def _training(catalog: Catalog) -> Counter[tuple[str, str]]:
    rows = catalog.select(split="train").rows()
    return Counter((item["origin"], item["label"]) for item in rows)


def test_shares_are_of_each_class(parts: Catalog, more: Catalog, made: Catalog) -> None:
    chosen = mixed([parts, more], [made], MixSettings(alpha=0.25, beta=0.7))
    for label in ("round", "flat"):
        found = _training(chosen)
        assert found["observed", label] == 8
        assert found["augmented", label] == 8  # a quarter of 32
        assert found["gan", label] == 7
    assert len(chosen.select(split="test")) == 4
    assert set(chosen.select(split="test").column("origin")) == {"observed"}


def test_what_is_kept_at_random_grows_with_the_share(parts: Catalog, made: Catalog) -> None:
    few, many = (
        set(mixed([parts], [made], MixSettings(beta=beta)).select(origin="gan").column("image_id"))
        for beta in (0.3, 0.6)
    )
    assert few < many
    other = mixed([parts], [made], MixSettings(beta=0.3, seed=1))
    assert set(other.select(origin="gan").column("image_id")) != few


def test_near_leaves_out_what_is_far_from_the_real_ones(parts: Catalog, made: Catalog) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(made.files()[0])
    chosen = mixed([parts], [made], MixSettings(beta=0.9, score="near", features=_SEEN))
    gone = set(made.column("image_id")) - set(chosen.column("image_id"))
    assert made.column("image_id")[0] in gone
    assert len(gone) == 2  # one of each class


def test_original_leaves_out_copies(parts: Catalog, made: Catalog) -> None:
    chosen = mixed([parts], [made], MixSettings(beta=0.9, score="original"))
    gone = set(made.column("image_id")) - set(chosen.column("image_id"))
    assert gone == set(made.column("image_id")[18:])


def test_diverse_leaves_out_one_of_two_alike(parts: Catalog, made: Catalog) -> None:
    second, fourth = made.files()[1], made.files()[3]
    fourth.write_bytes(second.read_bytes())
    chosen = mixed([parts], [made], MixSettings(beta=0.2, score="diverse", features=_SEEN))
    kept = set(chosen.select(origin="gan").column("path"))
    assert not {"made/images/1.png", "made/images/3.png"} <= {
        path[path.index("made/") :] for path in kept
    }


def test_level_fills_up_the_smaller_class(parts: Catalog, made: Catalog) -> None:
    # Ten of the 16 become round, and six are left flat.
    rows = parts.rows()
    for item in rows[1:4]:
        item["label"] = "round"
    found = _training(
        mixed([write_catalog(parts.root, rows)], [made], MixSettings(beta=1.0, level=True))
    )
    assert (found["observed", "round"], found["observed", "flat"]) == (10, 6)
    assert (found["gan", "round"], found["gan", "flat"]) == (0, 4)


def test_level_counts_classes_alone(parts: Catalog, made: Catalog) -> None:
    """Images without a label are no class, and a class without real images has room for all."""
    rows = parts.rows()
    for item in rows:
        item["label"] = "round" if item["label"] == "round" else None
    chosen = mixed([write_catalog(parts.root, rows)], [made], MixSettings(level=True))
    found = _training(chosen)
    assert found["gan", "round"] == 0
    assert found["gan", "flat"] == 8  # as many as there are round ones


def test_what_descends_from_a_test_image_is_refused(parts: Catalog, made: Catalog) -> None:
    rows = made.rows()
    rows[5]["group_id"] = parts.select(split="test").column("group_id")[0]
    leaking = write_catalog(made.root, rows)
    with pytest.raises(CatalogError, match=r"5\.png descends from a validation or test image"):
        mixed([parts], [leaking], MixSettings())
    rows[5]["group_id"] = parts.select(split="train").column("group_id")[0]
    mixed([parts], [write_catalog(made.root, rows)], MixSettings())


def test_unsplit_and_unlabeled_images_are_refused(parts: Catalog, made: Catalog) -> None:
    bare = write_catalog(parts.root, [item | {"split": None} for item in parts.rows()])
    with pytest.raises(InputError, match="no observed training image"):
        mixed([bare], [made], MixSettings())
    split = write_catalog(parts.root, [item | {"split": "train"} for item in parts.rows()])
    beside = Catalog(parts.root, split.table).replaced(split=[None] * len(split))
    with pytest.raises(InputError, match=r"is in no part \(24 such images\)"):
        mixed([split, beside], [made], MixSettings())
    nameless = write_catalog(made.root, [item | {"label": None} for item in made.rows()])
    with pytest.raises(InputError, match="has no label"):
        mixed([split], [nameless], MixSettings())


def test_a_mixture_is_a_catalog_of_its_own(
    parts: Catalog, more: Catalog, made: Catalog, tmp_path: Path
) -> None:
    settings = MixSettings(alpha=0.5, beta=0.5)
    mixture = mix([parts, more], [made], tmp_path / "mixture", settings)
    again = open_catalog(tmp_path / "mixture")
    assert again.rows() == mixture.rows()
    chosen = mixed([parts, more], [made], settings)
    for ours, theirs in zip(mixture.files(), chosen.files(), strict=True):
        assert ours.read_bytes() == theirs.read_bytes()
    for name in ("image_id", "parent_id", "group_id", "label", "split", "recipe"):
        assert mixture.column(name) == chosen.column(name)
    with pytest.raises(CatalogError, match="already holds a catalog"):
        mix([parts, more], [made], tmp_path / "mixture", settings)
    fewer = replace(settings, alpha=0.0, overwrite=True)
    small = mix([parts, more], [made], tmp_path / "mixture", fewer)
    assert sorted(small.files()) == sorted((tmp_path / "mixture" / "images").iterdir())
    with pytest.raises(CatalogError, match="holds what is worked on"):
        mix([parts, small], [made], small.root, replace(settings, overwrite=True))


def test_agreement_needs_a_classifier() -> None:
    with pytest.raises(SettingsError, match="--score .=agreement. must go with --classifier"):
        MixSettings(score="agreement")


def test_the_verb(
    parts: Catalog, made: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "mixture")
    command = ["mix", "--real", str(parts.root), "--synthetic", str(made.root), "--out", out]
    assert main([*command, "--beta", "0.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main([*command, "--overwrite", "--betas", "1"]) == 2
    assert "--betas (=(1.0,)) must go with --sweep" in capsys.readouterr().err
    assert told == {"catalog": out, "images": 34, "origins": {"gan": 10, "observed": 24}}
