"""Measure generators: made images against real ones, at equal counts, with a floor."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._files import write_json
from parhelion._settings import save_settings
from parhelion.catalog import Catalog, open_catalog
from parhelion.classification import load_classifier
from parhelion.errors import InputError
from parhelion.measurement._comparison import Comparer, Draw, draw_rows
from parhelion.measurement._features import Features, load_features, save_features, train_features
from parhelion.measurement._framing import framed_pixels
from parhelion.measurement._morphology import require_statmorph
from parhelion.measurement._nearest import Nearest
from parhelion.measurement._real_parts import RealParts, real_parts
from parhelion.measurement._samples import write_made_samples, write_real_samples
from parhelion.measurement._settings import (
    MINIMUM,
    SELF_SUPERVISED,
    MeasureGeneratorSettings,
)

FIGURES_FILE = "figures.json"
#: Folder, beside the figures, of the feature network that was trained for them.
FEATURES_FOLDER = "features"
#: Most images of each set in a comparison, unless asked: three kernels of 200 MB each.
_MOST = 5000

Given = Catalog | Path | str


def measure_generator(
    real: Given,
    generated: Given | Sequence[Given],
    out: Path | str | None = None,
    settings: MeasureGeneratorSettings | None = None,
) -> dict[str, Any]:
    """Compare made images with real ones.

    All figures are taken at one count, for several of them are biased by it. The same between
    two parts of the real images is the floor; since those parts may be smaller, each figure is
    also given at the floor's count (``_at_floor``), where the two can be compared.

    The reference is the real catalog's train split, and its other splits are the floor's other
    side; with `split`, or where there are no splits, the floor is between halves by group.
    Copies are sought in the train split, or in all where there is none.

    Parameters
    ----------
    real : Catalog or Path
        Real images; rows whose origin is not ``observed`` are left out.
    generated : Catalog or Path, or several
        Made images; all rows are used. Several sets are compared at one count.
    out : Path, optional
        Folder for ``figures.json``, the settings, pictures of samples and of nearest pairs,
        and the feature network if one was trained.
    settings : MeasureGeneratorSettings, optional
        Framing, feature networks, counts and seed.

    Returns
    -------
    figures : dict
        What can be written as JSON; intervals are 95 %. ``count``, ``floor_count``,
        ``real_split``; of the first made set: ``generated`` (its size), ``networks``, a list
        with ``network`` and ``kid``, ``frechet``, ``precision``, ``recall``, ``density``,
        ``coverage``, each with ``_interval``, ``_at_floor``, ``_floor`` and
        ``_floor_interval``; those of the first network also at the top; ``spectra``;
        ``photometry`` and ``morphology`` (or None): histograms and Wasserstein distances;
        ``classes``: tables with a chi-square test; ``memorisation``; ``others``: the same of
        the other made sets; ``seconds``.

    Raises
    ------
    InputError
        If a set has fewer than 16 images, or fewer than ``--count``.
    MissingExtraError
        If shapes are asked for and statmorph is not installed.
    """
    settings = settings or MeasureGeneratorSettings()
    start = time.monotonic()
    if settings.morphology:
        require_statmorph()  # now, not after minutes
    real = (real if isinstance(real, Catalog) else open_catalog(real)).select(origin="observed")
    several = [generated] if isinstance(generated, Given) else list(generated)
    made = [item if isinstance(item, Catalog) else open_catalog(item) for item in several]
    parts = real_parts(real, settings.split, settings.seed)
    _check(real, made, parts, settings)
    crops = settings.crop_generated * (1 if len(settings.crop_generated) > 1 else len(made))
    draw = draw_rows(parts, [len(item) for item in made], settings.count or _MOST, settings.seed)
    classifier = None
    if settings.classifier is not None:
        classifier = load_classifier(settings.classifier, settings.device)

    pixels = framed_pixels(real, settings.image_size, crop=settings.crop_real)
    networks = _networks(pixels[parts.learned], settings, out)
    comparer = Comparer(pixels, draw, networks, classifier, settings)
    nearest = Nearest(pixels, real, parts.known, settings.seed)
    sets: list[dict[str, Any]] = []
    for number, (catalog, crop) in enumerate(zip(made, crops, strict=True)):
        images = framed_pixels(catalog, settings.image_size, crop=crop)
        rows = draw.made[number]
        figures = comparer.compare(images[rows])
        figures["classes"] += comparer.compare_labels(real, catalog, number)
        found = figures["memorisation"] = nearest.search(images, catalog, settings.pairs)
        if out is not None:
            write_made_samples(Path(out), number, images, rows, pixels, found)
        about = {"name": catalog.root.name, "generated": len(catalog), "crop": crop}
        sets.append(about | figures["networks"][0] | figures)
    if out is not None:
        write_real_samples(Path(out), pixels[draw.reference])
    result = _about(real, parts, draw, settings) | sets[0]
    result |= {"others": sets[1:], "seconds": round(time.monotonic() - start, 2)}
    if out is not None:
        write_json(Path(out) / FIGURES_FILE, result)
        roots = [str(catalog.root) for catalog in made]
        save_settings(Path(out), "measure generator", settings, real=real.root, generated=roots)
    return result


def _check(
    real: Catalog, made: Sequence[Catalog], parts: RealParts, settings: MeasureGeneratorSettings
) -> None:
    if not made:
        raise InputError("no made images were given; name a catalog with --generated")
    if len(settings.crop_generated) not in (1, len(made)):
        raise InputError(
            f"--crop-generated has {len(settings.crop_generated)} values for {len(made)} "
            "catalogs; give one for all, or one for each"
        )
    numbers = [
        ("real images to compare with", len(parts.reference), real.root),
        ("real images in the floor's first part", len(parts.first), real.root),
        ("real images in the floor's second part", len(parts.second), real.root),
        *(("made images", len(catalog), catalog.root) for catalog in made),
    ]
    for what, number, where in numbers:
        if number < MINIMUM:
            raise InputError(
                f"{number} {what} in {where}, but at least {MINIMUM} are needed ({parts.note})"
            )
    smallest = min(map(len, made))
    if settings.count is not None and settings.count > min(len(parts.reference), smallest):
        raise InputError(
            f"--count (={settings.count}) is more than there is: {len(parts.reference)} real "
            f"images to compare with and {smallest} made ones; lower it or leave it out"
        )


def _networks(
    learned: NDArray[np.uint8], settings: MeasureGeneratorSettings, out: Path | str | None
) -> list[Features]:
    """Load the feature networks, and train the own one if it is asked for."""
    networks: list[Features] = []
    for path in settings.features or (SELF_SUPERVISED,):
        if path == SELF_SUPERVISED:
            trained = train_features(learned, seed=settings.seed)
            if out is not None:
                save_features(trained, Path(out) / FEATURES_FOLDER)
            networks.append(trained)
        else:
            networks.append(load_features(path, settings.device))
    return networks


def _about(
    real: Catalog, parts: RealParts, draw: Draw, settings: MeasureGeneratorSettings
) -> dict[str, Any]:
    return {
        "image_size": settings.image_size,
        "count": len(draw.reference),
        "floor_count": len(draw.first),
        "neighbors": settings.neighbors,
        "real": real.root.name,
        "real_crop": settings.crop_real,
        "real_split": {
            "note": parts.note,
            **{name: len(rows) for name, rows in asdict(parts).items() if name != "note"},
        },
    }
