"""What can be told from the container alone: the control that stands beside every accuracy.

A logistic regression on file size, quantization tables, dimensions and format. Where it beats
chance on what the detector sees, the detector's own figure may owe something to the files.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy.optimize import minimize

from parhelion.detection._chain import reencode
from parhelion.detection._data import Sample
from parhelion.detection._settings import DetectorSettings
from parhelion.training import PixelStore, map_ahead

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF")


@dataclass(frozen=True)
class Container:
    """What a file is, without what it shows."""

    size: int
    """Bytes."""
    width: int
    height: int
    format: str
    quantization: int
    """Sum of the JPEG quantization tables; 0 where there are none."""


def container(file: Path | io.BytesIO) -> Container:
    """Describe an image file; of what Pillow does not know only the size is told."""
    size = file.stat().st_size if isinstance(file, Path) else len(file.getbuffer())
    try:
        with Image.open(file) as image:
            tables = getattr(image, "quantization", None) or {}
            total = sum(sum(table) for table in tables.values())
            return Container(size, *image.size, image.format or "other", total)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return Container(size, 0, 0, "other", 0)


def format_features(containers: Sequence[Container]) -> Floats:
    """Return ``(N, F)`` features: log bytes, bits per pixel, sides, quantization, format."""
    rows = []
    for item in containers:
        pixels = max(item.width * item.height, 1)
        rows.append(
            [
                np.log(item.size),
                8 * item.size / pixels,
                item.width,
                item.height,
                item.quantization,
                *(item.format == name for name in _FORMATS),
            ]
        )
    return np.array(rows, np.float64)


def format_only(
    train: Sequence[Sample],
    test: Sequence[Sample],
    store: PixelStore,
    settings: DetectorSettings,
) -> dict[str, float]:
    """Return the control's accuracy on files as stored, and on what the detector sees.

    Parameters
    ----------
    train, test : sequence of Sample
        Both classes in each.
    store : PixelStore
        Where pixels come from.
    settings : DetectorSettings
        The path that images take before they are judged.

    Returns
    -------
    figures : dict
        ``format_only_raw_accuracy`` for the files as stored; ``format_only_accuracy`` for the
        re-encoded ones, which differ in nothing but their number of bytes.
    """

    def stored(sample: Sample) -> Container:
        return container(sample.path)

    def seen(sample: Sample) -> Container:
        data = reencode(store.load(sample.path), settings.test_quality)[1]
        return container(io.BytesIO(data))

    def fit(look: Callable[[Sample], Container]) -> float:
        def features(samples: Sequence[Sample]) -> tuple[Floats, Bools]:
            found = map_ahead(look, samples, workers=settings.workers, depth=4 * settings.batch)
            return format_features(list(found)), np.array([s.is_made for s in samples])

        return logistic_accuracy(*features(train), *features(test))

    return {"format_only_accuracy": fit(seen), "format_only_raw_accuracy": fit(stored)}


def logistic_accuracy(
    train: Floats, train_made: Bools, test: Floats, test_made: Bools, penalty: float = 1e-2
) -> float:
    """Fit on the training part, return the balanced accuracy on the test part.

    Parameters
    ----------
    train, test : ndarray
        ``(N, F)`` features.
    train_made, test_made : ndarray
        ``(N,)`` bool.
    penalty : float
        Weight of the squared coefficients of the standardized features.

    Returns
    -------
    accuracy : float
        0.5 is chance, whatever the shares of the classes.
    """
    mean, spread = train.mean(0), train.std(0)
    spread[spread < 1e-9] = np.inf  # a feature that never varies tells nothing
    known = (train - mean) / spread
    signs = np.where(train_made, 1.0, -1.0)
    weights = np.where(train_made, 0.5 / train_made.sum(), 0.5 / (~train_made).sum())

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        margin = signs * (known @ coefficients[:-1] + coefficients[-1])
        pull = -weights * signs * np.exp(-np.logaddexp(0.0, margin))
        gradient = np.append(known.T @ pull + penalty * coefficients[:-1], pull.sum())
        value = (weights * np.logaddexp(0.0, -margin)).sum()
        return float(value + penalty / 2 * (coefficients[:-1] ** 2).sum()), gradient

    found = minimize(loss, np.zeros(known.shape[1] + 1), jac=True, method="L-BFGS-B").x
    said = ((test - mean) / spread) @ found[:-1] + found[-1]
    # A score of exactly 0 is a coin toss: half right, half wrong, whatever the class.
    half = np.where(said == 0, 0.5, (said > 0).astype(float))
    return float((half[test_made].mean() + (1 - half[~test_made]).mean()) / 2)
