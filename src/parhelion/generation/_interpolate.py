"""A walk through latent space, as GIF or MP4."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._settings import require
from parhelion.generation._sample import load_sampler, seed_latent
from parhelion.generation._settings import InterpolateSettings
from parhelion.provenance import write_animation


def interpolate(
    model: Path | str,
    seeds: Sequence[int],
    out: Path | str,
    settings: InterpolateSettings | None = None,
) -> Path:
    """Write a film that walks from seed to seed and back to the first.

    Parameters
    ----------
    model : Path
        The generator's folder.
    seeds : sequence of int
        Seeds to visit in turn, at least two.
    out : Path
        File to write, .gif or .mp4.
    settings : InterpolateSettings, optional
        Frames, speed and size.

    Returns
    -------
    path : Path
        The file, marked as made.

    Raises
    ------
    ModelError, SettingsError, InputError
        If there is no generator, the class is unknown, or the suffix is another.
    """
    settings = settings or InterpolateSettings()
    require(len(seeds) >= 2 and min(seeds) >= 0, "seeds", list(seeds), "be two or more, from 0 up")
    sampler = load_sampler(model)
    stops = [seed_latent(seed, sampler.latent) for seed in seeds]
    latents = torch.stack(
        [
            slerp(here, there, step / settings.frames)
            for here, there in zip(stops, [*stops[1:], stops[0]], strict=True)
            for step in range(settings.frames)
        ]
    )
    classes = sampler.classes(seeds[:1], label=settings.label, source=settings.source)
    scale = settings.scale
    frames = [
        np.repeat(np.repeat(_color(pixels), scale, axis=0), scale, axis=1)
        for pixels in sampler.decode(latents, classes * len(latents))
    ]
    recipe = {
        "operation": "interpolate",
        "model_id": sampler.model_id,
        "seeds": list(seeds),
        "frames": settings.frames,
        "label": settings.label,
        "source": settings.source,
    }
    path = Path(out)
    write_animation(
        path, frames, recipe=recipe, made=True, frames_per_second=settings.frames_per_second
    )
    return path


def slerp(here: Tensor, there: Tensor, t: float) -> Tensor:
    """Spherical interpolation: stays as far from the origin as Gaussian latents lie.

    Parameters
    ----------
    here, there : Tensor
        ``(latent,)`` float32 end points.
    t : float
        0 at `here`, 1 at `there`.
    """
    cosine = torch.dot(here, there) / (here.norm() * there.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    if angle.sin() < 1e-4:  # parallel: the formula below would divide by nothing
        return (1 - t) * here + t * there
    return (torch.sin((1 - t) * angle) * here + torch.sin(t * angle) * there) / torch.sin(angle)


def _color(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
