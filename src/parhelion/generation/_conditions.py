"""What a generator is asked for: the classes of its conditions, and how often each occurs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog, open_catalog
from parhelion.errors import InputError, SettingsError

#: Distinguishes the draw of a seed's classes from the draw of its latent vector.
_STREAM = 1


def training_part(data: Catalog | Path | str, columns: Sequence[str]) -> Catalog:
    """Return what is learned from: the train part of a split catalog, where all columns are known.

    Raises
    ------
    InputError
        If a column is empty, or there is no image.
    """
    catalog = data if isinstance(data, Catalog) else open_catalog(data)
    if any(catalog.column("split")):
        catalog = catalog.select(split="train")
    for column in columns:
        named = sorted({name for name in catalog.column(column) if name})
        if not named:
            raise InputError(
                f"{catalog.root} has no {column} in any row; train without --condition-on {column}"
            )
        catalog = catalog.select(**{column: named})
    if not len(catalog):
        raise InputError(f"{catalog.root} has no image to train on")
    return catalog


def read_conditions(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> tuple[dict[str, list[str]], NDArray[np.int64]]:
    """Return each condition's classes, and ``(N, K)`` int64 class indices of a catalog's rows."""
    conditions = {name: sorted({row[name] for row in rows}) for name in columns}
    targets = [[names.index(row[column]) for row in rows] for column, names in conditions.items()]
    return conditions, np.array(targets, dtype=np.int64).reshape(len(columns), len(rows)).T


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
    fitting = fitting_classes(combinations, wanted or {})
    counts = np.array([row[-1] for row in fitting], dtype=np.float64)
    chance = np.random.default_rng([seed, _STREAM]).random()
    place = int(np.searchsorted(np.cumsum(counts) / counts.sum(), chance, side="right"))
    return list(fitting[min(place, len(fitting) - 1)][:-1])


def steady_classes(
    seed: int, combinations: Sequence[Sequence[int]], wanted: Sequence[Mapping[int, int]]
) -> list[list[int]]:
    """Return classes for each of several wishes; what none of them names changes little.

    A sheet that goes through the morphologies should show one survey, or the surveys' looks
    would be taken for the classes'. So what is left open is the combination that was seen with
    most of the wishes, the seed choosing between equals; a wish that was never seen with it gets
    its own, as `draw_classes` has it.

    Parameters
    ----------
    seed, combinations
        See `draw_classes`.
    wanted : sequence of mapping of int to int
        Class index of the conditions (by position) that each wish asks for.

    Raises
    ------
    SettingsError
        If what a wish asks for never occurred together.
    """
    fitting = [fitting_classes(combinations, wish) for wish in wanted]
    asked = {place for wish in wanted for place in wish}

    def rest(row: Sequence[int]) -> tuple[int, ...]:
        return tuple(index for place, index in enumerate(row[:-1]) if place not in asked)

    reach = Counter(held for rows in fitting for held in {rest(row) for row in rows})
    widest = [
        row
        for row in combinations
        if reach[rest(row)] == max(reach.values()) and any(row in rows for rows in fitting)
    ]
    steady = draw_classes(seed, widest)
    kept = rest([*steady, 0])
    return [draw_classes(seed, [r for r in rows if rest(r) == kept] or rows) for rows in fitting]


def ask(conditions: Mapping[str, Sequence[str]], **wanted: str | None) -> dict[int, int]:
    """Return the class index of each condition (by position) that is asked for by name.

    Raises
    ------
    SettingsError
        If a class is asked for that the model does not know.
    """
    asked = {}
    for name, value in wanted.items():
        if value is None:
            continue
        known = conditions.get(name, [])
        if value not in known:
            there = ", ".join(known) or f"none: it is not conditioned on {name}"
            raise SettingsError(f"--{name} (={value}) is not a {name} of the model; it has {there}")
        asked[list(conditions).index(name)] = list(known).index(value)
    return asked


def fitting_classes(
    combinations: Sequence[Sequence[int]], wanted: Mapping[int, int]
) -> list[Sequence[int]]:
    """Return the combinations that have the classes that are asked for; see `draw_classes`."""
    fitting = [
        row for row in combinations if all(row[place] == index for place, index in wanted.items())
    ]
    if not fitting:
        raise SettingsError(
            "--label and --source never occur together in the model's training data; "
            "leave one of them out"
        )
    return fitting
