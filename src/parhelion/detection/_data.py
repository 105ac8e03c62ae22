"""The detector's data: samples of several catalogs, checked, and their pixels, balanced."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parhelion.catalog import MADE_ORIGINS, SPLITS, Catalog, open_catalog
from parhelion.detection._chain import through
from parhelion.detection._degrade import degrade, published
from parhelion.detection._settings import DetectorSettings
from parhelion.detection._views import View, as_color, view
from parhelion.errors import CatalogError, InputError
from parhelion.training import PixelStore, check_apart, map_ahead

CLASSES = ("observed", "made")
_LOSSY = ("JPEG", "WEBP")
#: Side of the part of an image that a random history is drawn for, before patches are cut.
_HISTORY = 192


@dataclass(frozen=True)
class Sample:
    """One image, and whether a model made it."""

    path: Path
    image_id: str
    group_id: str
    origin: str
    split: str | None
    is_made: bool
    catalog: str = ""
    """Folder of the catalog that it is from."""
    is_lossless: bool = False
    """Whether its file has never been through a lossy codec, as far as its format tells."""
    side: int = 0
    """Pixels of its shorter side."""


def gather(catalogs: Sequence[Catalog | Path | str], *, split_needed: bool = True) -> list[Sample]:
    """Return the samples of several catalogs, in their order.

    Raises
    ------
    CatalogError
        If a split is needed and missing, a group spans two splits, or a file
        is given twice.
    InputError
        If no catalog is given.
    """
    if not catalogs:
        raise InputError("no catalog given; name at least one with --data CATALOG")
    samples: list[Sample] = []
    roots = " ".join(catalog_name(catalog) for catalog in catalogs)
    for given in catalogs:
        catalog = given if isinstance(given, Catalog) else open_catalog(given)
        rows = catalog.rows()
        bare = sum(item["split"] is None for item in rows)
        if bare and split_needed:
            raise CatalogError(
                f"{bare} of {len(rows)} images in {catalog.root} have no split; "
                f"run `parhelion split {roots}` first"
            )
        samples += [
            Sample(
                path=path,
                image_id=item["image_id"],
                group_id=item["group_id"],
                origin=item["origin"],
                split=item["split"],
                is_made=item["origin"] in MADE_ORIGINS,
                catalog=catalog_name(catalog),
                is_lossless=item["format"] not in _LOSSY,
                side=min(item["width"], item["height"]),
            )
            for path, item in zip(catalog.files(), rows, strict=True)
        ]
    check_apart(samples)
    return samples


def catalog_name(catalog: Catalog | Path | str) -> str:
    """Return where a catalog lies, for messages and cards."""
    return str(catalog.root if isinstance(catalog, Catalog) else catalog)


def check_classes(samples: Sequence[Sample], splits: Sequence[str] = SPLITS) -> None:
    """Raise `CatalogError` unless each split has both observed and made images."""
    for split in splits:
        for is_made, name in enumerate(CLASSES):
            if not any(s.split == split and s.is_made == bool(is_made) for s in samples):
                raise CatalogError(
                    f"the catalogs have no {name} image in the {split} part; a detector needs "
                    "both kinds in each: give a catalog of each with --data, and split them with "
                    "`parhelion split`"
                )


def counts(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Return how many observed and made images each split has."""
    return {
        split: {
            name: sum(s.split == split and s.is_made == bool(is_made) for s in samples)
            for is_made, name in enumerate(CLASSES)
        }
        for split in SPLITS
    }


def some(samples: Sequence[Sample], split: str, is_made: bool, most: int) -> list[Sample]:
    """Return samples of one class in a part, evenly spaced where there are more than `most`."""
    mine = [sample for sample in samples if sample.split == split and sample.is_made == is_made]
    return mine[:: max(1, -(-len(mine) // most))]


def pixel_store(settings: DetectorSettings) -> PixelStore:
    """Return a store of images in the form that the view of these settings begins with."""
    return PixelStore(_side(settings), settings.cache_mb)


def judging_store(settings: DetectorSettings) -> PixelStore:
    """Return the same for images that are read once: none is kept, and all of each is seen.

    So `detect` sees them, where training cuts what is large to its middle.
    """
    return PixelStore(_side(settings), 0, largest=None)


def _side(settings: DetectorSettings) -> int | None:
    return settings.image_size if settings.view == "whole" else None


def validation_chain(settings: DetectorSettings) -> str | None:
    """Return what happens to validation images: patches must hold after any history."""
    return None if settings.view == "whole" else "random"


def test_chain(settings: DetectorSettings) -> str | None:
    """Return what happens to test images: one codec for both classes."""
    return None if settings.view == "whole" else "plain"


def judged_views(
    samples: Sequence[Sample],
    store: PixelStore,
    settings: DetectorSettings,
    chain: str | None = None,
) -> Generator[View, None, None]:
    """Yield each sample as it is judged, in order, prepared by threads.

    Parameters
    ----------
    samples : sequence of Sample
        What to look at.
    store : PixelStore
        See `pixel_store`.
    settings : DetectorSettings
        The detector's.
    chain : str, optional
        What happens to both classes first: one of `CHAINS`, or ``random``, a history as in the
        training of a patch detector, the same for an image each time. Nothing by default.
        Images stored without loss are made JPEGs first wherever there is a chain.
    """

    def see(sample: Sample) -> View:
        pixels = store.load(sample.path)
        if chain is not None:
            rng = np.random.default_rng([settings.seed, int(sample.image_id[:12], 16)])
            pixels = as_color(pixels)
            if chain == "random":
                side, lossless = min(_HISTORY, *pixels.shape[:2]), sample.is_lossless
                pixels = degrade(pixels, side, settings, rng, lossless=lossless, smaller=True)
            else:
                pixels = published(pixels, rng) if sample.is_lossless else pixels
                pixels = through(pixels, chain)
        return view(pixels, settings)

    return map_ahead(see, samples, workers=settings.workers, depth=3 * settings.batch)
