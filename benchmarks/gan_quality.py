"""Quality per image seen: the Lightweight GAN's kernel distance (KID), against the peer's.

The peer is `lightweight-gan` 1.2.1 with its own `Trainer.train`. Both learn from the same real
images at 64 pixels, in the same order, in the same batches, with the same channels in every
feature map (``fmap_max`` 128 and ``fmap_inverse_coef`` 10 for the peer: 2.1 M generator
parameters), from three seeds each. Ours has the settings of the narrow recipe, the peer its
defaults; both augment with probability 1/4. The distance is to real images that neither has seen,
at equal counts, under one feature network for all.

The peer shows its current weights at such an early stage, ours its averaged ones. The peer's are
averaged here too, as ours are, and the better of its two figures counts.

What the environment sets:

GAN_QUALITY_IMAGES
    Images that each run sees (800: some 25 minutes on two quiet cores, nearly all of it the
    peer's); a quarter and a half of them are scored as well.
GAN_QUALITY_KEEP
    Folder that keeps what each run made, so that a stopped measurement goes on.
GAN_QUALITY_FEATURES
    Weights of a feature network, as for ``parhelion measure generator --features``; without it
    a network is trained on the real images.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks._machine import machine
from benchmarks._peer_gan import need_peer, peer_trainer
from benchmarks.ingest import _draw
from parhelion._cores import cores
from parhelion.catalog import ingest, load_pixels, split
from parhelion.generation import GanSettings
from parhelion.measurement import Distance, kernel_distance, load_features, train_features

_SIZE, _BATCH, _SEEDS = 64, 8, 3
_SETTINGS = GanSettings(
    image_size=_SIZE,
    width=32,
    discriminator_width=16,
    max_channels=128,
    latent=128,
    batch=_BATCH,
    discriminator_pace=5.0,
    precision="fp32",
    device="cpu",
)
#: Student's t of a 95 % interval with two degrees of freedom.
_T = 4.303


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Train both from three seeds on the pictures below `data`, or on drawn ones, and score."""
    need_peer()
    images = int(os.environ.get("GAN_QUALITY_IMAGES", "800"))
    if images < 4 * _BATCH:
        raise SystemExit(f"GAN_QUALITY_IMAGES (={images}) must be at least {4 * _BATCH}")
    keep = Path(os.environ.get("GAN_QUALITY_KEEP", work))
    keep.mkdir(parents=True, exist_ok=True)
    if data is None:
        data = work / "drawn"
        _draw(data)
    ingest([data], work / "catalog")
    (catalog,) = split([work / "catalog"])
    # The longest runs first, and each on a core of its own.
    jobs = [(name, seed) for name in ("peer", "ours") for seed in range(_SEEDS)]
    np.save(keep / "train.npy", load_pixels(catalog.select(split="train"), _SIZE))
    held_out = load_pixels(catalog.select(split="test"), _SIZE)
    with ThreadPoolExecutor(cores()) as pool:
        for running in [
            pool.submit(_child, name, seed, images, len(held_out), keep) for name, seed in jobs
        ]:
            running.result()

    given = os.environ.get("GAN_QUALITY_FEATURES")
    train = np.load(keep / "train.npy")
    network = load_features(Path(given)) if given else train_features(train)
    features = network(held_out)

    def distances(name: str, milestone: str) -> list[Distance]:
        return [
            kernel_distance(network(_made(keep, name, seed, images)[milestone]), features)
            for seed in range(_SEEDS)
        ]

    cases = []
    for milestone in _milestones(images):
        ours = distances("ours", str(milestone))
        peers = {
            weights: distances("peer", f"{milestone}{suffix}")
            for weights, suffix in (("current", ""), ("averaged", "-averaged"))
        }
        best = min(peers, key=lambda weights: _mean(peers[weights]))
        cases.append(
            {
                "name": f"gan-quality after {milestone} images",
                "unit": "KID (less is better)",
                "ours": _mean(ours),
                "peer": _mean(peers[best]),
                "ratio": round(_mean(peers[best]) / _mean(ours), 3),
                "ours_interval": _interval(ours),
                "peer_interval": _interval(peers[best]),
                "ours_seeds": [_figures(distance) for distance in ours],
                **{
                    f"peer_{weights}_seeds": [_figures(distance) for distance in found]
                    for weights, found in peers.items()
                },
                "measured_on": machine(),
            }
        )
    return {
        **cases[-1],
        "name": "gan-quality",
        "images_seen": images,
        "held_out": len(held_out),
        "features": network.name,
        "parameters": {name: json.loads((keep / f"{name}.json").read_text()) for name, _ in jobs},
        "cases": cases,
    }


def _milestones(images: int) -> list[int]:
    """Return the image counts at which both are scored: whole batches near 1/4, 1/2 and 1."""
    return [images // parts // _BATCH * _BATCH for parts in (4, 2, 1)]


def _mean(distances: list[Distance]) -> float:
    return round(statistics.mean(distance.value for distance in distances), 5)


def _interval(distances: list[Distance]) -> list[float]:
    """Return the 95 % interval of the mean over seeds."""
    values = [distance.value for distance in distances]
    half = _T * statistics.stdev(values) / len(values) ** 0.5
    return [round(_mean(distances) - half, 5), round(_mean(distances) + half, 5)]


def _figures(distance: Distance) -> list[float]:
    """Return one seed's value and the interval over images."""
    return [round(number, 5) for number in (distance.value, *distance.interval)]


def _file(keep: Path, name: str, seed: int, images: int) -> Path:
    return keep / f"{name}-{seed}-{images}.npz"


def _made(keep: Path, name: str, seed: int, images: int) -> dict[str, NDArray[np.uint8]]:
    with np.load(_file(keep, name, seed, images)) as arrays:
        return dict(arrays)


def _child(name: str, seed: int, images: int, count: int, keep: Path) -> None:
    """Train in a process of its own, on one thread, unless what it made is kept."""
    if not _file(keep, name, seed, images).exists():
        command = [sys.executable, "-m", "benchmarks.gan_quality", name]
        numbers = [str(number) for number in (seed, images, count)]
        subprocess.run(
            [*command, *numbers, keep], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )


def _contend(name: str, seed: int, images: int, count: int, keep: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    random.seed(seed)
    train = torch.from_numpy(np.load(keep / "train.npy"))
    step, sample, parameters = {"peer": _peer, "ours": _ours}[name](seed, train)
    (keep / f"{name}.json").write_text(json.dumps(parameters))
    made: dict[str, NDArray[np.uint8]] = {}
    for seen in range(0, max(_milestones(images)), _BATCH):
        step(seen)
        if seen + _BATCH in _milestones(images):
            found = sample(count)
            made |= {f"{seen + _BATCH}{suffix}": pixels for suffix, pixels in found.items()}
    path = _file(keep, name, seed, images)
    partial = path.with_suffix(".part.npz")
    np.savez(partial, **made)  # type: ignore[arg-type]
    partial.replace(path)


_Contender = tuple[
    Callable[[int], None], Callable[[int], dict[str, NDArray[np.uint8]]], dict[str, int]
]


def _ours(seed: int, train: torch.Tensor) -> _Contender:
    from dataclasses import replace

    from parhelion.generation._augment import Draws
    from parhelion.generation._networks import parameter_count
    from parhelion.generation._players import make_players
    from parhelion.generation._players import step as take_step
    from parhelion.training import data_order, make_fabric, step_generator, to_model, to_pixels

    settings = replace(_SETTINGS, seed=seed)
    players = make_players(settings, (), make_fabric("cpu", "fp32"))

    def step(seen: int) -> None:
        order = torch.from_numpy(data_order(len(train), seen, _BATCH, seed))
        draws = Draws(step_generator(seed, seen))
        penalize = (seen // _BATCH) % settings.penalty_every == 0
        take_step(players, to_model(train[order]), None, draws, settings, penalize=penalize)
        players.ema.update(players.generator.module, seen + _BATCH, _BATCH)

    def sample(count: int) -> dict[str, NDArray[np.uint8]]:
        return {"": _sample(players.ema.model, players.length, count, to_pixels)}

    return (
        step,
        sample,
        {
            "generator": parameter_count(players.generator),
            "discriminator": parameter_count(players.judge),
        },
    )


def _peer(seed: int, train: torch.Tensor) -> _Contender:
    from parhelion.training import Ema, data_order, to_pixels

    def batches() -> Iterator[torch.Tensor]:
        seen = 0
        while True:
            order = torch.from_numpy(data_order(len(train), seen, _BATCH, seed))
            yield train[order].permute(0, 3, 1, 2).float() / 255
            seen += _BATCH

    trainer = peer_trainer(
        Path(tempfile.mkdtemp()),
        batches(),
        image_size=_SIZE,
        batch_size=_BATCH,
        aug_prob=_SETTINGS.augment_probability,
        latent_dim=_SETTINGS.latent,
        fmap_max=_SETTINGS.max_channels,
        fmap_inverse_coef=10,
    )
    ema = Ema(trainer.GAN.G, _SETTINGS.ema_half_life)

    def step(seen: int) -> None:
        trainer.train()
        ema.update(trainer.GAN.G, seen + _BATCH, _BATCH)

    def sample(count: int) -> dict[str, NDArray[np.uint8]]:
        def pixels(images: torch.Tensor) -> NDArray[np.uint8]:
            return to_pixels(images * 2 - 1)

        current = trainer.GAN.G.eval()
        found = {
            "": _sample(current, _SETTINGS.latent, count, pixels),
            "-averaged": _sample(ema.model, _SETTINGS.latent, count, pixels),
        }
        current.train()
        return found

    networks = {"generator": trainer.GAN.G, "discriminator": trainer.GAN.D}
    return step, sample, {k: sum(p.numel() for p in v.parameters()) for k, v in networks.items()}


@torch.inference_mode()
def _sample(
    generator: torch.nn.Module,
    latent: int,
    count: int,
    pixels: Callable[[torch.Tensor], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Draw `count` images from latents that are the same for all."""
    latents = torch.randn(count, latent, generator=torch.Generator().manual_seed(0))
    return np.concatenate([pixels(generator(part)) for part in latents.split(64)])


if __name__ == "__main__":
    contender, start, length, number, folder = sys.argv[1:]
    _contend(contender, int(start), int(length), int(number), Path(folder))
