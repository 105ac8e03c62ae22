"""What FLARE's page shows besides tables: what was made, class by class, and a t-SNE."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion._files import atomic_path
from parhelion.catalog import MADE_ORIGINS, Catalog, decode, load_pixels, resize
from parhelion.classification import load_classifier
from parhelion.experiments._flare_data import Sets
from parhelion.provenance import encode_image, write_image
from parhelion.training import grid

SAMPLES_FILE = "samples.png"
FEATURES_FILE = "features.parquet"

#: Of each class on the sheet of samples: images as they came, drawn, and varied.
_EACH = 5
_SIDE = 96
#: Most images of a t-SNE of each kind: real, augmented, made.
_SHOWN = 250
_THUMBNAIL = 56


def write_samples(out: Path, sets: Sets, seed: int) -> dict[str, Any]:
    """Write a sheet with a row for each class: real images, drawn ones, variations."""
    train = sets.low.select(split="train")
    made = sets.synthetic
    is_plain = [recipe["operation"] != "augment" for recipe in made.recipes()]
    made = Catalog(made.root, made.table.filter(is_plain))
    kinds = (
        train,
        made.select(origin=("diffusion", "text_to_image")),
        made.select(origin="image_to_image"),
    )
    labels = sorted(set(train.column("label")))
    images = [
        image
        for label in labels
        for kind in kinds
        for image in _some(kind.select(label=label), _EACH, seed)
    ]
    sheet: NDArray[np.uint8] = grid(np.stack(images), len(kinds) * _EACH)
    recipe = {"operation": "samples of each class", "classes": labels}
    write_image(out / SAMPLES_FILE, sheet, recipe=recipe, made=True)
    return {"classes": labels, "each": _EACH}


def write_features(
    out: Path, run: Path, mixture: Catalog, device: str, seed: int
) -> dict[str, Any]:
    """Write a t-SNE of a classifier's features of the images that FLARE learns from (Figure 1).

    ``features.parquet`` has a row per image: `kind` (real, augmented or made), `label`,
    `thumbnail` (a JPEG file), `x` and `y`.
    """
    from parhelion.measurement import tsne

    train = mixture.select(split="train")
    kinds = {
        "real": train.select(origin=("observed", "enhanced")),
        "augmented": train.select(origin="augmented"),
        "made": train.select(origin=sorted(MADE_ORIGINS)),
    }
    chosen = {name: _sample(catalog, _SHOWN, seed) for name, catalog in kinds.items()}
    classifier = load_classifier(run, device)
    features = [
        classifier.features(load_pixels(catalog, classifier.image_size))
        for catalog in chosen.values()
        if len(catalog)
    ]
    places = tsne(np.concatenate(features), seed=seed)
    columns: dict[str, Any] = {
        "kind": [name for name, catalog in chosen.items() for _ in range(len(catalog))],
        "label": [label for catalog in chosen.values() for label in catalog.column("label")],
        "thumbnail": [
            _thumbnail(path, made=name == "made")
            for name, catalog in chosen.items()
            for path in catalog.files()
        ],
        "x": places[:, 0],
        "y": places[:, 1],
    }
    with atomic_path(out / FEATURES_FILE) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")
    return {"images": len(places)}


def _sample(catalog: Catalog, most: int, seed: int) -> Catalog:
    """Return so many rows at most, drawn at random, in their order."""
    count = min(most, len(catalog))
    drawn = np.random.default_rng([seed, 31]).choice(len(catalog), count, replace=False)
    return Catalog(catalog.root, catalog.table.take(np.sort(drawn)))


def _some(catalog: Catalog, count: int, seed: int) -> Sequence[NDArray[np.uint8]]:
    """Return so many images drawn at random, dark ones where there are too few."""
    chosen = _sample(catalog, count, seed)
    images = [resize(decode(path)[0].pixels, _SIDE) for path in chosen.files()]
    return [*images, *[np.zeros((_SIDE, _SIDE, 3), np.uint8)] * (count - len(images))]


def _thumbnail(path: Path, *, made: bool) -> bytes:
    pixels = resize(decode(path)[0].pixels, _THUMBNAIL)
    return encode_image(pixels, "JPEG", recipe={"operation": "thumbnail"}, made=made, quality=80)
