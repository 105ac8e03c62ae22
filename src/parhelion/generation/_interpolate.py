"""A walk through latent space, and from class to class: as a film, or as a strip of frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._settings import require
from parhelion.errors import InputError
from parhelion.generation._layout import PICTURES
from parhelion.generation._sample import load_sampler
from parhelion.generation._settings import InterpolateSettings
from parhelion.provenance import write_animation, write_image
from parhelion.training import grid

_FILMS = (".gif", ".mp4")

T = TypeVar("T")


def interpolate(
    model: Path | str,
    seeds: Sequence[int],
    out: Path | str,
    settings: InterpolateSettings | None = None,
    *,
    labels: Sequence[str] = (),
    sources: Sequence[str] = (),
) -> Path:
    """Write a walk from stop to stop through latent space.

    A stop is a seed and its classes; there the walk shows the very image that `generate` draws.
    Between stops the latent vector moves along the sphere (see `slerp`) and the classes along
    the straight line between their embeddings.

    Parameters
    ----------
    model : Path or str
        The generator's folder, or the name of one that ships.
    seeds : sequence of int
        Seed of each stop, or one for all stops.
    out : Path
        File to write: .gif or .mp4 for a film; .png, .jpg, .webp or .tif for a strip, which has
        a row of frames from each stop to the next, both included.
    settings : InterpolateSettings, optional
        Frames, speed and size.
    labels, sources : sequence of str, optional
        Class and survey of each stop, or one for all stops, for a conditional model. What is not
        given is drawn by the first seed and kept, see `GanSampler.steady_classes`.

    Returns
    -------
    path : Path
        The file, marked as made.

    Raises
    ------
    ModelError, SettingsError, InputError
        If there is no generator, a class is unknown, there are fewer than two stops, or the
        suffix is another.
    """
    settings = settings or InterpolateSettings()
    path = Path(out)
    suffix = path.suffix.lower()
    if suffix not in (*_FILMS, *PICTURES):
        raise InputError(
            f"cannot write {path}: its suffix must be .gif or .mp4 for a film, or one of "
            f"{', '.join(PICTURES)} for a strip"
        )
    strip = suffix in PICTURES
    frames = settings.frames or (8 if strip else 24)
    require(frames >= 2 or not strip, "frames", frames, "be at least 2 in a strip")
    require(len(seeds) >= 1 and min(seeds) >= 0, "seeds", list(seeds), "be one or more, from 0 up")
    count = max(len(seeds), len(labels), len(sources))
    stops = _each(seeds, count, "seeds")
    wanted = [
        {"label": label, "source": source}
        for label, source in zip(
            _each(labels or [None], count, "labels"),
            _each(sources or [None], count, "sources"),
            strict=True,
        )
    ]
    require(count >= 2, "seeds", stops, "be two or more, or --labels or --sources must be")
    sampler = load_sampler(model, settings.device)
    classes = sampler.steady_classes(stops[0], wanted)
    loop = settings.loop if settings.loop is not None else not strip
    points = walk(
        sampler.latents(stops, settings.truncation),
        sampler.embed(classes),
        frames,
        loop=loop,
        ease=settings.ease,
        whole=strip,
    )
    pictures = [
        np.repeat(np.repeat(_color(pixels), settings.scale, axis=0), settings.scale, axis=1)
        for pixels in sampler.decode(points)
    ]
    named = [sampler.name_classes(own) for own in classes]
    recipe = {
        "operation": "interpolate",
        "model_id": sampler.model_id,
        "seeds": [int(seed) for seed in stops],
        **{name: [own[name] for own in named] for name in sampler.conditions},
        "frames": frames,
        "loop": loop,
        "ease": settings.ease,
        "truncation": settings.truncation,
    }
    if strip:
        write_image(path, grid(np.stack(pictures), columns=frames), recipe=recipe, made=True)
    else:
        write_animation(
            path, pictures, recipe=recipe, made=True, frames_per_second=settings.frames_per_second
        )
    return path


def walk(
    latents: Tensor, classes: Tensor, frames: int, *, loop: bool, ease: bool, whole: bool
) -> Tensor:
    """Return the points of a walk.

    Parameters
    ----------
    latents, classes : Tensor
        ``(N, length)`` float32: latent, with its noise, and embedded classes of each stop.
    frames : int
        Points from one stop to the next.
    loop : bool
        Go on from the last stop to the first.
    ease : bool
        Slow down at the stops: ``t`` becomes ``t**2 * (3 - 2 * t)``.
    whole : bool
        Each part of the way has both its ends, so that stops come twice; otherwise every part
        leaves its end to the next one.

    Returns
    -------
    points : Tensor
        ``(M, length)`` float32.
    """
    count = len(latents)
    legs = [(index, (index + 1) % count) for index in range(count if loop else count - 1)]
    times = [step / (frames - 1 if whole else frames) for step in range(frames)]
    if ease:
        times = [t * t * (3 - 2 * t) for t in times]
    points = [
        slerp(latents[a], latents[b], t) + _straight(classes[a], classes[b], t)
        for a, b in legs
        for t in times
    ]
    if not loop and not whole:
        points.append(latents[-1] + classes[-1])
    return torch.stack(points)


def slerp(here: Tensor, there: Tensor, t: float) -> Tensor:
    """Spherical interpolation: stays as far from the origin as Gaussian latents lie.

    Shoemake 1985, section 3.3; for latents, White 2016, section 2.1.

    Parameters
    ----------
    here, there : Tensor
        ``(length,)`` float32 end points.
    t : float
        0 at `here`, 1 at `there`; both exactly.
    """
    cosine = torch.dot(here, there) / (here.norm() * there.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    if t in (0, 1) or not angle.sin() >= 1e-4:  # parallel or zero: the formula divides by nothing
        return _straight(here, there, t)
    return (torch.sin((1 - t) * angle) * here + torch.sin(t * angle) * there) / torch.sin(angle)


def _straight(here: Tensor, there: Tensor, t: float) -> Tensor:
    return there if t == 1 else here + t * (there - here)


def _each(given: Sequence[T], count: int, flag: str) -> list[T]:
    """Return one value to each stop, from as many or from one for all."""
    require(
        len(given) in (1, count),
        flag,
        list(given),
        f"be one for all, or one to each of {count} stops",
    )
    return list(given) * (count if len(given) == 1 else 1)


def _color(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
