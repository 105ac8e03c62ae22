"""What a wide view says of itself: ``sky.json``, and the names of its files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.errors import InputError
from parhelion.sky._field_model import FieldModel

VIEW_FILE = "sky.json"
KIND, VERSION = "parhelion-sky", 1
#: Files of each format; the deep zoom has a folder of tiles beside its file.
IMAGES = {"png": "view.png", "tiff": "view.tiff", "deepzoom": "sky.dzi", "fits": "sky.fits"}


@dataclass(frozen=True)
class WideView:
    """A wide view that was written.

    Attributes
    ----------
    folder : Path
        Where it is.
    image : Path
        The first there is of ``view.png``, ``view.tiff``, ``sky.dzi`` and ``sky.fits``.
    preview : Path
        ``preview.jpg``, at most 2,048 pixels square.
    truth : Path
        ``truth.parquet``; ``truth.fits`` is the same as a FITS table.
    size : int
        Side, in pixels.
    galaxies, stars : int
        Objects in the truth catalog.
    dropped : dict
        Images of the catalog that show no usable galaxy, by reason, and rows of the table of
        positions that are ``outside the view``.
    files : dict
        Name of every file, by kind; see ``sky.json``.
    seconds : float
        What it took.
    """

    folder: Path
    image: Path
    preview: Path
    truth: Path
    size: int
    galaxies: int
    stars: int
    dropped: dict[str, int]
    files: dict[str, str]
    seconds: float


def view_image(folder: Path) -> Path:
    """Return the picture of the wide view in a folder: PNG, TIFF, deep zoom or FITS.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in IMAGES.values():
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder} is not a wide view: it has none of {', '.join(IMAGES.values())}")


def read_view(folder: Path | str) -> dict[str, Any]:
    """Read ``sky.json`` of a wide view.

    Raises
    ------
    InputError
        If the folder holds no view, or one that was not finished.
    """
    path = Path(folder) / VIEW_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} is not a finished wide view: it has no {VIEW_FILE}; make one with "
            "`parhelion widefield CATALOG --out FOLDER`"
        )
    try:
        view = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(view, dict) or view.get("kind") != KIND or view.get("version") != VERSION:
        raise InputError(f"{path} does not describe a wide view of this version of Parhelion")
    return view


def model_to_json(model: FieldModel) -> dict[str, Any]:
    """Return what of a field model the sky needs, as JSON values that come back exactly."""
    return {
        "level": model.level.tolist(),
        "kernels": model.kernels.tolist(),
        "mixing": model.mixing.tolist(),
        "normal": [knots.tolist() for knots in model.normal],
        "value": [knots.tolist() for knots in model.value],
        "rms": model.rms,
        "density": model.density,
    }


def model_from_json(values: dict[str, Any]) -> FieldModel:
    """Return the field model, without the sources that only placement needs."""
    none = np.empty(0)

    def knots(name: str) -> tuple[NDArray[np.float64], ...]:
        return tuple(np.array(part) for part in values[name])

    return FieldModel(
        level=np.array(values["level"]),
        kernels=np.array(values["kernels"]),
        mixing=np.array(values["mixing"]),
        normal=knots("normal"),
        value=knots("value"),
        rms=float(values["rms"]),
        a=none,
        b=none,
        flux=none,
        density=float(values["density"]),
    )
