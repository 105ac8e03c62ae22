"""Weighted mixing of augmented real images with synthetic ones (FLARE, stage 3)."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parhelion._files import link_or_copy
from parhelion._progress import progress
from parhelion._settings import save_settings
from parhelion.catalog import (
    Catalog,
    check_free,
    check_invariants,
    joined,
    make_room,
    open_catalog,
    write_catalog,
)
from parhelion.errors import CatalogError, InputError
from parhelion.mixing._scores import scores
from parhelion.mixing._settings import MixSettings

Given = Sequence[Catalog | Path | str]

_JUDGED = ("validation", "test")
#: Real images as they came, or enlarged.
_RAW = ("observed", "enhanced")


def mix(
    real: Given, synthetic: Given, out: Path | str, settings: MixSettings | None = None
) -> Catalog:
    """Join real images, a share of their augmentations and a share of synthetic images.

    Parameters
    ----------
    real : sequence of Catalog or Path
        Real images, split, and what was augmented from them.
    synthetic : sequence of Catalog or Path
        What generators made, labeled.
    out : Path
        Folder of the new catalog; its files are linked where the disk can, else copied.
    settings : MixSettings, optional
        Shares, and by what they are chosen.

    Returns
    -------
    catalog : Catalog
        See `mixed`.

    Raises
    ------
    CatalogError, InputError
        See `mixed`; or if `out` is taken.
    """
    settings, out = settings or MixSettings(), Path(out)
    check_free(out, settings.overwrite, [*real, *synthetic])
    chosen = mixed(real, synthetic, settings)
    make_room(out)
    rows = []
    jobs = enumerate(zip(chosen.files(), chosen.rows(), strict=True))
    for number, (path, item) in progress(jobs, total=len(chosen), what="mixing"):
        place = f"images/{number:06d}{path.suffix}"
        link_or_copy(path, out / place)
        rows.append(item | {"path": place})
    save_settings(out, "mix", settings, real=roots(real), synthetic=roots(synthetic))
    return write_catalog(out, rows, rejected=[])


def mixed(real: Given, synthetic: Given, settings: MixSettings) -> Catalog:
    """Choose what `mix` would write; no file is copied.

    All observed and enhanced images stay. Of each class's augmented training images a share
    `alpha` is kept, of its synthetic ones a share `beta`: those with the highest score.

    Parameters
    ----------
    real, synthetic, settings
        See `mix`.

    Returns
    -------
    chosen : Catalog
        Rows of all catalogs, below the folder that all of them lie in; synthetic rows without a
        split are in ``train``. Made and augmented images of the judged parts are left out.

    Raises
    ------
    CatalogError
        If a synthetic image descends from a validation or test image: it must not be learned
        from. Or if a group spans two splits.
    InputError
        If the real catalogs are not split, or an image to choose from has no label.
    """
    for name, given in (("real", real), ("synthetic", synthetic)):
        if not given:
            raise InputError(f"no {name} catalog given")
    originals, made = joined(real), joined(synthetic)
    known = originals.select(split="train", origin="observed")
    if not len(known):  # only these enlarged are given
        known = originals.select(split="train", origin="enhanced")
    if not len(known):
        raise InputError(
            f"no observed training image below {originals.root}; run `parhelion split` first"
        )
    raw = originals.select(origin=_RAW)
    parts = raw.column("split")
    if None in parts:
        raise InputError(
            f"{raw.files()[parts.index(None)]} is in no part ({parts.count(None)} such images); "
            "run `parhelion split` on all real catalogs together first"
        )
    _check_lineage(made, originals)
    augmented = originals.select(origin="augmented", split="train")
    kept = _share(augmented, known, settings.alpha, settings)
    most = None
    if settings.level:
        labels = raw.select(split="train").column("label") + kept.column("label")
        sizes = Counter(label for label in labels if label)
        top = max(sizes.values(), default=0)
        most = {label: top - sizes[label] for label in {*sizes, *made.column("label")}}
    new = _share(made.replaced(split="train"), known, settings.beta, settings, most)
    chosen = joined([raw, kept, new])
    check_invariants(chosen.table, where="the mixture")
    return chosen


def _share(
    images: Catalog,
    known: Catalog,
    share: float,
    settings: MixSettings,
    most: dict[str, int] | None = None,
) -> Catalog:
    """Return the share of each class's images with the highest scores, in their order."""
    labels = images.column("label")
    if None in labels:
        path = images.files()[labels.index(None)]
        raise InputError(f"{path} has no label; only labeled images can be mixed class by class")
    parts = [np.flatnonzero([own == label for own in labels]) for label in sorted(set(labels))]
    wanted = [round(share * len(rows)) for rows in parts]
    if most is not None:
        wanted = [
            min(count, most[labels[rows[0]]]) for count, rows in zip(wanted, parts, strict=True)
        ]
    whole = all(count == len(rows) for count, rows in zip(wanted, parts, strict=True))
    if whole or not any(wanted):
        return Catalog(images.root, images.table if whole else images.table.slice(0, 0))
    ranked = scores(images, known, settings, parts)
    best = [
        rows[np.argsort(-ranked[rows], kind="stable")[:count]]
        for count, rows in zip(wanted, parts, strict=True)
    ]
    return Catalog(images.root, images.table.take(np.sort(np.concatenate(best))))


def _check_lineage(made: Catalog, originals: Catalog) -> None:
    """Raise `CatalogError` if a synthetic image descends from what others are judged by."""
    judged = set(originals.select(split=_JUDGED).column("group_id"))
    bad = [
        path
        for path, item in zip(made.files(), made.rows(), strict=True)
        if item["group_id"] in judged or item["split"] in _JUDGED
    ]
    if bad:
        raise CatalogError(
            f"{bad[0]} descends from a validation or test image ({len(bad)} such images): to learn "
            "from it would be to know the answers; make synthetic images from the train part alone"
        )


def roots(catalogs: Given) -> list[str]:
    """Return the folders of catalogs, for what is saved beside a result."""
    return [str(_opened(item).root) for item in catalogs]


def _opened(item: Catalog | Path | str) -> Catalog:
    return item if isinstance(item, Catalog) else open_catalog(item)
