"""Which shares of augmented and synthetic images make the best classifier, asked of validation."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np

from parhelion._files import write_json
from parhelion._settings import require, settings_dict
from parhelion.catalog import Catalog, joined
from parhelion.classification import ClassifierSettings, train_classifier
from parhelion.experiments._at_once import at_once, part_of, train_all
from parhelion.experiments._stages import Figures, Stages
from parhelion.mixing import Given, MixSettings, mixed, roots
from parhelion.reporting import report_sweep
from parhelion.training import PixelStore, read_card

SWEEP_FILE = "sweep.json"

#: Of the classifier's settings: no figure depends on them.
_FREE = {"workers", "cache_mb", "device"}


def sweep_mix(
    real: Given,
    synthetic: Given,
    out: Path | str,
    settings: MixSettings | None = None,
    classifier: ClassifierSettings | None = None,
    *,
    alphas: Sequence[float] = (0.0, 0.5, 1.0),
    betas: Sequence[float] = (0.0, 0.5, 1.0),
    seeds: int = 1,
) -> dict[str, Any]:
    """Train a classifier on each mixture of a grid, and draw how it does on validation images.

    The test part has no say: shares chosen by it would be fitted to it.

    Parameters
    ----------
    real, synthetic, settings
        See `parhelion.mixing.mix`; `alpha` and `beta` come from the grid.
    out : Path
        Folder for the trainings, ``sweep.json`` and ``index.html``. What an earlier call with the
        same settings finished is not done again.
    classifier : ClassifierSettings, optional
        How to train.
    alphas, betas : sequence of float
        The grid.
    seeds : int
        Trainings of each mixture.

    Returns
    -------
    found : dict
        ``cases``: `alpha`, `beta`, `images` (to learn from), and of each of `seeds` trainings
        `accuracy` and `macro_f1` on the validation part; ``best``: the case of highest mean macro
        F1, which on so few images may be chance.

    Raises
    ------
    InputError
        See `parhelion.mixing.mixed`; or if `out` holds another sweep.
    """
    settings, out = settings or MixSettings(), Path(out)
    classifier = classifier or ClassifierSettings()
    for name, shares in (("alphas", alphas), ("betas", betas)):
        ok = bool(shares) and all(0 <= share <= 1 for share in shares)
        require(ok, name, tuple(shares), "be shares in [0, 1]")
    require(seeds >= 1, "seeds", seeds, "be at least 1")
    facts = {
        "real": roots(real),
        "synthetic": roots(synthetic),
        "alphas": list(alphas),
        "betas": list(betas),
        "seeds": seeds,
    }
    taught = settings_dict(classifier)
    stages = Stages(
        out,
        "mix --sweep",
        settings,
        {**facts, **{f"train.{name}": taught[name] for name in taught.keys() - _FREE}},
        images={"--real": joined(real), "--synthetic": joined(synthetic)},
        free={"alpha", "beta", "overwrite", "device"},
    )
    chosen = [
        (alpha, beta, mixed(real, synthetic, replace(settings, alpha=alpha, beta=beta)))
        for alpha, beta in product(alphas, betas)
    ]
    trainings = [
        [
            _Training(f"alpha-{alpha:g}-beta-{beta:g}-seed-{seed}", mixture, seed)
            for seed in range(classifier.seed, classifier.seed + seeds)
        ]
        for alpha, beta, mixture in chosen
    ]
    processes = at_once(classifier.device, classifier.workers)
    teacher = _Teacher(out / "runs", part_of(classifier, processes))
    named = {f"train {training.name}": training for training in chain.from_iterable(trainings)}
    train_all(stages, named, teacher, processes)
    cases = []
    for (alpha, beta, mixture), of_seeds in zip(chosen, trainings, strict=True):
        case: dict[str, Any] = {"alpha": alpha, "beta": beta}
        case["images"] = len(mixture.select(split="train"))
        figures = [
            read_card(teacher.folder_of(one), "classifier")["validation"] for one in of_seeds
        ]
        for name in ("accuracy", "macro_f1"):
            case[name] = [round(one[name], 4) for one in figures]
        cases.append(case)
    best = max(cases, key=lambda case: float(np.mean(case["macro_f1"])))
    found: dict[str, Any] = {
        "cases": cases,
        "best": best,
        "classifier": taught,
        **facts,
        **stages.costs(),
    }
    write_json(out / SWEEP_FILE, found)
    report_sweep(out)
    return found


@dataclass(frozen=True)
class _Training:
    name: str
    data: Catalog
    seed: int


@dataclass(frozen=True)
class _Teacher:
    folder: Path
    settings: ClassifierSettings

    def folder_of(self, training: _Training) -> Path:
        return self.folder / training.name

    def train(self, training: _Training) -> Figures:
        run, wanted = self.folder_of(training), replace(self.settings, seed=training.seed)
        train_classifier([training.data], run, wanted, resume=True, store=self._store)
        shutil.rmtree(run / "checkpoints")  # they have served
        return dict(read_card(run, "classifier")["validation"])

    @cached_property
    def _store(self) -> PixelStore:
        return PixelStore(self.settings.image_size, self.settings.cache_mb)
