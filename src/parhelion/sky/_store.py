"""The stamps of a catalog: isolated once and kept on disk, or one by one where few are needed."""

import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import progress
from parhelion.catalog import MADE_ORIGINS, Catalog, decode, image_id, luma
from parhelion.errors import InputError
from parhelion.sky._stamps import Stamp, isolate

_KEPT = 512  # stamps in memory at a time


@dataclass(frozen=True)
class StampInfo:
    """A stamp without its light: what placement and the truth catalog need.

    `image_shape` is that of the whole image, and `left`, `top` where the stamp begins in it;
    `offset` is where its light begins in the store.
    """

    image_id: str
    path: str
    label: str | None
    origin: str | None
    source: str | None
    model_id: str | None
    model_seed: int | None
    a: float
    b: float
    theta: float
    flux: float
    share: float
    x: float
    y: float
    shape: tuple[int, int, int]
    image_shape: tuple[int, int]
    left: int
    top: int
    offset: int


class StampStore:
    """Stamps of a catalog in a temporary file; use it in a ``with`` statement.

    Attributes
    ----------
    stamps : list of StampInfo
        Those that are usable, in the catalog's order.
    dropped : dict
        How many were not, by reason.
    made : bool
        Whether a model made any of the usable ones.
    models : list of str
        Ids of those models, where the recipes name them.
    root : Path
        Folder of the catalog.
    """

    def __init__(self, catalog: Catalog, channels: int, scratch: Path, workers: int) -> None:
        self.stamps: list[StampInfo] = []
        self.root = catalog.root
        self.made = False
        self.models: list[str] = []
        # 16-bit floats: a rounding error below 0.07 display units at full scale.
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115
        dropped: Counter[str] = Counter()
        models: set[str] = set()
        rows = catalog.rows()
        recipes = catalog.recipes()

        def load(row: dict[str, Any]) -> tuple[Stamp | None, str, tuple[int, int]]:
            pixels = decode(catalog.root / row["path"])[0].pixels
            return *isolate(_as_channels(pixels, channels)), (pixels.shape[0], pixels.shape[1])

        offset = 0
        with ThreadPoolExecutor(workers) as pool:
            loaded = progress(pool.map(load, rows), total=len(rows), what="isolating")
            for row, recipe, (stamp, why, shape) in zip(rows, recipes, loaded, strict=True):
                if stamp is None:
                    dropped[why] += 1
                    continue
                data = stamp.light.astype(np.float16)
                self._file.write(data.tobytes())
                self.stamps.append(_info(row, recipe, stamp, shape, offset))
                offset += data.size
                self.made |= row["origin"] in MADE_ORIGINS
                if "model_id" in recipe:
                    models.add(str(recipe["model_id"]))
        self.dropped = dict(dropped)
        self.models = sorted(models)
        if not self.stamps:
            self._file.close()
            reasons = ", ".join(f"{count} {why}" for why, count in sorted(dropped.items()))
            raise InputError(
                f"no image of {catalog.root} shows a galaxy at its center "
                f"({reasons or 'it is empty'}); give a catalog of cut-outs or generated galaxies"
            )
        self._file.flush()
        self._light = np.memmap(self._file, np.float16, mode="r", shape=(offset,))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def info(self, index: int) -> StampInfo:
        """Return a stamp without its light."""
        return self.stamps[index]

    def light(self, index: int) -> NDArray[np.float32]:
        """Return the light of a stamp, ``(h, w, C)`` float32; see `Stamp`."""
        info = self.stamps[index]
        part = self._light[info.offset : info.offset + int(np.prod(info.shape))]
        return part.reshape(info.shape).astype(np.float32)


class CatalogStamps:
    """Stamps that are isolated when asked for, each once; for the few that a region needs.

    Parameters
    ----------
    root : Path
        Folder of the catalog.
    images : list of tuple
        Path in it and `image_id` of each stamp.
    channels : int
        1 or 3.
    """

    def __init__(self, root: Path, images: list[tuple[str, str]], channels: int) -> None:
        self._root, self._images, self._channels = root, images, channels
        self._lock = threading.Lock()
        self._known: dict[int, tuple[StampInfo, NDArray[np.float32]]] = {}

    def info(self, index: int) -> StampInfo:
        """Return a stamp without its light."""
        return self._load(index)[0]

    def light(self, index: int) -> NDArray[np.float32]:
        """Return the light of a stamp, as a `StampStore` has it."""
        return self._load(index)[1]

    def _load(self, index: int) -> tuple[StampInfo, NDArray[np.float32]]:
        with self._lock:
            if index not in self._known:
                if len(self._known) >= _KEPT:
                    del self._known[next(iter(self._known))]
                self._known[index] = self._isolate(*self._images[index])
            return self._known[index]

    def _isolate(self, path: str, wanted: str) -> tuple[StampInfo, NDArray[np.float32]]:
        file = self._root / path
        if not file.is_file():
            raise InputError(
                f"{file} is gone, and the view needs it to be rendered again; "
                "say with --catalog where the catalog of galaxies is now"
            )
        pixels = decode(file)[0].pixels
        stamp, _ = isolate(_as_channels(pixels, self._channels))
        if stamp is None or image_id(pixels) != wanted:
            raise InputError(
                f"{file} is not the image that the view was painted with; "
                "say with --catalog where the catalog of galaxies is now"
            )
        row = {"image_id": wanted, "path": path, "label": None, "origin": None, "source": None}
        shape = (pixels.shape[0], pixels.shape[1])
        info = _info(row, {}, stamp, shape, 0)
        return info, stamp.light.astype(np.float16).astype(np.float32)


def _info(
    row: dict[str, Any],
    recipe: dict[str, Any],
    stamp: Stamp,
    image_shape: tuple[int, int],
    offset: int,
) -> StampInfo:
    height, width, channels = stamp.light.shape
    seed = recipe.get("seed")
    return StampInfo(
        image_id=row["image_id"],
        path=row["path"],
        label=row["label"],
        origin=row["origin"],
        source=row["source"],
        model_id=str(recipe["model_id"]) if "model_id" in recipe else None,
        model_seed=seed if isinstance(seed, int) and abs(seed) < 2**63 else None,
        a=stamp.a,
        b=stamp.b,
        theta=stamp.theta,
        flux=stamp.flux,
        share=stamp.share,
        x=stamp.x,
        y=stamp.y,
        shape=(height, width, channels),
        image_shape=image_shape,
        left=stamp.left,
        top=stamp.top,
        offset=offset,
    )


def _as_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return the image with the channels of the field: gray repeated, or color as luma."""
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 1:
        return np.rint(luma(pixels))[..., None].astype(np.uint8)
    return np.repeat(pixels, channels, axis=-1)
