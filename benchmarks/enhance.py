"""Enlarging by tiles that overlap against one pass over the whole image, and against plain tiles.

The network is the small SwinIR of `parhelion train upscaler` with weights that a moment of
training leaves, so that its attention has a say. All three ways compute in the same arithmetic, on
one image: the whole of it at once; tiles of the same side that share nothing, which leaves seams;
and the tiler of `parhelion enhance`. The largest difference between tiled and whole, in gray
levels away from the image's border, is what is left of a seam.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks._machine import machine
from parhelion._cores import cores
from parhelion.augmentation import (
    EnhanceSettings,
    Upscaler,
    UpscalerSettings,
    enlarge,
    load_upscaler,
    train_upscaler,
)
from parhelion.augmentation._tiles import enlarged
from parhelion.catalog import image_id, row, write_catalog
from parhelion.training import one_thread

_SIDE, _ROUNDS, _BORDER = 512, 3, 32
_LEARN = UpscalerSettings(width=32, depths=(4, 4), images=160, batch=8, validate_every=160)
_ASKED = EnhanceSettings()


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure large pixels per second on a drawn field; no data are read."""
    pixels = _field(np.random.default_rng(0))
    model = _trained(pixels, work)
    cases = [_case(model, pixels, precision) for precision in ("fp32", "bf16")]
    return {**cases[0], "name": "enhance", "cases": cases}


def _case(model: Path, pixels: NDArray[np.uint8], precision: str) -> dict[str, Any]:
    upscaler = load_upscaler(model, precision=precision)
    around = np.pad(pixels, [(upscaler.step,) * 2] * 2 + [(0, 0)], mode="symmetric")
    edge = upscaler.step * upscaler.scale
    ways: dict[str, Callable[[], NDArray[np.floating[Any]]]] = {
        "ours": lambda: enlarge(upscaler, pixels, _ASKED).astype(np.float32),
        "plain": lambda: _plain(upscaler, pixels),
        "whole": lambda: upscaler.enlarge(around[None])[0, edge:-edge, edge:-edge],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {name: way() for name, way in ways.items()}  # also what is loaded on first use
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    large = _SIDE**2 * upscaler.scale**2

    def rate(name: str) -> float:
        return round(large / statistics.median(seconds[name]))

    def ratio(name: str) -> float:
        pairs = zip(seconds["ours"], seconds[name], strict=True)
        return round(statistics.median(other / ours for ours, other in pairs), 3)

    return {
        "name": f"enhance-{precision}",
        "unit": "large pixels/s",
        "ours": rate("ours"),
        "peer": rate("plain"),
        "ratio": ratio("plain"),
        "whole": rate("whole"),
        "ratio_to_whole": ratio("whole"),
        "seam": _difference(_before_rounding(upscaler, pixels), found["whole"]),
        "seam_of_plain_tiles": _difference(found["plain"], found["whole"]),
        "seam_unit": "gray levels of 255, before rounding",
        "side": _SIDE,
        "tile": _ASKED.tile,
        "overlap": _ASKED.overlap,
        "scale": upscaler.scale,
        "peer_is": "the same network over tiles that share nothing",
        "measured_on": machine(),
    }


def _plain(upscaler: Upscaler, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    tile, scale = _ASKED.tile, upscaler.scale
    shape = (_SIDE * scale, _SIDE * scale, 3)
    whole = np.empty(shape, np.float32)
    for top in range(0, _SIDE, tile):
        lefts = range(0, _SIDE, tile)
        tiles = [pixels[top : top + tile, left : left + tile] for left in lefts]
        for first in range(0, len(tiles), _ASKED.batch):
            large = upscaler.enlarge(np.stack(tiles[first : first + _ASKED.batch]))
            for left, part in zip(lefts[first : first + _ASKED.batch], large, strict=True):
                bottom, right = top * scale + part.shape[0], left * scale + part.shape[1]
                whole[top * scale : bottom, left * scale : right] = part
    return whole


def _before_rounding(upscaler: Upscaler, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the tiler makes of an image, before its levels are whole ones."""

    def read(top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
        return pixels[top : top + height, left : left + width]

    sides = {"tile": _ASKED.tile, "overlap": _ASKED.overlap}
    with one_thread():  # as `enhance` does on a CPU
        strips = enlarged(upscaler, read, pixels.shape, **sides, batch=1, workers=cores())
        return np.concatenate(list(strips))


def _difference(found: NDArray[Any], whole: NDArray[Any]) -> float:
    inner = (slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
    return round(float(np.abs(found[inner] - whole[inner]).max()), 3)


def _field(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a field of blobs of many sizes on a noisy sky."""
    field = np.zeros((_SIDE, _SIDE, 3), np.float32)
    for sigma in (1, 3, 8):
        points = np.zeros((_SIDE, _SIDE), np.uint8)
        places = rng.integers(_SIDE, size=(4000 // sigma**2 + 40, 2))
        points[places[:, 0], places[:, 1]] = 255
        blurred = Image.fromarray(points).filter(ImageFilter.GaussianBlur(sigma))
        light = np.asarray(blurred, np.float32) * (4 * sigma)
        field += light[..., None] * rng.uniform(0.6, 1.0, 3).astype(np.float32)
    noisy = 12 + field + rng.normal(0, 3, field.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _trained(pixels: NDArray[np.uint8], work: Path) -> Path:
    root = work / "field"
    (root / "images").mkdir(parents=True)
    Image.fromarray(pixels).save(root / "images" / "0.png")
    sizes = {"width": _SIDE, "height": _SIDE, "format": "PNG"}
    item = row(image_id=image_id(pixels), path="images/0.png", **sizes)
    catalog = write_catalog(root, [item], rejected=[])
    return train_upscaler([catalog], work / "upscaler", _LEARN)
