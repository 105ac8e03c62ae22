"""Samples of several catalogs: no group on two sides, and each image decoded once."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import decode, resize
from parhelion.errors import CatalogError


class Sample(Protocol):
    """What a model is trained or judged on: an image of a catalog."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def group_id(self) -> str:
        """All that descends from the same observed image, or from near-duplicates of it."""

    @property
    def split(self) -> str | None:
        """The part that it is in, if any."""


def check_apart(samples: Sequence[Sample]) -> None:
    """No group in two splits, no image twice: else a test would ask for what was learned."""
    home: dict[str, Sample] = {}
    for sample in samples:
        other = home.setdefault(sample.group_id, sample)
        if other.split != sample.split:
            raise CatalogError(
                f"group {sample.group_id!r} spans two splits across the catalogs: {other.path} is "
                f"in {other.split}, {sample.path} in {sample.split}; split them together with "
                "`parhelion split`"
            )
    seen: dict[Path, Sample] = {}
    for sample in samples:
        if seen.setdefault(sample.path.resolve(), sample) is not sample:
            raise CatalogError(f"{sample.path} is given twice; name each catalog once")


class PixelStore:
    """Decoded images; as many are kept as the memory given allows.

    Parameters
    ----------
    size : int or None
        Side of the images, in pixels; None for each at its own size, cut to its middle.
    megabytes : int
        Memory to use; what does not fit is decoded at each use, with the same result.
    largest : int or None
        Most pixels a side of that middle; None cuts nothing.
    """

    def __init__(self, size: int | None, megabytes: int, largest: int | None = 1024) -> None:
        self.size = size
        self._largest = largest
        self._room = megabytes * 2**20
        self._kept: dict[Path, NDArray[np.uint8]] = {}
        self._lock = threading.Lock()

    def load(self, path: Path) -> NDArray[np.uint8]:
        """Return ``(size, size, 3)`` or ``(H, W, C)`` uint8; not to be written to."""
        kept = self._kept.get(path)
        if kept is not None:
            return kept
        pixels = decode(path)[0].pixels
        pixels = _middle(pixels, self._largest) if self.size is None else resize(pixels, self.size)
        with self._lock:
            if pixels.nbytes <= self._room and path not in self._kept:
                self._room -= pixels.nbytes
                self._kept[path] = pixels
        return pixels


def _middle(pixels: NDArray[np.uint8], largest: int | None) -> NDArray[np.uint8]:
    if largest is None or max(pixels.shape[:2]) <= largest:
        return pixels
    top, left = (max(0, side - largest) // 2 for side in pixels.shape[:2])
    return pixels[top : top + largest, left : left + largest].copy()
