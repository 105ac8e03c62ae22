"""What a generator is asked for: the classes of its conditions, and how often each occurs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog
from parhelion.errors import SettingsError

#: Distinguishes the draw of a seed's classes from the draw of its latent vector.
_STREAM = 1


def read_conditions(
    catalog: Catalog, columns: Sequence[str]
) -> tuple[dict[str, list[str]], NDArray[np.int64]]:
    """Return each condition's classes, and ``(N, K)`` int64 class indices of the rows."""
    conditions = {name: sorted(set(catalog.column(name))) for name in columns}
    targets = [
        [names.index(name) for name in catalog.column(column)]
        for column, names in conditions.items()
    ]
    return conditions, np.array(targets, dtype=np.int64).reshape(len(columns), len(catalog)).T


def proportions(targets: NDArray[np.int64]) -> list[list[int]]:
    """Return the combinations of classes that occur, each followed by its count."""
    combinations, counts = np.unique(targets, axis=0, return_counts=True)
    return [[*map(int, row), int(count)] for row, count in zip(combinations, counts, strict=True)]


def draw_classes(
    seed: int, combinations: Sequence[Sequence[int]], wanted: Mapping[int, int] | None = None
) -> list[int]:
    """Return the class index of each condition for a seed.

    Parameters
    ----------
    seed : int
        The image's seed; the same seed gives the same classes.
    combinations : sequence of sequence of int
        See `proportions`.
    wanted : mapping of int to int, optional
        Class index of the conditions (by position) that are asked for; the others are drawn as
        often as they occur beside these.

    Raises
    ------
    SettingsError
        If what is asked for never occurred together: the generator has not seen it.
    """
    fitting = [
        row
        for row in combinations
        if all(row[place] == index for place, index in (wanted or {}).items())
    ]
    if not fitting:
        raise SettingsError(
            "--label and --source never occur together in the model's training data; "
            "leave one of them out"
        )
    counts = np.array([row[-1] for row in fitting], dtype=np.float64)
    chance = np.random.default_rng([seed, _STREAM]).random()
    place = int(np.searchsorted(np.cumsum(counts) / counts.sum(), chance, side="right"))
    return list(fitting[min(place, len(fitting) - 1)][:-1])
