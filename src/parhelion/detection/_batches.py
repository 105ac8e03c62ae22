"""What training shows: batches of both classes, a function of the seed and the position alone."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parhelion.detection._augment import augment
from parhelion.detection._data import Sample
from parhelion.detection._degrade import FILTERS, degrade
from parhelion.detection._settings import DetectorSettings
from parhelion.detection._views import STEP, as_color, at_least, patch_side
from parhelion.training import PixelStore, data_order, map_ahead

Pixels = NDArray[np.uint8]

#: Least share of an observed image's shorter side that is made smaller.
_CLOSEST = 0.5
#: Share of batches that have the largest side; the others' is drawn among all.
_LARGEST = 0.5


@dataclass(frozen=True)
class _Job:
    """One image to draw."""

    sample: Sample
    place: int
    side: int
    frame: int | None = None
    """Side to which the image is made smaller first."""
    alike: bool = False
    """Whether it and the image of the other class beside it are both without loss."""


def training_batches(
    samples: Sequence[Sample], store: PixelStore, settings: DetectorSettings, start: int = 0
) -> Generator[tuple[Pixels, NDArray[np.float32]], None, None]:
    """Yield training batches without end, half observed and half made, prepared by threads.

    Each class (or each catalog, where these are drawn equally often) has its own endless order,
    and each place in it its own random stream.

    Patches are of one side within a batch, drawn between `smallest_patch` and `image_size`, and
    cut from images that have as many pixels: the side must not tell the classes apart. The
    observed image at a place is, with probability `pairs`, the one that the made image there
    descends from, and both go through the same random history. Else, with probability `framed`,
    the observed image is first made as small as the made one, if it is larger: how much of a
    galaxy a patch shows must not tell the classes apart either.

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
    half = settings.batch // 2
    targets = np.repeat(np.array([0, 1], np.float32), half)
    look = _patch if settings.view == "patches" else _whole
    drawn = map_ahead(
        lambda job: look(job, store, settings),
        _jobs(samples, settings, start // 2),
        workers=settings.workers,
        depth=3 * settings.batch,
    )
    with closing(drawn):
        while True:
            yield np.stack(list(islice(drawn, settings.batch))), targets


def _jobs(samples: Sequence[Sample], settings: DetectorSettings, place: int) -> Iterator[_Job]:
    """Yield what each batch holds: its observed images, then its made ones."""
    decks = {side: _Decks(samples, side, settings) for side in _sides(samples, settings)}
    half = settings.batch // 2
    pairs = settings.pairs if settings.view == "patches" else 0.0
    while True:
        rng = np.random.default_rng([settings.seed, place])
        side = next(iter(decks)) if rng.random() < _LARGEST else rng.choice(list(decks))
        places = range(place, place + half)
        made = [decks[side].made(here) for here in places]
        is_paired, is_framed = rng.random((2, half)) < [[pairs], [settings.framed]]
        jobs = []
        for here, sample, paired, framed in zip(places, made, is_paired, is_framed, strict=True):
            source = decks[side].source(sample) if paired else None
            observed = source or decks[side].observed(here)
            smaller = framed and source is None and sample.side < observed.side
            # What is made smaller has lost the traces of its codec.
            alike = sample.is_lossless and bool(smaller or observed.is_lossless)
            yield _Job(observed, here, side, sample.side if smaller else None, alike)
            jobs.append(_Job(sample, here, side, None, alike))
        yield from jobs
        place += half


def _whole(job: _Job, store: PixelStore, settings: DetectorSettings) -> Pixels:
    rng = np.random.default_rng([settings.seed, int(job.sample.is_made), job.place])
    return augment(store.load(job.sample.path), settings, rng)


def _patch(job: _Job, store: PixelStore, settings: DetectorSettings) -> Pixels:
    # The same history for the two at a place, so that only what made one differs.
    rng = np.random.default_rng([settings.seed, 2, job.place])
    pixels, lossless = as_color(store.load(job.sample.path)), job.sample.is_lossless
    if job.frame is not None:
        pixels, lossless = _framed(pixels, job.frame, rng.spawn(1)[0]), True
    pixels = at_least(pixels, job.side)
    return degrade(pixels, job.side, settings, rng, lossless=lossless, alike=job.alike)


def _framed(pixels: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """Return a square about the middle of an image, made smaller to a side."""
    height, width = pixels.shape[:2]
    cut = max(side, round(min(height, width) * float(rng.uniform(_CLOSEST, 1))))
    top, left = (int(rng.integers((n - cut) // 4, (n - cut) * 3 // 4 + 1)) for n in (height, width))
    part = Image.fromarray(np.ascontiguousarray(pixels[top : top + cut, left : left + cut]))
    kind = FILTERS[int(rng.integers(len(FILTERS)))]
    return np.asarray(part.resize((side, side), kind), dtype=np.uint8)


class _Decks:
    """The images that batches of one side draw from.

    Parameters
    ----------
    samples : sequence of Sample
        The training part.
    side : int
        Pixels that an image must have along its shorter side; where a class has no such image,
        all of it is drawn from.
    settings : DetectorSettings
        `balance` and `seed` are used.
    """

    def __init__(self, samples: Sequence[Sample], side: int, settings: DetectorSettings) -> None:
        self._seed = settings.seed
        classes = ([s for s in samples if s.is_made == made] for made in (False, True))
        fit = [[s for s in mine if s.side >= side] or mine for mine in classes]
        self._decks = [_dealt(mine, settings.balance) for mine in fit]
        self._observed: dict[str, Sample] = {}
        for sample in fit[0]:
            self._observed.setdefault(sample.group_id, sample)

    def observed(self, place: int) -> Sample:
        """Return the observed image at a place of the endless order."""
        return self._deal(0, place)

    def made(self, place: int) -> Sample:
        """Return the made image at a place."""
        return self._deal(1, place)

    def source(self, made: Sample) -> Sample | None:
        """Return the observed image of a made image's group, if there is one."""
        return self._observed.get(made.group_id)

    def _deal(self, kind: int, place: int) -> Sample:
        folders = self._decks[kind]
        number, turn = place % len(folders), place // len(folders)
        decks = folders[number]
        within, turn = turn % len(decks), turn // len(decks)
        deck, stream = decks[within], self._seed + 1000 * (number + 100 * within)
        (index,) = data_order(len(deck), turn, 1, 2 * stream + kind)
        return deck[int(index)]


def _sides(samples: Sequence[Sample], settings: DetectorSettings) -> list[int]:
    """Return the sides of training patches: those that both classes have images for."""
    if settings.view == "whole":
        return [settings.image_size]
    most = min(max(s.side for s in samples if s.is_made == made) for made in (False, True))
    most = patch_side(most, settings.image_size)
    least = min(most, settings.smallest_patch)
    return list(range(most, least - 1, -STEP))


def _dealt(samples: Sequence[Sample], balance: str) -> list[list[list[Sample]]]:
    """Return images by folder and catalog, as far as these are balanced."""
    by_catalog = _apart(samples, lambda s: s.catalog if balance != "images" else "")
    if balance != "folders":
        return [[deck] for deck in by_catalog]
    folders: dict[str, list[list[Sample]]] = {}
    for deck in by_catalog:
        folders.setdefault(str(Path(deck[0].catalog).parent), []).append(deck)
    return list(folders.values())


def _apart(samples: Sequence[Sample], key: Callable[[Sample], str]) -> list[list[Sample]]:
    names = dict.fromkeys(key(sample) for sample in samples)
    return [[sample for sample in samples if key(sample) == name] for name in names]
