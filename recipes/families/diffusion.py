"""Small diffusion models: images from noise, and real images taken part of the way and back."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from fitting import half, seeded
from pixels import Pixels, Real, Row, crops, derived, samples, whole
from torch.nn import functional as F
from tqdm import tqdm

from parhelion.catalog import resize
from parhelion.training import Ema, to_model, to_pixels

_SIZE, _BATCH, _TIMES = 64, 16, 1000
_STEPS = 30
_LARGEST = 256  # pixels to a side of what is varied at its own scale
#: How far towards noise a real image is taken (Meng et al. 2022, SDEdit): less at its own size.
_STRENGTHS = (0.15, 0.3, 0.45)
_NATIVE_STRENGTHS = (0.1, 0.2, 0.3)


def diffusion(real: Real, out: Path) -> Iterator[Row]:
    """Draw 500 galaxies from noise and make variations of 600 real images, at 64 pixels."""
    images, numbers = real.galaxies(_SIZE), torch.Generator().manual_seed(52)

    def batches() -> Iterator[Pixels]:
        while True:
            yield images[torch.randint(len(images), (_BATCH,), generator=numbers).numpy()]

    network, forth = _trained(batches(), real.steps(1500), numbers, "AttnDownBlock2D")

    def drawn() -> Iterator[Pixels]:
        for count in real.counts(500):
            noise = torch.randn(count, 3, _SIZE, _SIZE, generator=numbers)
            yield from _back(network, forth, noise, 0)

    def varied() -> Iterator[tuple[Row, Pixels]]:
        chosen = real.some(600, 53)
        for start in range(0, len(chosen), 50):
            part = chosen[start : start + 50]
            batch = to_model(np.stack([resize(pixels, _SIZE) for _, pixels in part]))
            strength = _STRENGTHS[start // 50 % len(_STRENGTHS)]
            back = _varied(network, forth, batch, strength, numbers)
            yield from zip((row for row, _ in part), back, strict=True)

    recipe = {"model": "diffusion", "steps": _STEPS}
    yield from samples(out, drawn(), {"operation": "generate", **recipe}, "diffusion")
    recipe["strengths"] = list(_STRENGTHS)
    yield from derived(out, varied(), {"operation": "vary", **recipe}, "image_to_image")


def native_diffusion(real: Real, out: Path) -> Iterator[Row]:
    """Make variations of 400 real images at their own scale, by a network that saw crops of them.

    Of large images the middle: each step costs what the number of pixels does.
    """
    numbers = torch.Generator().manual_seed(56)
    learned = crops(real.train, _SIZE, _BATCH, 55)
    network, forth = _trained(learned, real.steps(1000), numbers, "DownBlock2D")

    def again(pixels: Pixels, strength: float) -> Pixels:
        return _varied(network, forth, to_model(pixels[None]), strength, numbers)[0]

    def varied() -> Iterator[tuple[Row, Pixels]]:
        for number, (source, pixels) in enumerate(real.some(400, 57)):
            strength = _NATIVE_STRENGTHS[number % len(_NATIVE_STRENGTHS)]
            yield source, whole(_middle(pixels), 8, partial(again, strength=strength))

    recipe = {"operation": "vary", "model": "native diffusion", "steps": _STEPS}
    recipe["strengths"] = list(_NATIVE_STRENGTHS)
    return derived(out, varied(), recipe, "image_to_image")


def _middle(pixels: Pixels) -> Pixels:
    top, left = (max(0, n - _LARGEST) // 2 for n in pixels.shape[:2])
    return pixels[top : top + _LARGEST, left : left + _LARGEST]


def _trained(
    batches: Iterator[Pixels], steps: int, numbers: torch.Generator, deepest: str
) -> tuple[torch.nn.Module, DDPMScheduler]:
    """Teach a small U-Net the velocity of noised images (Salimans & Ho 2022)."""
    network = seeded(lambda: _network(deepest), 51)
    ema = Ema(network, 5_000)
    ours = torch.optim.AdamW(network.parameters(), 4e-4)
    forth = DDPMScheduler(_TIMES, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    for step in tqdm(range(steps), desc="diffusion", mininterval=5):
        batch = to_model(next(batches))
        noise = torch.randn(batch.shape, generator=numbers)
        times = torch.randint(_TIMES, (_BATCH,), generator=numbers)
        with half():
            said = network(forth.add_noise(batch, noise, times), times).sample.float()
        loss = F.mse_loss(said, forth.get_velocity(batch, noise, times))
        ours.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        ours.step()
        ema.update(network, (step + 1) * _BATCH, _BATCH)
    return ema.model.eval(), forth


def _network(deepest: str) -> UNet2DModel:
    return UNet2DModel(
        sample_size=_SIZE,
        layers_per_block=1,
        block_out_channels=(24, 32, 48, 64),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D", "DownBlock2D", deepest),
        up_block_types=(deepest.replace("Down", "Up"), "UpBlock2D", "UpBlock2D", "UpBlock2D"),
        # Attention would tie the size of what is drawn to that of what was seen.
        add_attention=deepest.startswith("Attn"),
    )


def _varied(
    network: torch.nn.Module,
    forth: DDPMScheduler,
    images: torch.Tensor,
    strength: float,
    numbers: torch.Generator,
) -> Pixels:
    """Take images part of the way to noise and back."""
    noise = torch.randn(images.shape, generator=numbers)
    return _back(network, forth, noise, _STEPS - round(strength * _STEPS), images)


def _back(
    network: torch.nn.Module,
    forth: DDPMScheduler,
    noise: torch.Tensor,
    skipped: int,
    images: torch.Tensor | None = None,
) -> Pixels:
    """Take noise, or images with noise on them, back to images."""
    back = DDIMScheduler.from_config(forth.config)
    back.set_timesteps(_STEPS)
    times = back.timesteps[skipped:]
    x = noise if images is None else forth.add_noise(images, noise, times[:1].expand(len(noise)))
    with torch.inference_mode(), half():
        for time in times:
            x = back.step(network(x, time).sample.float(), time, x).prev_sample
    return to_pixels(x)
