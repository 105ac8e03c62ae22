"""SSIM of every made with every real image against a loop over scikit-image on the same pairs.

Each size has two cases: all pairs computed in full, and with pruning by upper bounds, which
leaves the five most similar unchanged. The loop is timed on pairs drawn from the same images;
our scores and our five nearest are checked against it. The last case is the comparison of the
GAN-Universe paper, 40 made images with 61,577 real ones at 256 pixels, in full; its real images
are drawn (or repeated from `--data`) to that number and streamed, as from a catalog.
"""

import itertools
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from benchmarks._machine import machine
from parhelion.measurement import Neighbors, most_similar

_MADE, _NEAREST = 40, 5
_SIZES = {64: 2400, 128: 1200, 256: 600}
_PAPER_SIZE, _PAPER_REAL = 256, 61_577
#: Pairs that scikit-image is timed on, at each size, in rounds between ours.
_LOOP = {64: 3000, 128: 1000, 256: 400}
_ROUNDS = 5
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}

Gray = NDArray[np.uint8]


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure pairs per second at three sizes, then the paper's whole comparison."""
    cases = []
    for size, count in _SIZES.items():
        images = _images(data, _MADE + count, size)
        made, real = images[:_MADE], images[_MADE:]
        most_similar(made[:2], real[:8], 2)  # compiles, or reads what was compiled
        cases += _cases(made, real, size, "drawn" if data is None else "given")
    cases.append(_paper(data, cases[-2]["peer"]))
    return {"name": "ssim-search", "cases": cases}


def _cases(made: Gray, real: Gray, size: int, what: str) -> list[dict[str, Any]]:
    rng = np.random.default_rng(size)
    pairs = np.stack(
        [rng.integers(0, len(made), _LOOP[size]), rng.integers(0, len(real), _LOOP[size])]
    )
    results: dict[bool, list[float]] = {False: [], True: []}
    loops, found = [], {}
    for part in np.array_split(pairs, _ROUNDS, axis=1):
        start = time.perf_counter()
        expected = [structural_similarity(made[i], real[j], data_range=255) for i, j in part.T]
        loops.append(part.shape[1] / (time.perf_counter() - start))
        for prune in results:
            start = time.perf_counter()
            found[prune] = most_similar(made, real, _NEAREST, prune=prune)
            results[prune].append(len(made) * len(real) / (time.perf_counter() - start))
        _check_scores(made, real, part, expected)
    _check_nearest(made, real, found)
    peer = statistics.median(loops)
    return [
        {
            "name": f"ssim-search, {size} px, {'pruned' if prune else 'every pair in full'}",
            "unit": "pairs/s",
            "ours": round(statistics.median(rates)),
            "peer": round(peer, 1),
            "ratio": round(statistics.median(a / b for a, b in zip(rates, loops, strict=True)), 1),
            "milliseconds_per_pair": round(1000 / statistics.median(rates), 5),
            "peer_milliseconds_per_pair": round(1000 / peer, 4),
            "pairs": len(made) * len(real),
            "computed_share": round(found[prune].compared, 3),
            "images": what,
            "peer_is": "a loop of skimage.metrics.structural_similarity on the same gray images",
            "measured_on": machine(),
        }
        for prune, rates in results.items()
    ]


def _check_scores(made: Gray, real: Gray, pairs: NDArray[np.int64], expected: list[float]) -> None:
    """Compare pair by pair: each real image is the only one to choose from."""
    for (i, j), score in itertools.islice(zip(pairs.T, expected, strict=True), 20):
        ours = most_similar(made[i : i + 1], real[j : j + 1], 1).scores[0, 0]
        if abs(ours - score) > 1e-4:
            raise SystemExit(f"SSIM of pair {i}, {j} is {ours}, not scikit-image's {score}")


def _check_nearest(made: Gray, real: Gray, found: dict[bool, Neighbors]) -> None:
    """Compare the five nearest, pruned and not, and of one made image with scikit-image's."""
    if not (
        np.array_equal(found[True].indices, found[False].indices)
        and np.array_equal(found[True].scores, found[False].scores)
    ):
        raise SystemExit("pruning changed the nearest images")
    scores = [structural_similarity(made[0], image, data_range=255) for image in real]
    if (
        np.argsort(-np.array(scores), kind="stable")[:_NEAREST].tolist()
        != found[True].indices[0].tolist()
    ):
        raise SystemExit("the nearest images are not scikit-image's")


def _paper(data: Path | None, peer: float) -> dict[str, Any]:
    """Measure the whole comparison once; real images are made in parts outside the clock."""
    images = _images(data, _MADE + 2000, _PAPER_SIZE)
    made, known = images[:_MADE], images[_MADE:]
    outside = 0.0

    def stream(size: int) -> Iterator[Gray]:
        nonlocal outside
        for start in range(0, _PAPER_REAL, size):
            began = time.perf_counter()
            rows = np.arange(start, min(start + size, _PAPER_REAL))
            part = known[rows % len(known)]
            for image, times in zip(part, rows // len(known), strict=True):
                _vary(image, int(times))
            outside += time.perf_counter() - began
            yield part

    start = time.perf_counter()
    found = most_similar(made, stream, _NEAREST, count=_PAPER_REAL)
    seconds = time.perf_counter() - start - outside
    pairs = _MADE * _PAPER_REAL
    return {
        "name": f"ssim-search, the paper's {_MADE} x {_PAPER_REAL:,} at {_PAPER_SIZE} px, pruned",
        "unit": "pairs/s",
        "ours": round(pairs / seconds),
        "peer": peer,
        "ratio": round(pairs / seconds / peer, 1),
        "seconds": round(seconds, 1),
        "peer_hours": round(pairs / peer / 3600, 2),
        "pairs": pairs,
        "computed_share": round(found.compared, 3),
        "peak_mib": _peak_mib(),
        "images": f"{len(known)} {'drawn' if data is None else 'given'}, repeated with changes",
        "peer_is": "the loop's rate above, for so many pairs",
        "measured_on": machine(),
    }


def _vary(image: Gray, times: int) -> None:
    """Turn, mirror and shift an image in place, so that repeats of it are other images."""
    turned = np.rot90(image[:, ::-1] if times & 4 else image, times & 3)
    image[:] = np.roll(turned, (3 * (times >> 3), -5 * (times >> 3)), axis=(0, 1))


def _peak_mib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def _images(data: Path | None, count: int, size: int) -> Gray:
    """Return gray images: drawn galaxies, or the pictures below `data`, repeated to `count`."""
    if data is None:
        return np.stack([_galaxy(seed, size) for seed in range(count)])
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise SystemExit(f"--data (={data}) must hold pictures ({', '.join(sorted(_SUFFIXES))})")
    order = np.random.default_rng(0).permutation(len(files))[:count]
    images = np.empty((count, size, size), np.uint8)
    for index, file in enumerate(order):
        with Image.open(files[file]) as opened:
            images[index] = opened.convert("L").resize((size, size), Image.Resampling.LANCZOS)
    for index in range(len(order), count):
        images[index] = images[index % len(order)]
        _vary(images[index], index // len(order))
    return images


def _galaxy(seed: int, size: int) -> Gray:
    """Draw a galaxy with bulge, disk and arms, some neighbors, and correlated noise."""
    rng = np.random.default_rng([size, seed])
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    angle, ratio = rng.uniform(0, np.pi), rng.uniform(0.25, 1)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = (y * np.cos(angle) - x * np.sin(angle)) / ratio
    radius = np.hypot(along, across)
    scale = size * rng.uniform(0.04, 0.16)
    arms = 1 + rng.uniform(0, 0.6) * np.cos(
        2 * np.arctan2(across, along) - rng.uniform(2, 5) * np.log1p(radius / scale)
    )
    light = rng.uniform(40, 160) * np.exp(-radius / scale) * arms
    light += rng.uniform(20, 120) * np.exp(-np.sqrt(radius / (0.15 * scale)))
    for _ in range(rng.poisson(3)):
        left, top = rng.uniform(-size / 2, size / 2, 2)
        square = (x - left) ** 2 + (y - top) ** 2
        light += rng.uniform(20, 200) * np.exp(
            -square / (2 * (size * rng.uniform(0.006, 0.02)) ** 2)
        )
    noise = rng.normal(0, 1, (size + 1, size + 1))
    noise = (noise[1:, 1:] + noise[:-1, 1:] + noise[1:, :-1] + noise[:-1, :-1]) / 2
    sky = rng.uniform(3, 20) + rng.uniform(1.5, 5) * noise
    return np.clip(light + sky, 0, 255).astype(np.uint8)
