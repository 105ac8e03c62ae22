"""Tests out of the domain: what they are made of, and that they really are elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from parhelion.catalog import Catalog, open_catalog
from parhelion.errors import InputError

#: Most images of a test whose class is asked for, evenly spaced.
_MOST = 300


def named(elsewhere: Sequence[Sequence[Path | str]]) -> dict[str, list[Catalog]]:
    """Return the catalogs of each test under a short name, or a long one where two are alike."""
    return {
        name: [open_catalog(root) for root in roots]
        for name, roots in zip(_names(elsewhere), elsewhere, strict=True)
    }


def check_unseen(name: str, test: Sequence[Catalog], data: Sequence[Catalog]) -> None:
    """Raise `InputError` if a test elsewhere has images, or kin of images, of the data."""
    for key in ("image_id", "group_id"):
        known = {value for catalog in data for value in catalog.column(key)}
        for catalog in test:
            shared = sum(value in known for value in catalog.column(key))
            if shared:
                raise InputError(
                    f"--elsewhere (={name}) is no test elsewhere: {shared} images of "
                    f"{catalog.root} are in --data too, or descend from images there; leave it "
                    "out, or take it out of --data"
                )


def labeled_tests(given: Sequence[str]) -> dict[str, Catalog]:
    """Return the tests out of the domain that ``CATALOG`` or ``CATALOG=CLASS`` name.

    Every image is of that class, where one is given; all of them form the test part.
    """
    found: dict[str, Catalog] = {}
    parted = [text.partition("=") for text in given]
    names = _names([[root] for root, _, _ in parted])
    for text, name, (root, _, label) in zip(given, names, parted, strict=True):
        catalog = open_catalog(root).select(origin="observed")
        if not label:
            catalog = catalog.select(
                label=sorted({name for name in catalog.column("label") if name})
            )
        if not len(catalog):
            raise InputError(f"--elsewhere (={text}) has no observed image with a label")
        step = np.linspace(0, len(catalog) - 1, min(_MOST, len(catalog))).round().astype(int)
        chosen = Catalog(catalog.root, catalog.table.take(step)).replaced(split="test")
        found[name] = chosen.replaced(label=label) if label else chosen
    return found


def _names(tests: Sequence[Sequence[Path | str]]) -> list[str]:
    """Return a short name for each test, or a long one where two are alike."""
    short = [" + ".join(Path(root).resolve().name for root in roots) for roots in tests]
    long = [" + ".join(str(root) for root in roots) for roots in tests]
    names = short if len(set(short)) == len(short) else long
    if len(set(names)) < len(names):
        raise InputError(f"--elsewhere names {max(names, key=names.count)} twice; name it once")
    return names
