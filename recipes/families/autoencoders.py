"""Reconstructions and enlargements of real images, at their own size."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from fitting import fit, seeded
from networks import UPSAMPLINGS, Autoencoder, Enlarger
from pixels import Pixels, Real, Row, crops, derived, whole
from torch import Tensor
from torch.nn import functional as F

from parhelion.catalog import decode
from parhelion.training import to_model, to_pixels

__all__ = ["UPSAMPLINGS", "autoencoder", "enlarger", "given"]

_CROP, _BATCH = 64, 16


def autoencoder(real: Real, out: Path, *, upsampling: str, factor: int) -> Iterator[Row]:
    """Reconstruct 1,200 images; the autoencoders of factor 8 have noise and an adversary."""
    rough = factor == 8
    seed = 10 * factor + UPSAMPLINGS.index(upsampling)
    width, latent = (24, 24) if rough else (16, 12)
    network = seeded(lambda: Autoencoder(upsampling, factor, width, latent, noise=rough), seed)

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in crops(real.train, _CROP, _BATCH, seed):
            images = to_model(batch)
            yield images, images

    fit(network, pairs(), real.steps(2000), f"{upsampling} {factor}", adversary=rough)
    recipe = {"operation": "reconstruct", "upsampling": upsampling, "factor": factor}
    return derived(out, _through(network, real, factor, seed), recipe)


def enlarger(real: Real, out: Path, *, upsampling: str, factor: int) -> Iterator[Row]:
    """Halve or quarter 1,200 images, and enlarge them again by what a network learned."""
    seed = 200 + 10 * factor + UPSAMPLINGS.index(upsampling)
    network = seeded(lambda: Enlarger(upsampling, factor, 24), seed)

    def reduced(images: Tensor) -> Tensor:
        return F.interpolate(
            images, scale_factor=1 / factor, mode="bicubic", antialias=True, align_corners=False
        )

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in crops(real.train, _CROP, _BATCH, seed):
            images = to_model(batch)
            yield reduced(images), images

    fit(network, pairs(), real.steps(1500), f"enlarge {upsampling}", adversary=factor == 4)
    recipe = {"operation": "enlarge", "upsampling": upsampling, "factor": factor}
    made = _through(lambda images: network(reduced(images)), real, factor, seed)
    return derived(out, made, recipe)


def given(real: Real, out: Path) -> Iterator[Row]:
    """Take in reconstructions that are given, by the names of their sources' files."""

    def made() -> Iterator[tuple[Row, Pixels]]:
        for name, catalog in real.catalogs.items():
            rows = {Path(item["path"]).stem: item for item in catalog.rows()}
            files = sorted((real.data / "reconstructed-taef2" / name).glob("*.*"))
            files = files[: max(3, round(len(files) * real.share))]
            for file in files:
                if file.stem in rows:
                    yield rows[file.stem], decode(file)[0].pixels

    return derived(out, made(), {"operation": "reconstruct", "model": "taef2"})


def _through(
    network: Callable[[Tensor], Tensor], real: Real, factor: int, seed: int
) -> Iterator[tuple[Row, Pixels]]:
    torch.manual_seed(seed)

    def back(pixels: Pixels) -> Pixels:
        with torch.inference_mode():
            return to_pixels(network(to_model(pixels[None])))[0]

    for source, pixels in real.some(1200, seed):
        yield source, whole(pixels, factor, back)
