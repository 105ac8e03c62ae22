"""Which shares of augmented and synthetic images make the best classifier, asked of validation."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from parhelion._files import write_json
from parhelion._settings import require, settings_dict
from parhelion.classification import ClassifierSettings, train_classifier
from parhelion.experiments._stages import Stages
from parhelion.mixing import MixSettings, mixed
from parhelion.mixing._mix import Given, roots
from parhelion.reporting import report_sweep
from parhelion.training import read_card

SWEEP_FILE = "sweep.json"


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

    The test part is asked by no one here: shares chosen by it would be fitted to it.

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
        "classifier": settings_dict(classifier),
        "alphas": list(alphas),
        "betas": list(betas),
        "seeds": seeds,
    }
    stages = Stages(out, "mix --sweep", settings, facts)
    cases = []
    for alpha, beta in product(alphas, betas):
        chosen = mixed(real, synthetic, replace(settings, alpha=alpha, beta=beta))
        case: dict[str, Any] = {"alpha": alpha, "beta": beta}
        case["images"] = len(chosen.select(split="train"))
        trained = []
        for seed in range(classifier.seed, classifier.seed + seeds):
            run = out / "runs" / f"alpha-{alpha:g}-beta-{beta:g}-seed-{seed}"
            wanted = replace(classifier, seed=seed)

            def train(run: Path = run, wanted: ClassifierSettings = wanted) -> dict[str, Any]:
                train_classifier([chosen], run, wanted, resume=True)  # noqa: B023
                return dict(read_card(run, "classifier")["validation"])

            trained.append(stages.run(f"train {run.name}", train))
        for figure in ("accuracy", "macro_f1"):
            case[figure] = [round(one[figure], 4) for one in trained]
        cases.append(case)
    best = max(cases, key=lambda case: float(np.mean(case["macro_f1"])))
    found: dict[str, Any] = {"cases": cases, "best": best, **facts, **stages.costs()}
    write_json(out / SWEEP_FILE, found)
    report_sweep(out)
    return found
