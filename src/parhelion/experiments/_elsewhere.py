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
    names = [" + ".join(Path(root).name for root in roots) for roots in elsewhere]
    if len(set(names)) < len(names):
        names = [" + ".join(str(root) for root in roots) for roots in elsewhere]
    if len(set(names)) < len(names):
        raise InputError(f"--elsewhere names {max(names, key=names.count)} twice; name it once")
    return {
        name: [open_catalog(root) for root in roots]
        for name, roots in zip(names, elsewhere, strict=True)
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
    for text in given:
        root, _, label = text.partition("=")
        catalog = open_catalog(root).select(origin="observed")
        if not label:
            catalog = catalog.select(
                label=sorted({name for name in catalog.column("label") if name})
            )
        if not len(catalog):
            raise InputError(f"--elsewhere (={text}) has no observed image with a label")
        step = np.linspace(0, len(catalog) - 1, min(_MOST, len(catalog))).round().astype(int)
        chosen = Catalog(catalog.root, catalog.table.take(step)).replaced(split="test")
        name = Path(root).resolve().name
        if name in found:
            raise InputError(f"--elsewhere names {name} twice; name it once")
        found[name] = chosen.replaced(label=label) if label else chosen
    return found
