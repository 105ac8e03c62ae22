"""AstroSpy's trainings, each done once, and the figures of a table's row from its trainings."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parhelion._files import atomic_path
from parhelion.catalog import MADE_ORIGINS, Catalog
from parhelion.detection import DetectorSettings, evaluate, train_detector
from parhelion.errors import ModelError
from parhelion.experiments._astrospy_tables import ORDER, Row
from parhelion.experiments._settings import ReproduceAstrospySettings
from parhelion.experiments._stages import Figures, Stages
from parhelion.measurement import seed_difference, seed_figures
from parhelion.training import HUB, PixelStore, read_card

_SCORES = "scores.parquet"


class Runs:
    """The trainings of all rows, over the same images.

    Parameters
    ----------
    folder : Path
        A folder for each is made here.
    data : sequence of Catalog
        To train and test on.
    abroad : mapping of str to sequence of Catalog
        The tests elsewhere, by name.
    settings : ReproduceAstrospySettings
        Seeds, weights to start from, device.
    passes : int or None
        Passes through the larger class; each row's own number of images where None.
    """

    def __init__(
        self,
        folder: Path,
        data: Sequence[Catalog],
        abroad: Mapping[str, Sequence[Catalog]],
        settings: ReproduceAstrospySettings,
        passes: int | None,
    ) -> None:
        self.folder = folder
        self.data = data
        self.abroad = abroad
        self.settings = settings
        self.passes = passes
        self.done: dict[str, list[Path]] = {}
        """The finished trainings of each configuration."""
        self._store: PixelStore | None = None

    def train(self, stages: Stages, row: Row, seeds: int, *, abroad: bool) -> None:
        """Train a row from several seeds, unless another row of its configuration was.

        Its models are then tested elsewhere, if `abroad`.
        """
        if row.run in self.done:
            return
        self.done[row.run] = []
        for seed in range(self.settings.seed, self.settings.seed + seeds):
            run = self.folder / f"{row.run}-{seed}"
            wanted = self._wanted(row.settings, seed)
            stages.run(f"train {run.name}", partial(self._train, run, wanted, abroad))
            self.done[row.run].append(run)

    def figures(self, row: Row, *, abroad: bool) -> Figures:
        """Return what a table says of a row: the paper's accuracy, and ours with intervals."""
        runs = self.done[row.run]
        return {
            "name": row.name,
            "run": row.run,
            "paper": row.paper,
            "images_seen": [read_card(run, "detector")["images_seen"] for run in runs],
            "in_domain": seed_figures(*_scores(runs, _SCORES), seed=self.settings.seed),
            "elsewhere": {
                name: seed_figures(*_scores(runs, _elsewhere(place)), seed=self.settings.seed)
                for place, name in enumerate(self.abroad if abroad else ())
            },
        }

    def order(self, rows: Sequence[Row]) -> Figures:
        """Return by how much each of the paper's better configurations is better here."""
        runs = {row.name: self.done[row.run] for row in rows}
        found = {}
        for name, (better, worse) in ORDER.items():
            first, is_made, groups = _scores(runs[better], _SCORES)
            second, _, _ = _scores(runs[worse], _SCORES)
            apart = seed_difference(first, second, is_made, groups, seed=self.settings.seed)
            found[name] = {"better": better, "worse": worse, **apart}
        return found

    def _wanted(self, settings: DetectorSettings, seed: int) -> DetectorSettings:
        images = settings.images if self.passes is None else self.passes * self._one_pass()
        return replace(
            settings,
            images=max(settings.batch, round(images * self.settings.share)),
            seed=seed,
            pretrained=_start(self.settings.pretrained, settings.backbone),
            device=self.settings.device,
            precision=self.settings.precision,
            workers=self.settings.workers,
            cache_mb=self.settings.cache_mb,
        )

    def _one_pass(self) -> int:
        """Images in a pass through the larger class, the other being drawn as often."""
        train = [origin for c in self.data for origin in c.select(split="train").column("origin")]
        made = sum(origin in MADE_ORIGINS for origin in train)
        return 2 * max(made, len(train) - made)

    def _train(self, run: Path, settings: DetectorSettings, abroad: bool) -> Figures:
        self._store = self._store or PixelStore(settings.image_size, settings.cache_mb)
        train_detector(self.data, run, settings, resume=True, store=self._store)
        if abroad:
            for place, catalogs in enumerate(self.abroad.values()):
                scores = evaluate(run, catalogs, split=None, device=settings.device)
                with atomic_path(run / _elsewhere(place)) as temporary:
                    pq.write_table(scores, temporary, compression="zstd")
        # They have served: what the training of two ResNet-50 keeps is a gigabyte.
        shutil.rmtree(run / "checkpoints")
        card = read_card(run, "detector")
        return {**card["test"], "images_seen": card["images_seen"]}


def _scores(runs: Sequence[Path], name: str) -> tuple[list[Any], Any, Any]:
    """Return the probabilities of each training, and the truth and groups that they share."""
    tables: list[pa.Table] = [pq.read_table(run / name) for run in runs]
    is_made = tables[0]["is_made"].to_numpy(zero_copy_only=False)
    groups = np.array(tables[0]["group_id"].to_pylist())
    return [table["probability_made"].to_numpy() for table in tables], is_made, groups


def _elsewhere(place: int) -> str:
    return f"elsewhere-{place}.parquet"


def _start(pretrained: Literal["hub"] | Path | None, backbone: str) -> Literal["hub"] | Path | None:
    """Return what a backbone starts from; the plain CNN has nothing but its random start."""
    if pretrained is None or backbone == "cnn":
        return None
    if not isinstance(pretrained, Path):
        return pretrained
    path = pretrained / f"{backbone}.safetensors"
    if not path.is_file():
        raise ModelError(
            f"--pretrained (={pretrained}) must be {HUB}, or a folder that holds "
            f"{path.name}; it does not"
        )
    return path
