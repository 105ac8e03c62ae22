"""A small diffusion model: images from noise, and real images taken halfway to noise and back."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from fitting import half, seeded
from pixels import Pixels, Real, Row, derived, samples
from torch.nn import functional as F
from tqdm import tqdm

from parhelion.catalog import resize
from parhelion.training import Ema, to_model, to_pixels

_SIZE, _BATCH, _TIMES = 64, 16, 1000
_STEPS = 30
#: How far towards noise a real image is taken (Meng et al. 2022, SDEdit).
_STRENGTHS = (0.15, 0.3, 0.45)


def diffusion(real: Real, out: Path) -> Iterator[Row]:
    """Train it, draw 500 galaxies from noise and make variations of 600 real images."""
    network = seeded(_network, 51)
    ema = Ema(network, 5_000)
    ours = torch.optim.AdamW(network.parameters(), 4e-4)
    forth = DDPMScheduler(_TIMES, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    images, numbers = real.galaxies(_SIZE), torch.Generator().manual_seed(52)
    for step in tqdm(range(real.steps(1500)), desc="diffusion", mininterval=5):
        batch = to_model(images[torch.randint(len(images), (_BATCH,), generator=numbers).numpy()])
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
    network = ema.model.eval()

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
            skipped = _STEPS - round(strength * _STEPS)
            noise = torch.randn(batch.shape, generator=numbers)
            back = _back(network, forth, noise, skipped, batch)
            yield from zip((row for row, _ in part), back, strict=True)

    recipe = {"model": "diffusion", "steps": _STEPS}
    yield from samples(out, drawn(), {"operation": "generate", **recipe}, "diffusion")
    recipe["strengths"] = list(_STRENGTHS)
    yield from derived(out, varied(), {"operation": "vary", **recipe}, "image_to_image")


def _network() -> UNet2DModel:
    return UNet2DModel(
        sample_size=_SIZE,
        layers_per_block=1,
        block_out_channels=(24, 32, 48, 64),
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"),
    )


def _back(
    network: UNet2DModel,
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
