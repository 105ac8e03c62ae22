"""Training steps of the Lightweight GAN: images per second and peak memory, against the peer's.

The peer is `lightweight-gan` 1.2.1 with its own `Trainer.train`, at its defaults (no blur, no
attention layers), in float32; with a GPU, its ``amp``. Ours is `parhelion train gan`'s step in
float32 and in bfloat16. Each runs in a process of its own, so that its peak memory is its own.

What is the same: image size, batch, channels of every feature map (the parameters are printed),
hinge losses at two scales, reconstruction loss, gradient penalty at real and made images every
fourth step, Adam, translation and cutout with probability 1/4, threads. Whole cycles of four
steps are timed, after one step that is not.

What differs: the peer convolves with 4 x 4 kernels after a pixel shuffle, ours with 3 x 3 after
repeating pixels; the peer looks at a 32 x 32 image with two attention layers, ours with
convolutions alone; the peer reconstructs a quarter from 512 pixels on, ours always; the peer
draws made images twice a step, ours once; the peer averages its weights rarely, ours every step.
"""

import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks._machine import machine
from benchmarks._peer_gan import need_peer, peer_trainer
from parhelion._cores import cores
from parhelion.generation import GanSettings

_SIZES = ((128, 16), (64, 8))
_CYCLE = 4
_CYCLES = {"peer": 1, "ours": 2}


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure each contender; images are drawn, since what they show does not matter here."""
    need_peer()
    cases = []
    for size, batch in _SIZES:
        measured = {
            name: _child(name, size, batch, work) for name in ("ours-fp32", "ours-bf16", "peer")
        }
        peer = measured["peer"]
        for precision in ("bf16", "fp32"):
            ours = measured[f"ours-{precision}"]
            cases.append(
                {
                    "name": f"gan-step, {size} px, batch {batch}, {precision}",
                    "unit": "images/s",
                    "ours": ours["rate"],
                    "peer": peer["rate"],
                    "ratio": round(ours["rate"] / peer["rate"], 2),
                    "ours_peak_mb": ours["peak_mb"],
                    "peer_peak_mb": peer["peak_mb"],
                    "ours_parameters": ours["parameters"],
                    "peer_parameters": peer["parameters"],
                    "measured_on": peer["measured_on"],
                }
            )
    return {**cases[0], "name": "gan-step", "threads": cores(), "cases": cases}


def _child(name: str, size: int, batch: int, work: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.gan_step", name, str(size), str(batch), str(work)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _contend(name: str, size: int, batch: int, work: Path) -> dict[str, Any]:
    torch.set_num_threads(cores())
    torch.manual_seed(0)
    gpu = torch.cuda.is_available()
    make = _peer if name == "peer" else _ours
    step, parameters = make(name, size, batch, work, gpu)
    step(0)
    steps = _CYCLE * _CYCLES[name[:4]] * (10 if gpu else 1)
    _wait(gpu)
    start = time.perf_counter()
    for number in range(1, steps + 1):
        step(number)
    _wait(gpu)
    rate = steps * batch / (time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated() if gpu else _resident()
    return {
        "rate": round(rate, 3),
        "peak_mb": round(peak / 1e6),
        "parameters": parameters,
        "measured_on": f"{torch.cuda.get_device_name()}, peer with amp" if gpu else machine(),
    }


def _wait(gpu: bool) -> None:
    if gpu:
        torch.cuda.synchronize()


def _resident() -> int:
    """Return the most memory this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _peer(
    name: str, size: int, batch: int, work: Path, gpu: bool
) -> tuple[Callable[[int], None], list[int]]:
    images = itertools.repeat(torch.rand(batch, 3, size, size))
    folder = Path(tempfile.mkdtemp(dir=work))
    trainer = peer_trainer(
        folder, images, gpu=gpu, amp=gpu, image_size=size, batch_size=batch, aug_prob=0.25
    )

    def step(number: int) -> None:
        trainer.steps = _CYCLE + number  # its very first steps copy the averaged weights
        trainer.train()

    networks = (trainer.GAN.G, trainer.GAN.D)
    return step, [sum(p.numel() for p in network.parameters()) for network in networks]


def _ours(
    name: str, size: int, batch: int, work: Path, gpu: bool
) -> tuple[Callable[[int], None], list[int]]:
    from parhelion.generation._augment import Draws
    from parhelion.generation._networks import parameter_count
    from parhelion.generation._players import make_players
    from parhelion.generation._players import step as take_step
    from parhelion.training import make_fabric, step_generator, to_model

    settings = GanSettings(
        image_size=size,
        width=8192 // size,
        discriminator_width=4096 // size,
        max_channels=512,
        latent=256,
        batch=batch,
        penalty_every=_CYCLE,
        penalize_made=True,
        augmentations=("translation", "cutout"),
        dihedral=False,
        precision="fp32" if name.endswith("fp32") else "bf16",
    )
    fabric = make_fabric("cuda" if gpu else "cpu", settings.precision)
    players = make_players(settings, (), fabric)
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)

    def step(number: int) -> None:
        draws = Draws(step_generator(0, number))
        real = to_model(pixels, fabric.device)
        penalize = number % _CYCLE == 0
        take_step(players, real, None, draws, settings, penalize=penalize)
        players.ema.update(players.generator.module, number * batch, batch)

    return step, [parameter_count(players.generator), parameter_count(players.judge)]


if __name__ == "__main__":
    contender, side, count, folder = sys.argv[1:]
    print(json.dumps(_contend(contender, int(side), int(count), Path(folder))))
