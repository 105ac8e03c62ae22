"""The stamps of a catalog, isolated once and kept on disk, so that memory does not grow."""

import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import progress
from parhelion.catalog import MADE_ORIGINS, Catalog, decode, luma
from parhelion.errors import InputError
from parhelion.sky._stamps import Stamp, isolate


@dataclass(frozen=True)
class StampInfo:
    """A stamp without its light: what placement and the truth catalog need."""

    image_id: str
    path: str
    label: str | None
    a: float
    b: float
    theta: float
    flux: float
    share: float
    x: float
    y: float
    shape: tuple[int, int, int]
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
    """

    def __init__(self, catalog: Catalog, channels: int, scratch: Path, workers: int) -> None:
        self.stamps: list[StampInfo] = []
        self.made = False
        self.models: list[str] = []
        # 16-bit floats: a rounding error below 0.07 display units at full scale.
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115
        dropped: Counter[str] = Counter()
        models: set[str] = set()
        rows = catalog.rows()
        recipes = catalog.recipes()

        def load(row: dict[str, Any]) -> tuple[Stamp | None, str]:
            return isolate(_as_channels(decode(catalog.root / row["path"])[0].pixels, channels))

        offset = 0
        with ThreadPoolExecutor(workers) as pool:
            loaded = progress(pool.map(load, rows), total=len(rows), what="isolating")
            for row, recipe, (stamp, why) in zip(rows, recipes, loaded, strict=True):
                if stamp is None:
                    dropped[why] += 1
                    continue
                data = stamp.light.astype(np.float16)
                self._file.write(data.tobytes())
                self.stamps.append(_info(row, stamp, offset))
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

    def light(self, index: int) -> NDArray[np.float32]:
        """Return the light of a stamp, ``(h, w, C)`` float32; see `Stamp`."""
        info = self.stamps[index]
        part = self._light[info.offset : info.offset + int(np.prod(info.shape))]
        return part.reshape(info.shape).astype(np.float32)


def _info(row: dict[str, Any], stamp: Stamp, offset: int) -> StampInfo:
    height, width, channels = stamp.light.shape
    return StampInfo(
        image_id=row["image_id"],
        path=row["path"],
        label=row["label"],
        a=stamp.a,
        b=stamp.b,
        theta=stamp.theta,
        flux=stamp.flux,
        share=stamp.share,
        x=stamp.x,
        y=stamp.y,
        shape=(height, width, channels),
        offset=offset,
    )


def _as_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return the image with the channels of the field: gray repeated, or color as luma."""
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 1:
        return np.rint(luma(pixels))[..., None].astype(np.uint8)
    return np.repeat(pixels, channels, axis=-1)
