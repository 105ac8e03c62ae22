"""Which real images are compared with made ones, and which with each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog
from parhelion.errors import InputError

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class RealParts:
    """Parts of the real images, as positions in their catalog."""

    reference: Rows
    """What made images are compared with."""
    first: Rows
    """A part of `reference` ..."""
    second: Rows
    """... that is compared with this other one: the floor. No group is in both."""
    learned: Rows
    """What a feature network may be trained on."""
    known: Rows
    """What the generator may have seen: where copies are sought."""
    note: str
    """The choice in words."""


def real_parts(real: Catalog, split: str | None, seed: int) -> RealParts:
    """Choose the parts of a catalog of real images.

    Without `split`, the train split is the reference and the other splits are its floor. Where
    there is no train split, or one split is asked for, the floor is between halves by group.

    Raises
    ------
    InputError
        If the catalog has no rows of `split`.
    """
    splits = np.array(real.column("split"), dtype=object)
    train = np.flatnonzero(splits == "train")
    known = train if len(train) else np.arange(len(real))
    if split is None and len(train):
        held = np.flatnonzero((splits == "validation") | (splits == "test"))
        note = "the real catalog's train split; floor: against its validation and test splits"
        return RealParts(train, train, held, train, known, note)
    if split is None:
        reference = np.arange(len(real))
        note = "all of the real catalog, which has no train split; floor: between halves of it"
    else:
        reference = np.flatnonzero(splits == split)
        note = f"the real catalog's {split} split; floor: between halves of it"
        if not len(reference):
            raise InputError(
                f"--split (={split}) names a part that {real.root} does not have; "
                "make it with `parhelion split`, or leave the flag out"
            )
    first, second = _halves(reference, group_numbers(real)[reference], seed)
    learned = train if len(train) and split != "train" else first
    return RealParts(reference, first, second, learned, known, note)


def group_numbers(real: Catalog) -> Rows:
    """Return the group of each row as a number from 0 without gaps: ``(N,)`` int64."""
    names = np.array(real.column("group_id"), dtype=str)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _halves(rows: Rows, groups: Rows, seed: int) -> tuple[Rows, Rows]:
    """Whole groups, in a random order, to the half that has fewer images so far."""
    names, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups, minlength=len(names))
    halves: tuple[list[int], list[int]] = ([], [])
    total = [0, 0]
    for group in np.random.default_rng([seed, 4]).permutation(len(sizes)):
        side = int(total[1] < total[0])
        halves[side].append(int(group))
        total[side] += int(sizes[group])
    first, second = (rows[np.isin(groups, half)] for half in halves)
    return first, second
