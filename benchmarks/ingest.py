"""Ingest against a loop over the same files: decode (Pillow), hash, perceptual hash (imagehash).

Ours does more: it copies the files, looks for marks, groups near-duplicates and writes the table.
The two take turns, and the median of the paired ratios counts, so that a change of the machine's
load between runs does not.
"""

import hashlib
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
from PIL import Image

from benchmarks._machine import machine
from parhelion.catalog import IngestSettings, ingest

_ROUNDS = 7
_DRAWN, _SIZE = 6000, 88
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure images per second on the pictures below `data`, or on drawn JPEG files."""
    if data is None:
        data = work / "drawn"
        _draw(data)
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise SystemExit(f"--data (={data}) must hold pictures ({', '.join(sorted(_SUFFIXES))})")
    _peer(files[:50])  # imports, for both
    ingest(files[:50], work / "warm")
    rounds = []
    for number in range(_ROUNDS):
        out = work / f"catalog{number}"
        ours = _timed(lambda out=out: len(ingest([data], out, IngestSettings())))
        peer = _timed(lambda: _peer(files))
        shutil.rmtree(out)
        rounds.append((ours, peer))
    ratio = statistics.median(ours / peer for ours, peer in rounds)
    return {
        "name": "ingest",
        "unit": "images/s",
        "ours": round(statistics.median(ours for ours, _ in rounds), 1),
        "peer": round(statistics.median(peer for _, peer in rounds), 1),
        "ratio": round(ratio, 3),
        "ratios": [round(ours / peer, 3) for ours, peer in rounds],
        "images": len(files),
        "bytes_per_image": round(sum(path.stat().st_size for path in files) / len(files)),
        "peer_is": "a loop of Pillow, SHA-256 of the pixels and imagehash.phash",
        "measured_on": machine(),
    }


def _timed(work: Any) -> float:
    """Return images per second."""
    start = time.perf_counter()
    count = work()
    return float(count / (time.perf_counter() - start))


def _peer(files: list[Path]) -> int:
    seen = {}
    for path in files:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        digest = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
        seen[path] = digest, imagehash.phash(image)
    return len(seen)


def _draw(folder: Path) -> None:
    """Draw galaxies on noisy sky, some 2 KB each, in three sub-folders."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:_SIZE, :_SIZE] - (_SIZE - 1) / 2
    for number in range(_DRAWN):
        angle, ratio, scale = rng.uniform(0, np.pi), rng.uniform(0.3, 1), rng.uniform(5, 14)
        along = x * np.cos(angle) + y * np.sin(angle)
        across = (y * np.cos(angle) - x * np.sin(angle)) / ratio
        light = rng.uniform(80, 220) * np.exp(-np.hypot(along, across) / scale)
        sky = rng.normal(12, 4, (_SIZE, _SIZE, 1))
        pixels = np.clip(light[..., None] * rng.uniform(0.5, 1, 3) + sky, 0, 255)
        path = folder / f"class{number % 3}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path, quality=85)
