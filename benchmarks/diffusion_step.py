"""Training steps of the diffusion model: images per second, against diffusers' own attention.

Both are the same U-Net, at its default size on pixels and at that of `bodies-64` on maps, in
bfloat16 where the hardware has it, and take the same steps: noise, loss, gradients, Adam, averaged
weights. Ours takes attention over few places as plain products of matrices; the peer as diffusers
sets it up, PyTorch's attention in blocks. They take turns, after one round that is not timed.
"""

import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks._machine import machine
from parhelion._cores import cores
from parhelion._settings import settings_from_dict
from parhelion.generation import DiffusionSettings
from parhelion.generation._diffusion import DiffusionNetwork, loss_of
from parhelion.training import Ema, make_fabric, step_generator

_CLASSES = 7
_RECIPE = Path(__file__).parents[1] / "recipes" / "bodies-64.toml"
_ROUNDS = 4
_STEPS = 4


def run(data: Path | None, work: Path) -> dict[str, Any]:
    """Measure both, in pixels and in an autoencoder's maps; what images show does not matter."""
    torch.set_num_threads(cores())
    latent = tomllib.loads(_RECIPE.read_text())["train"]["diffusion"]
    named = {
        "64 px": DiffusionSettings(image_size=64),
        "maps of 16 px": settings_from_dict(DiffusionSettings, latent, where=str(_RECIPE)),
    }
    cases = [_case(name, settings) for name, settings in named.items()]
    return {**cases[0], "name": "diffusion-step", "threads": cores(), "cases": cases}


def _case(name: str, settings: DiffusionSettings) -> dict[str, Any]:
    steps = {"ours": _step(settings, blocks=False), "peer": _step(settings, blocks=True)}
    spent = dict.fromkeys(steps, 0.0)
    for turn in range(_ROUNDS + 1):
        for contender, step in steps.items():
            start = time.perf_counter()
            for number in range(_STEPS):
                step(number)
            if turn:
                spent[contender] += time.perf_counter() - start
    shown = _ROUNDS * _STEPS * settings.batch
    rates = {contender: shown / seconds for contender, seconds in spent.items()}
    return {
        "name": f"diffusion-step, {name}, batch {settings.batch}",
        "unit": "images/s",
        **{contender: round(rate, 2) for contender, rate in rates.items()},
        "ratio": round(rates["ours"] / rates["peer"], 2),
        "measured_on": torch.cuda.get_device_name() if torch.cuda.is_available() else machine(),
    }


def _step(settings: DiffusionSettings, *, blocks: bool) -> Callable[[int], None]:
    from diffusers.models.attention_processor import Attention, AttnProcessor2_0

    in_blocks: Any = AttnProcessor2_0
    torch.manual_seed(0)
    fabric = make_fabric("auto", "auto")
    network = DiffusionNetwork(settings, _CLASSES).to(memory_format=torch.channels_last)
    if blocks:
        for layer in network.unet.modules():
            if isinstance(layer, Attention):
                layer.set_processor(in_blocks())
    ema = Ema(network, settings.ema_half_life)
    ema.model.to(fabric.device)
    optimizer: Any = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    model, optimizer = fabric.setup(network, optimizer)
    images = torch.randn(settings.batch, *settings.map_shape).to(fabric.device) / 2
    labels = torch.arange(settings.batch, device=fabric.device) % _CLASSES

    def step(number: int) -> None:
        numbers = step_generator(0, number)
        loss = loss_of(model, images, labels, _CLASSES, settings, numbers)
        fabric.backward(loss)
        fabric.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(network, number * settings.batch, settings.batch)
        loss.item()

    return step
