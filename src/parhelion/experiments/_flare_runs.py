"""FLARE's trainings, each done once, and the figures that follow from their calls."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parhelion._settings import load_recipe
from parhelion.catalog import Catalog
from parhelion.classification import ClassifierSettings, load_classes
from parhelion.errors import InputError
from parhelion.experiments._at_once import at_once, part_of, train_all
from parhelion.experiments._flare_data import Sets
from parhelion.experiments._flare_rows import LABELS, Scale, Training, has_labels
from parhelion.experiments._flare_train import CALLS_FILE, Teacher, elsewhere_file
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Figures, Stages
from parhelion.measurement import class_seed_difference, class_seed_figures
from parhelion.training import read_card


class Runs:
    """All trainings: on a CPU several at once, each in a process of its own.

    Parameters
    ----------
    folder : Path
        A folder for each is made here.
    stages : Stages
        What has been done.
    scale : Scale
        Which recipe, and shares of FLARE's mixture where the settings have none.
    settings : ReproduceFlareSettings
        Seeds, share, device.
    sets : Sets
        The images.
    """

    def __init__(
        self,
        folder: Path,
        stages: Stages,
        scale: Scale,
        settings: ReproduceFlareSettings,
        sets: Sets,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self._elsewhere = sets.elsewhere
        self._stages = stages
        self._apart = scale.apart
        self._processes = at_once(settings.device, settings.workers)
        settings = part_of(settings, self._processes)
        base = load_recipe(scale.recipe, "train classifier", ClassifierSettings)
        self._teacher = Teacher(folder, base, settings, sets, scale.mixture(settings))

    def train(self, trainings: Sequence[Training]) -> None:
        """Do those of the trainings that are not done."""
        named = {f"train {training.name}": training for training in trainings}
        train_all(self._stages, named, self._teacher, self._processes)

    def images(self, training: Training) -> list[Catalog]:
        """Return what a training learns from, and the real images that judge it."""
        return self._teacher.images(training)

    def folders(self, trainings: Sequence[Training]) -> list[Path]:
        """Return where trainings are."""
        return [self._teacher.folder_of(training) for training in trainings]

    def figures(
        self, trainings: Sequence[Training], labels: str = "fine", *, abroad: bool = False
    ) -> Figures:
        """Return accuracy and macro F1 of trainings that differ by their seed alone."""
        runs = self.folders(trainings)
        cards = [read_card(run, "classifier") for run in runs]

        def measured(name: str) -> Figures:
            calls = _calls(runs, name, self._merged(labels))
            return class_seed_figures(*calls, seed=self.settings.seed)

        found: Figures = {
            "images": sum(cards[0]["data"]["counts"]["train"].values()),
            "images_seen": [card["images_seen"] for card in cards],
            "in_domain": measured(CALLS_FILE),
        }
        if abroad:
            found["elsewhere"] = {
                test: measured(elsewhere_file(place))
                for place, (test, (images, _)) in enumerate(self._elsewhere.items())
                if has_labels(images, labels)
            }
        return found

    def gain(
        self, better: Sequence[Training], than: Sequence[Training], labels: str = "fine"
    ) -> Figures:
        """Return by how much the first trainings are more accurate than the second."""
        merged = self._merged(labels)
        calls, truth, groups = _calls(self.folders(better), CALLS_FILE, merged)
        others, same, kin = _calls(self.folders(than), CALLS_FILE, merged)
        if not (np.array_equal(truth, same) and np.array_equal(groups, kin)):
            raise InputError(
                f"{better[0].name} and {than[0].name} were judged by different images: one could "
                "not be read or enlarged; screen the catalog with `parhelion screen`"
            )
        return class_seed_difference(calls, others, truth, groups, seed=self.settings.seed)

    def _merged(self, labels: str) -> Mapping[str, str] | None:
        """Return the macro class of each fine one where trainings for these call both."""
        name = LABELS[labels]
        return None if name is None or self._apart else load_classes(name)


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
