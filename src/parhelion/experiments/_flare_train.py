"""One of FLARE's trainings, in whichever process."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from parhelion._files import atomic_path
from parhelion.catalog import Catalog
from parhelion.classification import ClassifierSettings, score_classifier, train_classifier
from parhelion.experiments._flare_data import Sets
from parhelion.experiments._flare_rows import (
    Training,
    as_published,
    few,
    has_labels,
    is_enlarged,
    labeled,
    learned_from,
)
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Figures
from parhelion.mixing import MixSettings
from parhelion.training import PixelStore, read_card

CALLS_FILE = "calls.parquet"


@dataclass(frozen=True)
class Teacher:
    """Does trainings, of the same images.

    Attributes
    ----------
    folder : Path
        A folder for each training is made here.
    base : ClassifierSettings
        The recipe.
    settings : ReproduceFlareSettings
        Share, device.
    sets : Sets
        The images.
    mixture : MixSettings
        How FLARE's mixture is made of them.
    """

    folder: Path
    base: ClassifierSettings
    settings: ReproduceFlareSettings
    sets: Sets
    mixture: MixSettings

    def folder_of(self, training: Training) -> Path:
        """Return where a training is."""
        return self.folder / training.name

    def train(self, training: Training) -> Figures:
        """Do a training, from where it was stopped, and keep its calls on its test parts."""
        run, data = self.folder_of(training), self.images(training)
        wanted = self._wanted(training, data)
        train_classifier(data, run, wanted, resume=True, store=self._store)
        tests: dict[str, Sequence[Catalog]] = {CALLS_FILE: data}
        if training.is_of_table:
            for place, pair in enumerate(self.sets.elsewhere.values()):
                if has_labels(pair[0], training.labels):
                    abroad = labeled(pair[is_enlarged(training.row)], training.labels)
                    tests[elsewhere_file(place)] = [abroad]
        for name, catalogs in tests.items():
            scores = score_classifier(run, catalogs, device=self.settings.device)
            with atomic_path(run / name) as temporary:
                kept = scores.select(["group_id", "truth", "probability"])
                pq.write_table(kept, temporary, compression="zstd")
        shutil.rmtree(run / "checkpoints")  # they have served
        card = read_card(run, "classifier")
        figures = {name: card["figures"][name] for name in ("accuracy", "macro_f1", "ece")}
        return figures | {"images_seen": card["images_seen"]}

    def images(self, training: Training) -> list[Catalog]:
        """Return what a training learns from, and the real images that judge it."""
        if training.leaky:
            given = [as_published(training.row, self.sets, training.seed)[0]]
        elif training.size is not None:
            fewer = few(self.sets, training.size, training.seed)
            given = learned_from(training.row, fewer, self.mixture)
        else:
            given = self._of_row(training.row)
        return [labeled(catalog, training.labels) for catalog in given]

    def _of_row(self, row: str) -> list[Catalog]:
        if row not in self._rows:
            self._rows[row] = learned_from(row, self.sets, self.mixture)
        return self._rows[row]

    @cached_property
    def _rows(self) -> dict[str, list[Catalog]]:
        return {}

    @cached_property
    def _store(self) -> PixelStore:
        return PixelStore(self.base.image_size, self.settings.cache_mb)

    def _wanted(self, training: Training, data: Sequence[Catalog]) -> ClassifierSettings:
        base, images = self.base, self.base.images
        if training.passes is not None:
            files = sum(len(catalog.select(split="train")) for catalog in data)
            images = training.passes * files
        images = max(base.batch, round(images * self.settings.share))
        return replace(
            base,
            backbone=training.backbone,
            judged=training.judged,
            images=images,
            warmup=round(images * base.warmup / base.images),
            seed=training.seed,
            device=self.settings.device,
            precision=self.settings.precision,
            workers=self.settings.workers,
            cache_mb=self.settings.cache_mb,
        )


def elsewhere_file(place: int) -> str:
    """Return the name of the file with the calls on a test elsewhere."""
    return f"elsewhere-{place}.parquet"
