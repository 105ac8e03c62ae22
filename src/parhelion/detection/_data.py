"""The detector's data: samples of several catalogs, checked, and their pixels, balanced."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import MADE_ORIGINS, SPLITS, Catalog, open_catalog
from parhelion.detection._augment import augment
from parhelion.detection._chain import judged
from parhelion.detection._settings import DetectorSettings
from parhelion.errors import CatalogError, InputError
from parhelion.training import PixelStore, check_apart, data_order, map_ahead

CLASSES = ("observed", "made")


@dataclass(frozen=True)
class Sample:
    """One image, and whether a model made it."""

    path: Path
    image_id: str
    group_id: str
    origin: str
    split: str | None
    is_made: bool


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


def judged_pixels(
    samples: Sequence[Sample], store: PixelStore, settings: DetectorSettings
) -> Generator[NDArray[np.uint8], None, None]:
    """Yield each sample as it is judged: ``(S, S, 3)`` uint8, in order, prepared by threads."""

    def see(sample: Sample) -> NDArray[np.uint8]:
        return judged(store.load(sample.path), settings.image_size, settings.test_quality)

    return map_ahead(see, samples, workers=settings.workers, depth=3 * settings.batch)


def training_batches(
    samples: Sequence[Sample], store: PixelStore, settings: DetectorSettings, start: int = 0
) -> Generator[tuple[NDArray[np.uint8], NDArray[np.float32]], None, None]:
    """Yield training batches without end, half observed and half made, prepared by threads.

    What a batch holds is a function of the seed and its position alone: each class has its
    own endless order, and each place in it its own random stream.

    Parameters
    ----------
    samples : sequence of Sample
        The training part; both classes.
    store : PixelStore
        Where pixels come from.
    settings : DetectorSettings
        Batch, augmentation and seed.
    start : int
        Images seen before the first batch.

    Yields
    ------
    pixels, targets : ndarray
        ``(batch, S, S, 3)`` uint8, and ``(batch,)`` float32, 1 where made.
    """
    paths = [[s.path for s in samples if s.is_made == made] for made in (False, True)]
    half = settings.batch // 2
    targets = np.repeat(np.array([0, 1], np.float32), half)

    def jobs() -> Iterator[tuple[int, int, int]]:
        position = start // 2
        while True:
            for kind in (0, 1):
                order = data_order(len(paths[kind]), position, half, 2 * settings.seed + kind)
                for place, index in enumerate(order):
                    yield kind, position + place, int(index)
            position += half

    def draw(job: tuple[int, int, int]) -> NDArray[np.uint8]:
        kind, position, index = job
        rng = np.random.default_rng([settings.seed, kind, position])
        return augment(store.load(paths[kind][index]), settings, rng)

    drawn = map_ahead(draw, jobs(), workers=settings.workers, depth=3 * settings.batch)
    with closing(drawn):
        while True:
            yield np.stack(list(islice(drawn, settings.batch))), targets
