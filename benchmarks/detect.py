"""From file to verdict: ours against the plain way, on the same files.

The plain way opens an image with Pillow, makes it 224 pixels square, and gives it to the two
ResNet-50 of AstroSpy in float32, one at a time. Ours are `parhelion.detection.detect` with the
same network, and with the detector that ships. The network is trained here for a minute on drawn
galaxies, so that its logits spread as a trained one's do; its verdicts are then compared with
those that it gives throughout in float32. Last, the detector that ships goes through more and
more files: its cost per image and its memory should not grow.

Each measurement runs in a process of its own, and its clock starts after the first images.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._machine import machine
from benchmarks.widefield import _peak_mb

_SIDE, _DRAWN = 300, 400
_ROUNDS, _OURS, _PLAIN, _COMPARED = 3, 400, 60, 1000
_COUNTS, _LARGE = (1_000, 10_000), 100_000
_WARM = 40
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_SHIPPED = "made-detector"


def run(data: Path | None, work: Path, *, large: bool = False) -> dict[str, Any]:
    """Measure images per second on drawn files, or on the pictures below `data`.

    With `large`, 100,000 files too.
    """
    from parhelion.errors import InputError
    from parhelion.training import find_model

    model = _train(work)
    fresh = work / "fresh"
    _draw(fresh / "observed", _COMPARED // 2, seed=2, made=False)
    _draw(fresh / "made", _COMPARED // 2, seed=3, made=True)
    files = sorted(path for path in (data or fresh).rglob("*") if path.suffix in _SUFFIXES)
    if not files:
        raise SystemExit(f"--data (={data}) must hold pictures ({', '.join(_SUFFIXES)})")
    rng = np.random.default_rng(0)
    files = [files[place] for place in rng.permutation(len(files))]
    try:
        shipped: Path | None = find_model(_SHIPPED)
    except InputError:
        shipped = None
    cases = _speed(model, shipped, files, work)
    cases[0] |= _changes(model, files, work)
    counts = (*_COUNTS, _LARGE) if large else _COUNTS
    cases += _flat(shipped or model, files, work, counts if shipped else counts[:1])
    shared = {"measured_on": machine()}
    return cases[0] | shared | {"name": "detect", "cases": [case | shared for case in cases]}


def _speed(
    model: Path, shipped: Path | None, files: list[Path], work: Path
) -> list[dict[str, Any]]:
    """Return the cases of both models; the sides take turns, and the ratios' median counts."""
    models = {"paper": model} | ({"shipped": shipped} if shipped is not None else {})
    some = {count: _linked(files, work / f"some{count}", count) for count in (_OURS, _PLAIN)}
    rounds: list[dict[str, float]] = []
    for _ in range(_ROUNDS):
        plain = _child("plain", model, some[_PLAIN])["rate"]
        ours = {name: _child("auto", path, some[_OURS]) for name, path in models.items()}
        rounds.append({"plain": plain} | {name: ours[name]["rate"] for name in ours})
    return [
        {
            "name": f"detect-{name}",
            "unit": "images/s",
            "ours": round(statistics.median(each[name] for each in rounds), 1),
            "peer": round(statistics.median(each["plain"] for each in rounds), 1),
            "ratio": round(statistics.median(each[name] / each["plain"] for each in rounds), 2),
            "ratios": [round(each[name] / each["plain"], 2) for each in rounds],
            "precision": ours[name]["precision"],
            "peer_is": "Pillow, one image at a time, the paper's two ResNet-50 in eager float32",
        }
        for name in models
    ]


def _changes(model: Path, files: list[Path], work: Path) -> dict[str, Any]:
    """Return how many verdicts differ from those of the same network in float32."""
    folder = _linked(files, work / "compared", _COMPARED)
    quick, exact = (_child(precision, model, folder) for precision in ("auto", "fp32"))
    words = exact["verdicts"]
    pairs = list(zip(quick["verdicts"], words, strict=True))
    known = json.loads((model / "model.json").read_text())["lower"]
    return {
        "verdicts": len(pairs),
        "changed": sum(ours != theirs for ours, theirs in pairs),
        "changed_share": sum(ours != theirs for ours, theirs in pairs) / len(pairs),
        "verdicts_in_fp32": {word: words.count(word) for word in sorted(set(words))},
        "fp32_images_per_second": round(exact["rate"], 1),
        "computed_again": known.get(quick["precision"], {}).get("again"),
        "margin_in_logits": known.get(quick["precision"], {}).get("margin"),
        "spread_of_logits": round(float(np.std(exact["logits"])), 3),
    }


def _flat(
    model: Path, files: list[Path], work: Path, counts: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Return milliseconds per image and memory for more and more files; the peer is the least."""
    cases: list[dict[str, Any]] = []
    for count in counts:
        folder = _linked(files, work / f"flat{count}", count)
        found = _child("count", model, folder)
        shutil.rmtree(folder)
        cost = 1000 / found["rate"]
        least = cases[0]["ours"] if cases else round(cost, 3)
        cases.append(
            {
                "name": f"detect-{count}",
                "unit": "ms/image",
                "ours": round(cost, 3),
                "peer": least,
                "ratio": round(least / cost, 3),
                "mb": round(found["mb"]),
                "peer_is": f"ours, {counts[0]} files",
            }
        )
    return cases


def _train(work: Path) -> Path:
    """Train the paper's two ResNet-50 at 224 pixels, briefly, on drawn galaxies."""
    from parhelion.catalog import IngestSettings, SplitSettings, ingest, split
    from parhelion.detection import DetectorSettings, train_detector

    catalogs = []
    for made in (False, True):
        drawn = work / f"drawn{made:d}"
        _draw(drawn, _DRAWN, seed=made, made=made)
        catalogs.append(
            ingest(
                [drawn],
                work / f"catalog{made:d}",
                IngestSettings(origin="gan" if made else "observed", near_duplicates=False),
            )
        )
    roots = [catalog.root for catalog in catalogs]
    split(roots, SplitSettings(train=0.5, validation=0.4, test=0.1))
    settings = DetectorSettings(
        images=640,
        batch=16,
        learning_rate=1e-3,
        ema_half_life=1,
        augment_probability=0,
        validate_every=640,
        log_every=160,
        device="cpu",
    )
    return train_detector(roots, work / "model", settings)


def _draw(folder: Path, count: int, *, seed: int, made: bool) -> None:
    """Draw galaxies on noisy sky as JPEG; a made one has noise without the finest detail."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng([seed, made])
    y, x = np.mgrid[:_SIDE, :_SIDE] - (_SIDE - 1) / 2
    for number in range(count):
        angle, flat, scale = rng.uniform(0, np.pi), rng.uniform(0.3, 1), rng.uniform(12, 45)
        along = x * np.cos(angle) + y * np.sin(angle)
        across = (y * np.cos(angle) - x * np.sin(angle)) / flat
        light = rng.uniform(80, 220) * np.exp(-np.hypot(along, across) / scale)
        noise = rng.normal(0, rng.uniform(4, 10), (_SIDE, _SIDE))
        if made:
            small = Image.fromarray(noise[::2, ::2].astype(np.float32))
            noise = np.asarray(small.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))
        pixels = light[..., None] * rng.uniform(0.5, 1, 3) + 25 + noise[..., None]
        picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        picture.save(folder / f"{number:05d}.jpg", quality=90)


def _linked(files: list[Path], folder: Path, count: int) -> Path:
    """Return a folder with `count` hard links to the files, over and over, 1,000 to a folder."""
    for number in range(count):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}{files[0].suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        source = files[number % len(files)]
        if source.stat().st_dev == path.parent.stat().st_dev:
            os.link(source, path)
        else:
            shutil.copyfile(source, path)
    return folder


def _child(how: str, model: Path, folder: Path) -> dict[str, Any]:
    """Judge the files of a folder in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.detect", how, str(model), str(folder)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    if done.returncode:
        raise SystemExit(f"benchmark child {how} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _ours(how: str, model: Path, folder: Path) -> dict[str, Any]:
    """Return rate, memory and verdicts of `parhelion.detection.detect`."""
    from parhelion.detection import detect, load_detector

    precision = "auto" if how == "count" else how
    detector = load_detector(model, device="cpu", precision=precision)
    words, logits = [], []
    count = 0
    for verdict in detect(folder, detector):
        count += 1
        if count == _WARM:
            start = time.perf_counter()
        if how != "count":
            words.append(verdict.verdict)
            logits.append(verdict.logit)
    seconds = time.perf_counter() - start
    return {
        "rate": (count - _WARM) / seconds,
        "mb": _peak_mb(),
        "precision": detector.precision,
        "verdicts": words,
        "logits": logits,
    }


def _plain(model: Path, folder: Path) -> dict[str, Any]:
    """Return the rate of Pillow and of the network in eager float32, one image at a time."""
    import torch

    from parhelion.detection import load_detector
    from parhelion.training import to_model

    detector = load_detector(model, device="cpu", precision="fp32")
    network = detector.network.to(memory_format=torch.contiguous_format)
    size = detector.settings.image_size
    files = sorted(folder.rglob("*.*"))
    made = 0
    for number, path in enumerate(files):
        if number == len(files) // 10:
            start = time.perf_counter()
        with Image.open(path) as image:
            picture = image.convert("RGB").resize((size, size))
        with torch.inference_mode():
            pixels = to_model(np.array(picture)[None]).contiguous()
            made += bool(network(pixels).sigmoid() > 0.5)
    rate = (len(files) - len(files) // 10) / (time.perf_counter() - start)
    return {"rate": rate, "made": made}


if __name__ == "__main__":
    _how, _model, _folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps(_plain(_model, _folder) if _how == "plain" else _ours(_how, _model, _folder)))
