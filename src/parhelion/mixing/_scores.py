"""What images are ranked by when they are mixed: a score for each, higher is kept first."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog, load_pixels
from parhelion.mixing._settings import MixSettings

Scores = NDArray[np.float64]

#: Neighbors over which distances are averaged.
_NEIGHBORS = 5
_FEATURE_SIDE = 64  # pixels at which images are compared


def scores(
    images: Catalog, real: Catalog, settings: MixSettings, parts: Sequence[NDArray[np.int64]]
) -> Scores:
    """Return the score of each image, ``(N,)``; only those of one part are compared.

    Parameters
    ----------
    images : Catalog
        What is ranked.
    real : Catalog
        Observed training images.
    settings : MixSettings
        `score` says by what.
    parts : sequence of ndarray
        Rows of `images` of one class each.
    """
    if settings.score == "random":
        return _random(images, settings)
    return _SCORES[settings.score](images, real, settings, parts)


def _random(images: Catalog, settings: MixSettings) -> Scores:
    # By what an image is, not where it stands: another catalog beside it changes nothing.
    return np.array(
        [
            np.random.default_rng([settings.seed, int(name[:16], 16)]).random()
            for name in images.column("image_id")
        ]
    )


def _near(
    images: Catalog, real: Catalog, settings: MixSettings, parts: Sequence[NDArray[np.int64]]
) -> Scores:
    """Nearness to the real training images of the class: less the mean distance to five."""
    mine, theirs = _features(images, real, settings)
    labels = np.array(real.column("label"), object)
    found = np.zeros(len(images))
    for rows in parts:
        same = theirs[labels == images.column("label")[rows[0]]]
        found[rows] = -_mean_distance(mine[rows], same if len(same) else theirs)
    return found


def _diverse(
    images: Catalog, real: Catalog, settings: MixSettings, parts: Sequence[NDArray[np.int64]]
) -> Scores:
    """Distance from the five nearest of the same class among what is ranked."""
    mine, _ = _features(images, real, settings)
    found = np.zeros(len(images))
    for rows in parts:
        found[rows] = _mean_distance(mine[rows], mine[rows], itself=True)
    return found


def _agreement(
    images: Catalog, real: Catalog, settings: MixSettings, parts: Sequence[NDArray[np.int64]]
) -> Scores:
    """Probability that a classifier gives to the label."""
    from parhelion.classification import load_classifier
    from parhelion.errors import InputError

    classifier = load_classifier(settings.classifier or "", settings.device)
    chance = classifier.predict(load_pixels(images, classifier.image_size))
    found = np.zeros(len(images))
    for rows in parts:
        label = images.column("label")[rows[0]]
        name = classifier.classes.get(label)
        if name is None:
            raise InputError(
                f"the classifier {settings.classifier} knows no label {label!r}; "
                f"it knows {', '.join(sorted(classifier.classes))}"
            )
        found[rows] = chance[rows, classifier.labels.index(name)]
    return found


def _original(
    images: Catalog, real: Catalog, settings: MixSettings, parts: Sequence[NDArray[np.int64]]
) -> Scores:
    """How little an image stands out as a copy of one real training image does."""
    from parhelion.measurement import NEXT, distinctness, group_numbers, nearest_by_ssim

    groups = group_numbers(real)
    indices, likeness = nearest_by_ssim(
        load_pixels(images, _FEATURE_SIDE), load_pixels(real, _FEATURE_SIDE), NEXT + 1
    )
    ratio = distinctness(indices, likeness, groups)
    return np.where(np.isnan(ratio), 1 - likeness[:, 0], ratio)


def _observed(
    images: Catalog, real: Catalog, settings: MixSettings, parts: Sequence[NDArray[np.int64]]
) -> Scores:
    """Log-odds that a detector takes it for observed."""
    from parhelion.detection import evaluate

    table = evaluate(settings.detector, [images], split=None, device=settings.device)
    found: Scores = -table["logit"].to_numpy()
    return found


_Score = Callable[[Catalog, Catalog, MixSettings, Sequence[NDArray[np.int64]]], Scores]
_SCORES: dict[str, _Score] = {
    "near": _near,
    "diverse": _diverse,
    "agreement": _agreement,
    "original": _original,
    "observed": _observed,
}


def _features(
    images: Catalog, real: Catalog, settings: MixSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from parhelion.measurement import load_features, train_features

    known = load_pixels(real, _FEATURE_SIDE)
    network = (
        train_features(known, seed=settings.seed)
        if settings.features is None
        else load_features(settings.features, settings.device)
    )
    return network(load_pixels(images, _FEATURE_SIDE)), network(known)


def _mean_distance(
    mine: NDArray[np.float32], others: NDArray[np.float32], *, itself: bool = False
) -> Scores:
    """Return the mean distance of each to its five nearest others, ``(N,)``."""
    from scipy.spatial import KDTree

    wanted = min(_NEIGHBORS + itself, len(others))
    distances, _ = KDTree(others).query(mine, k=range(1, wanted + 1))
    near = distances[:, 1:] if itself and wanted > 1 else distances
    means: Scores = near.mean(1)
    return means
