"""Which class each label belongs to: a table of a TOML file, or the labels themselves."""

import tomllib
from collections.abc import Iterable
from typing import Any

from parhelion._settings import recipe_path
from parhelion.errors import InputError


def load_classes(name: str) -> dict[str, str]:
    """Read the table ``[classes]`` of a TOML file or of a recipe that ships.

    Parameters
    ----------
    name : str
        Path of the file, or the recipe's bare name.

    Returns
    -------
    classes : dict
        Class of each label, in the file's order.

    Raises
    ------
    InputError
        If there is no such file or table, a class is not a text, or there is but one class.
    """
    path = recipe_path(name)
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("classes")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    if not isinstance(table, dict):
        raise InputError(f"{path} has no table [classes] with lines such as label = 'class'")
    for label, value in table.items():
        if not isinstance(value, str) or not value:
            raise InputError(f"{path}: the class of {label!r} (={value}) must be a name in quotes")
    if len(set(table.values())) < 2:
        raise InputError(f"{path} has {len(set(table.values()))} class; a classifier needs two")
    return dict(table)


def classes_of(name: str | None, labels: Iterable[str]) -> dict[str, str]:
    """Return the class of each label: from the mapping `name`, or each label its own class.

    Raises
    ------
    InputError
        As `load_classes`, or if without a mapping there are fewer than two labels.
    """
    if name is not None:
        return load_classes(name)
    own = sorted(set(labels))
    if len(own) < 2:
        raise InputError(
            f"the training images have {len(own)} labels; a classifier needs at least two: ingest "
            "folders whose names are the labels, or give a mapping with --classes"
        )
    return {label: label for label in own}


def class_names(classes: dict[str, str]) -> list[str]:
    """Return the distinct classes, in the order of their first appearance."""
    return list(dict.fromkeys(classes.values()))
