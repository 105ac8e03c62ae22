"""Measure a generator: its images against real ones, in distances, copies and spectra."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._files import write_json
from parhelion._settings import save_settings
from parhelion.catalog import Catalog, load_pixels, open_catalog
from parhelion.errors import InputError
from parhelion.measurement._distances import frechet_distance, kernel_distance
from parhelion.measurement._features import (
    FeatureNetwork,
    load_features,
    save_features,
    train_features,
)
from parhelion.measurement._memorisation import nearest_by_ssim
from parhelion.measurement._settings import MINIMUM, MeasureGeneratorSettings
from parhelion.measurement._spectra import compare_spectra
from parhelion.training import make_fabric

MEASURE_FILE = "measure.json"
#: Folder, beside the figures, of the feature network that was trained for them.
FEATURES_FOLDER = "features"
#: Most images of each set in a distance, unless asked: three kernels of 200 MB each.
_MOST = 5000


@dataclass(frozen=True)
class _RealParts:
    """The real images in two parts, as positions in their catalog."""

    reference: NDArray[np.int64]
    held: NDArray[np.int64]
    known: NDArray[np.int64]
    note: str


def measure_generator(
    real: Catalog | Path | str,
    generated: Catalog | Path | str,
    out: Path | str | None = None,
    settings: MeasureGeneratorSettings | None = None,
) -> dict[str, Any]:
    """Compare made images with real ones.

    The real images are used in two parts. Those of split ``train`` are what the generator may
    have seen: distances, spectra and copies are measured against them. Those of the other
    splits say how far two sets of *real* images are apart (the floor). A catalog without
    splits is cut into halves by group, and copies are sought in all of it.

    Parameters
    ----------
    real : Catalog or Path
        Real images; rows whose origin is not ``observed`` are left out.
    generated : Catalog or Path
        Made images; all rows are used.
    out : Path, optional
        Folder for ``measure.json``, the settings, and the feature network if one was trained.
    settings : MeasureGeneratorSettings, optional
        Size, feature network, counts and seed.

    Returns
    -------
    figures : dict
        What can be written as JSON. ``count``, ``network``; ``kid`` and ``frechet``, each with
        ``_interval``; ``kid_floor`` with ``_interval`` and ``floor_count``; ``memorisation``:
        ``max_ssim``, ``null_max_ssim`` (of a real image and its nearest real one of another
        group), ``threshold``, ``flagged`` (made images above it) and ``pairs`` of paths in
        the catalogs; ``spectra``: mean and spread of log10 power per ``frequency`` (cycles
        per pixel) and ``log_difference`` in dex; ``real_split``; ``seconds``. Intervals are
        95 %.

    Raises
    ------
    InputError
        If a set has fewer than 16 images, or fewer than ``--count``.
    """
    settings = settings or MeasureGeneratorSettings()
    start = time.monotonic()
    real = (real if isinstance(real, Catalog) else open_catalog(real)).select(origin="observed")
    generated = generated if isinstance(generated, Catalog) else open_catalog(generated)
    parts = _real_parts(real, settings.seed)
    for what, number in (
        ("real images to compare with", len(parts.reference)),
        ("real images held apart", len(parts.held)),
        ("made images", len(generated)),
    ):
        if number < MINIMUM:
            where = generated.root if what == "made images" else real.root
            raise InputError(
                f"{number} {what} in {where}, but at least {MINIMUM} are needed ({parts.note})"
            )
    pixels = load_pixels(real, settings.image_size)
    made = load_pixels(generated, settings.image_size)

    network, trained = _network(pixels[parts.reference], settings)
    figures: dict[str, Any] = {
        "image_size": settings.image_size,
        "network": network.name,
        "real_split": {
            "note": parts.note,
            "reference": len(parts.reference),
            "held": len(parts.held),
            "searched": len(parts.known),
        },
        "generated": len(made),
    }
    figures |= _distances(network, pixels, made, parts, settings)
    figures["memorisation"] = _memorisation(real, generated, pixels, made, parts, settings)
    figures["spectra"] = _spectra(pixels, made, parts, settings)
    figures["seconds"] = round(time.monotonic() - start, 2)
    if out is not None:
        out = Path(out)
        if trained:
            save_features(network, out / FEATURES_FOLDER)
        write_json(out / MEASURE_FILE, figures)
        save_settings(out, "measure generator", settings, real=real.root, generated=generated.root)
    return figures


def _real_parts(real: Catalog, seed: int) -> _RealParts:
    splits = np.array(real.column("split"), dtype=object)
    if (splits == "train").any():
        train = np.flatnonzero(splits == "train")
        held = np.flatnonzero((splits == "validation") | (splits == "test"))
        note = "the real catalog's train split, against its validation and test splits"
        return _RealParts(train, held, train, note)
    # Whole groups, in a random order, to the half that has fewer images so far.
    groups = _group_numbers(real)
    sizes = np.bincount(groups)
    halves: tuple[list[int], list[int]] = ([], [])
    total = [0, 0]
    for group in np.random.default_rng([seed, 4]).permutation(len(sizes)):
        side = int(total[1] < total[0])
        halves[side].append(int(group))
        total[side] += int(sizes[group])
    reference, held = (np.flatnonzero(np.isin(groups, half)) for half in halves)
    note = "the real catalog has no train split: halves of it, at random"
    return _RealParts(reference, held, np.arange(len(real)), note)


def _group_numbers(real: Catalog) -> NDArray[np.int64]:
    names = np.array(real.column("group_id"), dtype=str)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _network(
    reference: NDArray[np.uint8], settings: MeasureGeneratorSettings
) -> tuple[FeatureNetwork, bool]:
    """Return the feature network, and whether it was trained just now."""
    device = make_fabric(settings.device, "fp32").device
    if settings.features is not None:
        network = load_features(settings.features)
    else:
        network = train_features(reference, seed=settings.seed)
    network.module.to(device)
    return network, settings.features is None


def _distances(
    network: FeatureNetwork,
    pixels: NDArray[np.uint8],
    made: NDArray[np.uint8],
    parts: _RealParts,
    settings: MeasureGeneratorSettings,
) -> dict[str, Any]:
    smaller = min(len(parts.reference), len(made))
    count = settings.count or min(smaller, _MOST)
    if count > smaller:
        raise InputError(
            f"--count (={count}) is more than there is: {len(parts.reference)} real images to "
            f"compare with and {len(made)} made ones; lower it or leave it out"
        )
    floor_count = min(len(parts.reference), len(parts.held), _MOST)
    generator = np.random.default_rng([settings.seed, 5])

    def draw(images: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        return np.sort(generator.permutation(images)[:size])

    references = network(pixels[draw(parts.reference, max(count, floor_count))])
    made_features = network(made[draw(np.arange(len(made)), count)])
    held_features = network(pixels[draw(parts.held, floor_count)])
    shuffled = references[generator.permutation(len(references))]
    options: dict[str, int] = {"seed": settings.seed, "bootstrap": settings.bootstrap}
    kid = kernel_distance(shuffled[:count], made_features, **options)
    frechet = frechet_distance(shuffled[:count], made_features, **options)
    floor = kernel_distance(shuffled[:floor_count], held_features, **options)
    return {
        "count": count,
        "kid": kid.value,
        "kid_interval": list(kid.interval),
        "frechet": frechet.value,
        "frechet_interval": list(frechet.interval),
        "floor_count": floor_count,
        "kid_floor": floor.value,
        "kid_floor_interval": list(floor.interval),
    }


def _memorisation(
    real: Catalog,
    generated: Catalog,
    pixels: NDArray[np.uint8],
    made: NDArray[np.uint8],
    parts: _RealParts,
    settings: MeasureGeneratorSettings,
) -> dict[str, Any]:
    known = pixels[parts.known]
    groups = _group_numbers(real)[parts.known]
    nearest, scores = nearest_by_ssim(made, known, 1)
    _, null = nearest_by_ssim(
        known, known, 1, exclude_self=True, query_groups=groups, reference_groups=groups
    )
    # What two different real objects reach, a made image may reach as well.
    threshold = float(null.max())
    if np.isneginf(threshold):
        raise InputError(f"all real images of {real.root} are of one group; none are different")
    real_paths, made_paths = real.column("path"), generated.column("path")
    order = np.argsort(-scores[:, 0], kind="stable")[: settings.pairs]
    return {
        "max_ssim": float(scores.max()),
        "null_max_ssim": threshold,
        "threshold": threshold,
        "flagged": int((scores > threshold).sum()),
        "median_ssim": float(np.median(scores)),
        "null_median_ssim": float(np.median(null)),
        "pairs": [
            {
                "generated": made_paths[i],
                "real": real_paths[parts.known[nearest[i, 0]]],
                "ssim": float(scores[i, 0]),
            }
            for i in order
        ],
    }


def _spectra(
    pixels: NDArray[np.uint8],
    made: NDArray[np.uint8],
    parts: _RealParts,
    settings: MeasureGeneratorSettings,
) -> Mapping[str, Any]:
    options: dict[str, int] = {"seed": settings.seed, "bootstrap": settings.bootstrap}
    reference = pixels[parts.reference]
    result = compare_spectra(reference, made, **options)
    floor = compare_spectra(reference, pixels[parts.held], **options)
    return {
        "frequency": result.frequency.tolist(),
        "real_mean": result.first_mean.tolist(),
        "real_spread": result.first_spread.tolist(),
        "generated_mean": result.second_mean.tolist(),
        "generated_spread": result.second_spread.tolist(),
        "log_difference": result.difference,
        "log_difference_interval": list(result.interval),
        "log_difference_floor": floor.difference,
        "log_difference_floor_interval": list(floor.interval),
    }
