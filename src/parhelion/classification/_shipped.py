"""The classifier that ships, and finding one by name."""

from pathlib import Path

from parhelion.training import find_model

_GALAXIES = "galaxy-classifier"


def shipped_classifier() -> Path:
    """Return the folder of the classifier of galaxies that ships.

    It tells spiral, elliptical and irregular galaxies apart, at 64 pixels, where the galaxy
    fills the frame; recipe ``galaxy-classifier``. Its card says how well.
    """
    return Path(__file__).parents[1] / "weights" / _GALAXIES


def resolve_classifier(name: Path | str) -> Path:
    """Return the folder of a classifier: a folder as it is, or one that ships by its name.

    Raises
    ------
    ModelError
        If there is neither such a folder nor such a name.
    """
    return find_model(name)
