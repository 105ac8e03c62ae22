"""Split: which images to train on, to choose by and to measure on; never one group in two."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from parhelion._files import write_json
from parhelion._settings import settings_dict
from parhelion.catalog._settings import SplitSettings
from parhelion.catalog._table import SCHEMA, Catalog, open_catalog, write_catalog
from parhelion.catalog._words import SPLITS
from parhelion.errors import InputError

_DEFAULT = SplitSettings()
SPLIT_FILE = "split.json"


def split(
    catalogs: Sequence[Path | str] | Path | str, settings: SplitSettings = _DEFAULT
) -> list[Catalog]:
    """Split catalogs into train, validation and test, and rewrite their tables.

    Parts are drawn by group, jointly over the catalogs: images of one group are on one side,
    wherever they are. Each catalog's labels are spread over the parts alike, as near to the
    shares as the sizes of groups allow, and a label with as many groups as there are parts is in
    all of them. What was split before is split anew.

    Parameters
    ----------
    catalogs : path or sequence of Path
        Folders of the catalogs.
    settings : SplitSettings, optional
        Shares and seed; kept in ``split.json`` beside each table.

    Returns
    -------
    catalogs : list of Catalog
        As they are now, in the order given.

    Raises
    ------
    InputError
        If no catalog is given.
    CatalogError
        If one cannot be read.
    """
    roots = [catalogs] if isinstance(catalogs, (str, Path)) else list(catalogs)
    # One that is named twice is one.
    opened = [open_catalog(root) for root in dict.fromkeys(Path(root) for root in roots)]
    if not opened:
        raise InputError("no catalog given to split")
    groups: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for index, catalog in enumerate(opened):
        pairs = zip(catalog.column("group_id"), catalog.column("label"), strict=True)
        for group, label in pairs:
            groups[group].append((index, label or ""))
    strata: dict[tuple[int, str, tuple[int, ...]], list[tuple[str, int]]] = defaultdict(list)
    for group in sorted(groups):
        strata[_stratum(groups[group])].append((group, len(groups[group])))
    part_of = _draw([strata[key] for key in sorted(strata)], settings)

    results = []
    for catalog in opened:
        parts = pa.array([part_of[group] for group in catalog.column("group_id")], pa.string())
        position = SCHEMA.get_field_index("split")
        table = catalog.table.set_column(position, SCHEMA.field("split"), parts)
        results.append(write_catalog(catalog.root, table))
        write_json(
            catalog.root / SPLIT_FILE,
            {"with": [str(c.root) for c in opened], "settings": settings_dict(settings)},
        )
    return results


def _stratum(members: list[tuple[int, str]]) -> tuple[int, str, tuple[int, ...]]:
    """Return the catalog and label that most members of a group have, and all of its catalogs.

    The last, so that images with a made counterpart in another catalog come into every part
    alike, and do not, being the larger groups, all fall to the largest part.
    """
    counts = Counter(members)
    catalog, label = min(counts, key=lambda key: (-counts[key], key))
    return catalog, label, tuple(sorted({number for number, _ in members}))


def _draw(strata: list[list[tuple[str, int]]], settings: SplitSettings) -> dict[str, str]:
    """Return the part of every group, given the groups (name, images) of each stratum."""
    rng = np.random.default_rng(settings.seed)
    shares = np.array([getattr(settings, part) for part in SPLITS])
    wanted = np.nonzero(shares)[0]
    part_of: dict[str, str] = {}
    # What rounding has withheld from a part so far, so that many small labels come out even.
    owed = np.zeros(len(SPLITS))
    for groups in strata:
        order = [groups[index] for index in rng.permutation(len(groups))]
        order.sort(key=lambda group: -group[1])  # large ones while there is room
        target = shares * sum(size for _, size in order) + owed
        got: list[list[tuple[str, int]]] = [[] for _ in SPLITS]
        held = np.zeros(len(SPLITS))
        for group in order:
            part = wanted[np.argmax((target - held)[wanted])]
            got[part].append(group)
            held[part] += group[1]
        if len(order) >= len(wanted):
            _fill_empty(got, wanted, held)
        owed = np.clip(target - held, -1, 1)
        for part, members in zip(SPLITS, got, strict=True):
            part_of.update((name, part) for name, _ in members)
    return part_of


def _fill_empty(
    got: list[list[tuple[str, int]]], wanted: NDArray[np.intp], held: NDArray[np.float64]
) -> None:
    """Give a part that has no group the smallest one of the part with the most groups."""
    for part in wanted:
        if not got[part]:
            rich = max(wanted, key=lambda other: len(got[other]))
            group = got[rich].pop()
            got[part].append(group)
            held[rich] -= group[1]
            held[part] += group[1]
