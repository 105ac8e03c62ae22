"""``parhelion mix``"""

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from parhelion._settings import require
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.mixing import MixSettings

_Several = Parameter(consume_multiple=True, negative="")
_GRID = (0.0, 0.5, 1.0)


def mix(
    *,
    real: Annotated[list[Path], _Several],
    synthetic: Annotated[list[Path], _Several],
    out: Path,
    settings: Annotated[MixSettings, Flat] = MixSettings(),  # noqa: B008
    sweep: bool = False,
    train: str | None = None,
    alphas: Annotated[tuple[float, ...], _Several] = _GRID,
    betas: Annotated[tuple[float, ...], _Several] = _GRID,
    seeds: int = 1,
    config: Config = None,
    json: Json = False,
) -> None:
    """Join real images, a share of their augmentations and a share of synthetic images.

    Real images stay; of each class's augmented ones a share alpha is kept, of its synthetic ones
    a share beta. Nothing that descends from a validation or test image is let in.

    For example:

        parhelion augment objects --out more
        parhelion mix --real objects more --synthetic made --alpha 0.5 --beta 1.0 --out mixture
        parhelion mix --real objects --synthetic made --score near --beta 0.3 --out mixture
        parhelion train classifier --data mixture --out classifier
        parhelion mix --real objects more --synthetic made --sweep --train recipe.toml --out grid

    Parameters
    ----------
    real
        Split catalogs of real images, and what `parhelion augment` made of them.
    synthetic
        Labeled catalogs of what generators made.
    out
        Folder of the new catalog; of the page and its figures with --sweep.
    sweep
        Train a classifier on each mixture of a grid and draw how it does on validation images.
    train
        With --sweep: TOML recipe whose table [train.classifier] says how; a path, or the name of
        one that ships.
    alphas
        With --sweep: the shares of augmented images.
    betas
        With --sweep: the shares of synthetic images.
    seeds
        With --sweep: trainings of each mixture.
    """
    if sweep:
        from parhelion._settings import load_recipe
        from parhelion.classification import ClassifierSettings
        from parhelion.experiments._sweep import sweep_mix

        wanted = load_recipe(train, "train classifier", ClassifierSettings) if train else None
        found = sweep_mix(
            real, synthetic, out, settings, wanted, alphas=alphas, betas=betas, seeds=seeds
        )
        best = found["best"]
        text = f"{out / 'index.html'}: best on validation at alpha {best['alpha']:g}, beta "
        emit(found, as_json=json, text=f"{text}{best['beta']:g}")
        return
    grid = {"train": (train, None), "alphas": (alphas, _GRID), "betas": (betas, _GRID)}
    for name, (given, default) in {**grid, "seeds": (seeds, 1)}.items():
        require(given == default, name, given, "go with --sweep")
    from parhelion.mixing import mix as run

    catalog = run(real, synthetic, out, settings)
    origins = dict(sorted(Counter(catalog.column("origin")).items()))
    emit(
        {"catalog": str(out), "images": len(catalog), "origins": origins},
        as_json=json,
        text=f"{out}: {len(catalog)} images, "
        + ", ".join(f"{count} {name}" for name, count in origins.items()),
    )
