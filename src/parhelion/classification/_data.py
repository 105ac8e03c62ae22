"""The classifier's data: samples of catalogs with their classes, and batches of their pixels."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import SPLITS, Catalog, open_catalog
from parhelion.classification._augment import augment
from parhelion.classification._settings import ClassifierSettings
from parhelion.errors import CatalogError, InputError
from parhelion.training import PixelStore, check_apart, class_order, data_order, map_ahead

Catalogs = Catalog | Path | str | Sequence[Catalog | Path | str]


@dataclass(frozen=True)
class Sample:
    """One image and its class, by number."""

    path: Path
    image_id: str
    group_id: str
    split: str | None
    label: str
    target: int


def open_all(data: Catalogs) -> list[Catalog]:
    """Return the catalogs that were given, one or several.

    Raises
    ------
    InputError
        If none is given.
    """
    given = [data] if isinstance(data, (Catalog, Path, str)) else list(data)
    if not given:
        raise InputError("no catalog given; name at least one with --data CATALOG")
    return [item if isinstance(item, Catalog) else open_catalog(item) for item in given]


def gather(
    catalogs: Iterable[Catalog],
    classes: dict[str, str],
    labels: Sequence[str],
    judged: str = "observed",
) -> tuple[list[Sample], dict[str, int]]:
    """Return the samples of catalogs, in their order, and what was left out.

    Images of the validation and test parts are taken only where they are of the `judged` origin:
    made and altered images are no evidence of skill on real ones.

    Parameters
    ----------
    catalogs : iterable of Catalog
        Split by `parhelion split`.
    classes : mapping
        Class of each label.
    labels : sequence of str
        The classes; a sample's `target` is its class's place here.
    judged : {"observed", "enhanced"}
        Images as they came, or these enlarged.

    Returns
    -------
    samples : list of Sample
    left_out : dict
        How many images have each label that is not in the mapping (``(none)``: no label), and
        ``(not observed)``, or ``(not enhanced)``: how many of a judged part are not.

    Raises
    ------
    CatalogError
        If an image has no split, a group spans two splits, or a file is given twice.
    """
    number = {name: index for index, name in enumerate(labels)}
    samples: list[Sample] = []
    left_out: Counter[str] = Counter()
    for catalog in catalogs:
        rows = catalog.rows()
        bare = sum(item["split"] is None for item in rows)
        if bare:
            raise CatalogError(
                f"{bare} of {len(rows)} images in {catalog.root} have no split; "
                f"run `parhelion split {catalog.root}` first"
            )
        for path, item in zip(catalog.files(), rows, strict=True):
            if item["label"] not in classes:
                left_out[item["label"] or "(none)"] += 1
            elif item["split"] != "train" and item["origin"] != judged:
                left_out[f"(not {judged})"] += 1
            else:
                samples.append(
                    Sample(
                        path=path,
                        image_id=item["image_id"],
                        group_id=item["group_id"],
                        split=item["split"],
                        label=item["label"],
                        target=number[classes[item["label"]]],
                    )
                )
    check_apart(samples)
    return samples, dict(sorted(left_out.items()))


def check_classes(
    samples: Sequence[Sample], labels: Sequence[str], splits: Sequence[str] = SPLITS
) -> None:
    """Raise `CatalogError` unless each split has images of every class."""
    for split in splits:
        present = {sample.target for sample in samples if sample.split == split}
        for target, name in enumerate(labels):
            if target not in present:
                raise CatalogError(
                    f"the catalogs have no image of class {name!r} in the {split} part; every "
                    "class needs some (observed ones to be judged by) in each: check the labels, "
                    "--classes and `parhelion split`"
                )


def counts(samples: Sequence[Sample], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many images of each class each split has."""
    found = Counter((sample.split, sample.target) for sample in samples)
    return {
        split: {name: found[split, target] for target, name in enumerate(labels)}
        for split in SPLITS
    }


def pixel_batches(
    samples: Sequence[Sample], store: PixelStore, batch: int, workers: int | None
) -> Generator[NDArray[np.uint8], None, None]:
    """Yield the samples' pixels as they are, ``(<= batch, S, S, 3)`` uint8, in order."""
    paths = [sample.path for sample in samples]
    loaded = map_ahead(store.load, paths, workers=workers, depth=2 * batch)
    with closing(loaded):
        while part := list(islice(loaded, batch)):
            yield np.stack(part)


def training_batches(
    samples: Sequence[Sample],
    classes: int,
    store: PixelStore,
    settings: ClassifierSettings,
    start: int = 0,
) -> Generator[tuple[NDArray[np.uint8], NDArray[np.int64]], None, None]:
    """Yield augmented training batches without end, the next one being prepared by threads.

    What a batch holds is a function of the seed and its position alone: each place in the
    endless order has its own random stream.

    Parameters
    ----------
    samples : sequence of Sample
        The training part.
    classes : int
        Number of classes.
    store : PixelStore
        Where pixels come from.
    settings : ClassifierSettings
        Batch, balance, augmentation and seed.
    start : int
        Images seen before the first batch.

    Yields
    ------
    pixels, targets : ndarray
        ``(batch, S, S, 3)`` uint8, and ``(batch,)`` int64 class numbers.
    """
    targets = np.array([sample.target for sample in samples], np.int64)

    def jobs() -> Iterator[tuple[int, int]]:
        position = start
        while True:
            yield from enumerate(map(int, _order(targets, classes, position, settings)), position)
            position += settings.batch

    def draw(job: tuple[int, int]) -> tuple[NDArray[np.uint8], np.int64]:
        position, index = job
        rng = np.random.default_rng([settings.seed, position])
        return augment(store.load(samples[index].path), settings, rng), targets[index]

    drawn = map_ahead(draw, jobs(), workers=settings.workers, depth=2 * settings.batch)
    with closing(drawn):
        while True:
            pixels, wanted = zip(*islice(drawn, settings.batch), strict=True)
            yield np.stack(pixels), np.array(wanted)


def _order(
    targets: NDArray[np.int64], classes: int, start: int, settings: ClassifierSettings
) -> NDArray[np.int64]:
    """Return the samples of the batch at `start`, by number."""
    batch, seed = settings.batch, settings.seed
    if settings.balance != "sampling":
        return data_order(len(targets), start, batch, seed)
    return class_order(targets, classes, start, batch, seed)
