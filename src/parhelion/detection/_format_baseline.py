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
from sklearn.metrics import balanced_accuracy_score

from parhelion.detection._data import Sample, judged_views, test_chain
from parhelion.detection._peers import logistic
from parhelion.detection._settings import DetectorSettings
from parhelion.training import PixelStore, reencode

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_STRENGTH = 1.0
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
        How images are seen; of patches, a square of `smallest_patch` within the fullest is
        encoded, for an image's size is no part of what it shows.

    Returns
    -------
    figures : dict
        ``format_only_raw_accuracy`` for the files as stored; ``format_only_accuracy`` for the
        re-encoded ones, which differ in nothing but their number of bytes.
    """

    def stored(samples: Sequence[Sample]) -> list[Container]:
        return [container(sample.path) for sample in samples]

    def seen(samples: Sequence[Sample]) -> list[Container]:
        views = judged_views(samples, store, settings, test_chain(settings))
        most = settings.smallest_patch if settings.view == "patches" else settings.image_size
        parts = (view.patches[0][:most, :most] for view in views)
        files = (reencode(np.ascontiguousarray(part), settings.test_quality)[1] for part in parts)
        return [container(io.BytesIO(file)) for file in files]

    def fit(look: Callable[[Sequence[Sample]], list[Container]]) -> float:
        def features(samples: Sequence[Sample]) -> tuple[Floats, Bools]:
            return format_features(look(samples)), np.array([s.is_made for s in samples])

        return format_accuracy(*features(train), *features(test))

    return {"format_only_accuracy": fit(seen), "format_only_raw_accuracy": fit(stored)}


def format_accuracy(train: Floats, train_made: Bools, test: Floats, test_made: Bools) -> float:
    """Fit on the training part, return the balanced accuracy on the test part.

    Parameters
    ----------
    train, test : ndarray
        ``(N, F)`` features.
    train_made, test_made : ndarray
        ``(N,)`` bool.

    Returns
    -------
    accuracy : float
        0.5 is chance, whatever the shares of the classes.
    """
    said = logistic(train, train_made, _STRENGTH).predict(test)
    return float(balanced_accuracy_score(test_made, said))
