"""Shapes of galaxies by statmorph: concentration, asymmetry, Gini, M20, half-light radius.

Definitions: Rodriguez-Gomez et al. 2019, doi:10.1093/mnras/sty3345, and the references there.
"""

import importlib
import importlib.util
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._helpers import Helpers
from parhelion._progress import bar
from parhelion.catalog import extract_sources
from parhelion.errors import InputError, MissingExtraError
from parhelion.measurement._photometry import border_sky

#: What is measured, and how its axis reads.
MORPHOLOGY = {
    "concentration": "concentration C = 5 log10(r80 / r20)",
    "asymmetry": "asymmetry A",
    "gini": "Gini coefficient",
    "m20": "M20",
    "half_light_radius": "half-light radius (share of the image's side)",
}
#: Isophote of a galaxy's segment, in standard deviations of the sky.
_THRESHOLD = 1.5
_MIN_AREA = 8
#: Arms and knots are parts of a galaxy; only what holds as much of its light is a neighbor.
_DEBLEND_CONTRAST = 0.05
#: statmorph's flags from here on mean that its numbers are not to be used.
_BAD = 2
#: Fewest images that a process of their own is started for.
_SHARE = 24


@dataclass(frozen=True)
class Morphology:
    """Shapes of some images.

    Attributes
    ----------
    values : dict
        For each name of `MORPHOLOGY` ``(N,)`` float64; NaN in all where the image failed.
    failures : dict
        How many images failed, by reason.
    """

    values: dict[str, NDArray[np.float64]]
    failures: dict[str, int]


def measure_morphology(images: NDArray[np.uint8], *, workers: int | None = None) -> Morphology:
    """Measure the shape of the galaxy at the centre of each image, in luma.

    The sky's level and noise are those of the image's border; the galaxy is the segment (sep)
    at the centre, or the nearest one within a quarter of the side.

    Parameters
    ----------
    images : ndarray
        ``(N, H, W, 3)`` uint8, at least 16 pixels high and wide.
    workers : int, optional
        Processes; the result does not depend on it.

    Raises
    ------
    MissingExtraError
        If statmorph is not installed.
    InputError
        If the images are too small.
    """
    require_statmorph()
    if min(images.shape[1:3]) < 16:
        raise InputError(
            f"images of {images.shape[1]} x {images.shape[2]} pixels are too small for shapes; "
            "use --image-size 16 or more"
        )
    workers = min(workers or cores(), -(-len(images) // _SHARE))
    total = len(images)
    rows: list[tuple[float, ...] | str] = [""] * total
    with (
        Helpers(_shapes, workers - 1, chunk=8) as helpers,
        bar(total=total, what="shapes") as shown,
    ):
        for index, row in helpers.work_through(iter(images), ()):
            rows[index] = row
            shown.update()
    failures = Counter(row for row in rows if isinstance(row, str))
    table = np.array([(np.nan,) * len(MORPHOLOGY) if isinstance(r, str) else r for r in rows])
    values = dict(zip(MORPHOLOGY, table.reshape(total, -1).T, strict=True))
    return Morphology(values, dict(sorted(failures.items())))


def require_statmorph() -> None:
    """Raise `MissingExtraError` unless statmorph is installed."""
    if importlib.util.find_spec("statmorph") is None:
        raise MissingExtraError(
            "--morphology needs statmorph, which is not installed; "
            "run `pip install 'parhelion[morphology]'` or leave the flag out"
        )


def _shapes(images: Sequence[NDArray[np.uint8]]) -> list[tuple[float, ...] | str]:
    return [_shape(image) for image in images]


def _shape(image: NDArray[np.uint8]) -> tuple[float, ...] | str:
    """Return the values of `MORPHOLOGY` of one image, or why there are none."""
    statmorph = importlib.import_module("statmorph")
    gray, level, noise = border_sky(image[None])
    light = np.ascontiguousarray(gray[0] - level[0], np.float32)
    try:
        table, labels = extract_sources(
            light,
            float(noise[0]),
            threshold=_THRESHOLD,
            min_area=_MIN_AREA,
            deblend_contrast=_DEBLEND_CONTRAST,
        )
    except InputError:
        return "too crowded to separate"
    label = _central(table["x"], table["y"], labels)
    if label is None:
        return "nothing at the centre"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what it warns of is in its flag
        try:
            shape = statmorph.SourceMorphology(
                light.astype(np.float64),
                labels,
                label,
                weightmap=np.full(light.shape, float(noise[0])),
                sersic_maxiter=1,  # the profile fit is not used
            )
        except (AssertionError, ValueError, IndexError, ArithmeticError, RuntimeError):
            return "statmorph failed"
    if shape.flag >= _BAD:
        return "flagged as bad by statmorph"
    values = (
        shape.concentration,
        shape.asymmetry,
        shape.gini,
        shape.m20,
        shape.rhalf_ellip / min(light.shape),
    )
    return tuple(map(float, values)) if np.isfinite(values).all() else "no finite values"


def _central(
    x: NDArray[np.float64], y: NDArray[np.float64], labels: NDArray[np.int32]
) -> int | None:
    """Return the label of the segment at the centre, or of the nearest one, if any is near."""
    height, width = labels.shape
    at = int(labels[height // 2, width // 2])
    if at:
        return at
    apart = np.hypot(x - (width - 1) / 2, y - (height - 1) / 2)
    if not len(apart) or apart.min() > min(height, width) / 4:
        return None
    return int(apart.argmin()) + 1
