"""Wide views: ours, the chaotic grid in OpenCV on the same images, and bare encoding.

Each runs in a process of its own, which says how long it took from its first import to its last
file and how much memory it held at most. The grid pastes resized images on a black canvas in
memory and writes one JPEG. Ours renders a sky with noise, isolates, turns and adds every galaxy,
and writes tiles of all levels with the truth catalog. Bare encoding is what Pillow takes for the
JPEG tiles alone, of as many pixels of such a sky, in as many processes as there are cores.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._machine import machine
from parhelion._cores import cores

_SIZE, _COUNT, _ROUNDS = 10_000, 700, 3
_FULL_SIZE, _FULL_COUNT = 60_000, 25_000
_DRAWN, _SIDE = 700, 88
_TILE, _QUALITY = 512, 88
_LEVELS = 4 / 3  # pixels of all levels to those of the finest


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure views of 10,000 and of 60,000 pixels square with the pictures below `data`."""
    from parhelion.catalog import IngestSettings, ingest

    if data is None:
        data = work / "drawn"
        _draw(data)
    catalog = work / "catalog"
    ingest([data], catalog, IngestSettings())
    rounds = []
    _child("view", catalog, work / "out", 1000, 50)  # compiles, and warms the cache of files
    for _ in range(_ROUNDS):
        grid = _child("grid", catalog, work / "grid.jpg", _SIZE, _COUNT)
        ours = _child("view", catalog, work / "out", _SIZE, _COUNT)
        rounds.append((ours, grid))
    ours, grid = (
        {key: statistics.median(pair[side][key] for pair in rounds) for key in ("seconds", "mb")}
        for side in (0, 1)
    )
    block = work / "sky.npy"
    _child("block", catalog, block, 4096, 100)
    bare = _encode(block, round(_LEVELS * _SIZE**2))
    full = _child("view", catalog, work / "out", _FULL_SIZE, _FULL_COUNT)
    full_bare = _encode(block, round(_LEVELS * _FULL_SIZE**2))
    shared = {"measured_on": machine()}
    grid_is = "the same images on a chaotic grid in OpenCV, one JPEG"
    bare_is = f"Pillow encoding as many pixels of JPEG tiles, {cores()} processes"
    less = "less is better"
    cases = [
        _case(f"seconds-{_SIZE}", "s", ours["seconds"], grid["seconds"], grid_is),
        _case(f"memory-{_SIZE}", "MB", ours["mb"], grid["mb"], grid_is),
        _case(f"encoding-{_SIZE}", "s", ours["seconds"], bare, bare_is),
        _case(f"seconds-{_FULL_SIZE}", "s", full["seconds"], full_bare, bare_is)
        | {"mb": round(full["mb"]), "galaxies": _FULL_COUNT, "bytes": full["bytes"]},
        _case(
            f"memory-{_FULL_SIZE}", "MB", full["mb"], 3 * _FULL_SIZE**2 / 1e6,
            "the grid's canvas alone, by arithmetic: it was not run",
        ),
    ]  # fmt: skip
    head = cases[3]
    return {**head, "name": "widefield", "note": less, **shared} | {
        "cases": [case | shared for case in cases]
    }


def _case(name: str, unit: str, ours: float, peer: float, peer_is: str) -> dict[str, Any]:
    return {
        "name": f"widefield-{name}",
        "unit": unit,
        "ours": round(ours, 2),
        "peer": round(peer, 2),
        "ratio": round(peer / ours, 3),
        "peer_is": peer_is,
    }


def _child(what: str, catalog: Path, out: Path, size: int, count: int) -> dict[str, Any]:
    """Run one part in a process of its own; return its seconds, peak memory and bytes."""
    arguments = [what, str(catalog), str(out), str(size), str(count)]
    command = [sys.executable, "-m", "benchmarks.widefield", *arguments]
    start = time.perf_counter()
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"benchmark child {what} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["seconds"] = seconds
    if out.is_dir():
        result["bytes"] = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        shutil.rmtree(out)
    return result


def _peak_mb() -> float:
    """Return the most memory that this process held, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _view(catalog: Path, out: Path, size: int, count: int) -> None:
    from parhelion.sky import WidefieldSettings, widefield

    widefield(
        catalog,
        out,
        WidefieldSettings(size=size, count=count, format=("deepzoom",), workers=cores()),
    )


def _block(catalog: Path, out: Path, size: int, count: int) -> None:
    """Save the pixels of a view, for `_encode`."""
    from parhelion.sky import WidefieldSettings, widefield

    folder = out.with_suffix("")
    view = widefield(catalog, folder, WidefieldSettings(size=size, count=count, format=("png",)))
    with Image.open(view.image) as image:
        np.save(out, np.asarray(image))
    shutil.rmtree(folder)


def _grid(catalog: Path, out: Path, size: int, count: int) -> None:
    import cv2

    files = sorted(path for path in (catalog / "images").rglob("*") if path.is_file())
    rng = np.random.default_rng(0)
    canvas = np.zeros((size, size, 3), np.uint8)
    across = int(np.ceil(count**0.5))
    cell = size / across
    for index in range(count):
        image = cv2.imread(str(files[index % len(files)]), cv2.IMREAD_COLOR)
        side = int(cell * rng.uniform(0.5, 1))
        smaller = side < image.shape[0]
        tile = cv2.resize(
            image, (side, side), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        )
        left = int(index % across * cell + rng.uniform(0, cell - side))
        top = int(index // across * cell + rng.uniform(0, cell - side))
        canvas[top : top + side, left : left + side] = tile
    cv2.imwrite(str(out), canvas, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def _encode(block: Path, pixels: int) -> float:
    """Return the seconds to encode as many pixels, of the slowest of as many processes as cores."""
    workers = cores()
    tiles = round(pixels / _TILE**2 / workers)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return max(pool.map(_encode_share, [block] * workers, [tiles] * workers))


def _encode_share(block: Path, tiles: int) -> float:
    whole = np.load(block)
    side = len(whole) // _TILE
    parts = [
        Image.fromarray(np.ascontiguousarray(whole[y : y + _TILE, x : x + _TILE]))
        for y in range(0, side * _TILE, _TILE)
        for x in range(0, side * _TILE, _TILE)
    ]
    with open(os.devnull, "wb") as nowhere:
        start = time.perf_counter()
        for index in range(tiles):
            parts[index % len(parts)].save(nowhere, "JPEG", quality=_QUALITY)
        return time.perf_counter() - start


def _draw(folder: Path) -> None:
    """Draw galaxies on noisy sky."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:_SIDE, :_SIDE] - (_SIDE - 1) / 2
    folder.mkdir(parents=True)
    for number in range(_DRAWN):
        angle, ratio, scale = rng.uniform(0, np.pi), rng.uniform(0.3, 1), rng.uniform(3, 7)
        along = x * np.cos(angle) + y * np.sin(angle)
        across = (y * np.cos(angle) - x * np.sin(angle)) / ratio
        light = rng.uniform(80, 220) * np.exp(-np.hypot(along, across) / scale)
        sky = rng.normal(12, 4, (_SIDE, _SIDE, 1))
        pixels = np.clip(light[..., None] * rng.uniform(0.5, 1, 3) + sky, 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:05d}.png")


if __name__ == "__main__":
    parts = {"view": _view, "grid": _grid, "block": _block}
    what, catalog, out, size, count = sys.argv[1:]
    parts[what](Path(catalog), Path(out), int(size), int(count))
    print(json.dumps({"mb": _peak_mb()}))
