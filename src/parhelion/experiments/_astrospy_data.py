"""Which images AstroSpy's experiments are done on, and that a test elsewhere really is one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from parhelion.catalog import MADE_ORIGINS, Catalog

#: What stands for the only part, where a catalog is taken whole.
ALL = "all"


def choose(
    catalogs: Sequence[Catalog], most: Mapping[str, int | None], *, whole: bool = False
) -> list[Catalog]:
    """Return catalogs with so many images of each class at most, evenly spaced over their rows.

    Parameters
    ----------
    catalogs : sequence of Catalog
        What to choose from; it is the number over all of them that counts.
    most : mapping
        For each part (``train``, ``validation``, ``test``) the images of a class to keep, None
        for every one; for ``all`` those of a test that is taken `whole`.
    whole : bool
        Take no notice of parts.

    Returns
    -------
    chosen : list of Catalog
        In the same order, of which one may have no rows.
    """
    places: dict[tuple[str | None, bool], list[tuple[int, int]]] = defaultdict(list)
    for number, catalog in enumerate(catalogs):
        pairs = zip(catalog.column("split"), catalog.column("origin"), strict=True)
        for index, (part, origin) in enumerate(pairs):
            key = (ALL if whole else part, origin in MADE_ORIGINS)
            places[key].append((number, index))
    kept: list[list[int]] = [[] for _ in catalogs]
    for (part, _), members in places.items():
        limit = None if part is None else most[part]
        count = len(members) if limit is None else min(limit, len(members))
        for place in np.linspace(0, len(members) - 1, count).round().astype(int):
            number, index = members[place]
            kept[number].append(index)
    return [
        Catalog(catalog.root, catalog.table.take(sorted(indices)))
        for catalog, indices in zip(catalogs, kept, strict=True)
    ]
