"""Labels of FLARE's experiments, looked at before hours are spent on what cannot end well."""

from collections.abc import Mapping

from parhelion.catalog import SPLITS, Catalog
from parhelion.errors import InputError
from parhelion.experiments._flare_rows import LABELS, labeled


def labeled_images(whole: Catalog) -> Catalog:
    """Return the observed images that have a label.

    Raises
    ------
    InputError
        If there is none or no split, fewer than two classes, or a part without one of them.
    """
    chosen = whole.select(origin="observed")
    chosen = chosen.select(label=sorted({label for label in chosen.column("label") if label}))
    if not len(chosen):
        raise InputError(f"{whole.root} has no observed image with a label")
    if None in chosen.column("split"):
        raise InputError(f"{whole.root} is not split; run `parhelion split {whole.root}` first")
    classes = set(chosen.column("label"))
    if len(classes) < 2:
        raise InputError(f"{whole.root} has one class, {min(classes)!r}; a classifier needs two")
    for split in SPLITS:
        missing = classes - set(chosen.select(split=split).column("label"))
        if missing:
            raise InputError(
                f"{whole.root} has no observed image of class {min(missing)!r} in the {split} "
                "part; every part needs some of each: add images and split again, or leave the "
                "class out"
            )
    return chosen


def check_tests(tests: Mapping[str, Catalog], whole: Catalog) -> None:
    """Raise `InputError` if a test elsewhere has no image of a class that is learned."""
    classes = set(whole.column("label"))
    for name, catalog in tests.items():
        given = set(catalog.column("label"))
        if not given & classes:
            raise InputError(
                f"--elsewhere (={name}) has images of {', '.join(sorted(given))} alone; give "
                f"classes of {whole.root}: {', '.join(sorted(classes))}"
            )


def label_sets(whole: Catalog) -> list[str]:
    """Return the sets of labels that tell these images apart: macro classes may all be one."""
    return [
        labels
        for labels in LABELS
        if len({name for name in labeled(whole, labels).column("label") if name}) > 1
    ]
