"""FLARE's trainings, each done once, and the figures that follow from their calls."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parhelion._files import atomic_path
from parhelion._settings import load_recipe
from parhelion.catalog import Catalog
from parhelion.classification import (
    ClassifierSettings,
    load_classes,
    score_classifier,
    train_classifier,
)
from parhelion.errors import InputError
from parhelion.experiments._flare_rows import LABELS, Scale, is_enlarged, labeled
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Figures, Stages
from parhelion.measurement import class_seed_difference, class_seed_figures
from parhelion.training import PixelStore, read_card

_CALLS = "calls.parquet"
Judged = Literal["observed", "enhanced"]


class Runs:
    """The trainings of all rows.

    Parameters
    ----------
    folder : Path
        A folder for each is made here.
    stages : Stages
        What has been done.
    scale : Scale
        Which recipe.
    settings : ReproduceFlareSettings
        Seeds, share, device.
    elsewhere : mapping
        For each test elsewhere its real images, and these enlarged.
    """

    def __init__(
        self,
        folder: Path,
        stages: Stages,
        scale: Scale,
        settings: ReproduceFlareSettings,
        elsewhere: Mapping[str, tuple[Catalog, Catalog]],
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.elsewhere = elsewhere
        self._stages = stages
        self._apart = scale.apart
        self._base = load_recipe(scale.recipe, "train classifier", ClassifierSettings)
        self._store = PixelStore(self._base.image_size, settings.cache_mb)

    def train(
        self,
        name: str,
        data: Callable[[], Sequence[Catalog]],
        row: str,
        backbone: str,
        labels: str,
        seed: int,
        *,
        judged: Judged | None = None,
        abroad: bool = False,
        passes: int | None = None,
    ) -> Path:
        """Train a classifier unless it is there, and keep its calls on the test part.

        Parameters
        ----------
        name : str
            Of its folder.
        data : callable
            Returns what `parhelion.experiments._flare_rows.learned_from` does; not called where
            the training is done.
        row, backbone, labels : str
            Row of the table, network, and ``fine`` or ``macro``.
        seed : int
            Of the training.
        judged : {"observed", "enhanced"}, optional
            What the judging parts are; as the row says when not given.
        abroad : bool
            Test it elsewhere too.
        passes : int, optional
            Times that the training goes through its files; as many images as the recipe says,
            whatever the row, when not given.
        """
        run = self.folder / name
        wanted = self._wanted(row, backbone, seed, judged)
        self._stages.run(
            f"train {name}", partial(self._train, run, data, wanted, row, labels, abroad, passes)
        )
        return run

    def figures(
        self, runs: Sequence[Path], labels: str = "fine", *, abroad: bool = False
    ) -> Figures:
        """Return accuracy and macro F1 of trainings that differ by their seed alone."""
        merged = self._merged(labels)
        card = read_card(runs[0], "classifier")
        found: Figures = {
            "images": sum(card["data"]["counts"]["train"].values()),
            "images_seen": [read_card(run, "classifier")["images_seen"] for run in runs],
            "in_domain": class_seed_figures(*_calls(runs, _CALLS, merged), seed=self.settings.seed),
        }
        if abroad:
            found["elsewhere"] = {
                test: class_seed_figures(
                    *_calls(runs, _abroad(place), merged), seed=self.settings.seed
                )
                for place, test in enumerate(self.elsewhere)
            }
        return found

    def gain(self, first: Sequence[Path], second: Sequence[Path], labels: str = "fine") -> Figures:
        """Return by how much the first trainings are more accurate than the second."""
        merged = self._merged(labels)
        calls, truth, groups = _calls(first, _CALLS, merged)
        others, same, kin = _calls(second, _CALLS, merged)
        if not (np.array_equal(truth, same) and np.array_equal(groups, kin)):
            raise InputError(
                f"{first[0]} and {second[0]} were judged by different images: one could not be "
                "read or enlarged; screen the catalog with `parhelion screen`"
            )
        return class_seed_difference(calls, others, truth, groups, seed=self.settings.seed)

    def _merged(self, labels: str) -> Mapping[str, str] | None:
        """Return the macro class of each fine one where trainings for these call both."""
        name = LABELS[labels]
        return None if name is None or self._apart else load_classes(name)

    def _wanted(
        self, row: str, backbone: str, seed: int, judged: Judged | None
    ) -> ClassifierSettings:
        return replace(
            self._long(self._base, self._base.images),
            backbone=backbone,
            judged=judged or ("enhanced" if is_enlarged(row) else "observed"),
            seed=seed,
            device=self.settings.device,
            precision=self.settings.precision,
            workers=self.settings.workers,
            cache_mb=self.settings.cache_mb,
        )

    def _lasting(
        self, settings: ClassifierSettings, passes: int, images: Sequence[Catalog]
    ) -> ClassifierSettings:
        """Let a training go so many times through its files."""
        files = sum(len(catalog.select(split="train")) for catalog in images)
        return self._long(settings, passes * files)

    def _long(self, settings: ClassifierSettings, images: int) -> ClassifierSettings:
        """Set a training's length, of which the warm-up has the same part as in the recipe."""
        images = max(settings.batch, round(images * self.settings.share))
        warmup = round(images * self._base.warmup / self._base.images)
        return replace(settings, images=images, warmup=warmup)

    def _train(
        self,
        run: Path,
        data: Callable[[], Sequence[Catalog]],
        settings: ClassifierSettings,
        row: str,
        labels: str,
        abroad: bool,
        passes: int | None,
    ) -> Figures:
        images = [labeled(catalog, labels) for catalog in data()]
        if passes is not None:
            settings = self._lasting(settings, passes, images)
        train_classifier(images, run, settings, resume=True, store=self._store)
        tests: dict[str, Sequence[Catalog]] = {_CALLS: images}
        if abroad:
            tests |= {
                _abroad(place): [labeled(pair[is_enlarged(row)], labels)]
                for place, pair in enumerate(self.elsewhere.values())
            }
        for name, catalogs in tests.items():
            scores = score_classifier(run, catalogs, device=settings.device)
            with atomic_path(run / name) as temporary:
                pq.write_table(
                    scores.select(["group_id", "truth", "probability"]),
                    temporary,
                    compression="zstd",
                )
        shutil.rmtree(run / "checkpoints")  # they have served
        card = read_card(run, "classifier")
        figures = card["figures"]
        return {
            "accuracy": figures["accuracy"],
            "macro_f1": figures["macro_f1"],
            "ece": figures["ece"],
            "images_seen": card["images_seen"],
        }


def _calls(
    runs: Sequence[Path], name: str, merged: Mapping[str, str] | None
) -> tuple[list[Any], Any, Any]:
    """Return the calls of each training as numbers, and the truth and groups that they share.

    With `merged` a macro class is as probable as its fine classes together; images of labels that
    it does not know are left out.
    """
    labels = read_card(runs[0], "classifier")["labels"]
    classes = {label: label for label in labels} if merged is None else merged
    names = sorted({classes[label] for label in labels if label in classes})
    together = np.array([[classes.get(label) == name for name in names] for label in labels])
    tables: list[pa.Table] = [pq.read_table(run / name) for run in runs]
    truths = tables[0]["truth"].to_pylist()
    known = np.array([label in classes for label in truths])
    truth = [names.index(classes[label]) for label in truths if label in classes]
    groups = np.array(tables[0]["group_id"].to_pylist())[known]
    calls = [
        (np.array(table["probability"].to_pylist())[known] @ together).argmax(1) for table in tables
    ]
    return calls, np.array(truth), groups


def _abroad(place: int) -> str:
    return f"elsewhere-{place}.parquet"
