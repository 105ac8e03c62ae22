"""Sampling by seed: the same seed gives the same image, whatever the batch or the order."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion._files import write_bytes
from parhelion._progress import bar
from parhelion._settings import save_settings, settings_from_dict
from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.errors import CatalogError, ModelError, SettingsError
from parhelion.generation._conditions import draw_classes
from parhelion.generation._networks import Generator
from parhelion.generation._settings import GanSettings, GenerateSettings
from parhelion.provenance import encode_image
from parhelion.training import load_model, to_pixels

# Every forward pass has this many images, padded if need be: convolutions may sum in another
# order at another batch size, and a seed's image must not depend on its neighbors.
_BATCH = 8
_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


class Sampler(Protocol):
    """What every generator offers: seeds in, images and recipes out."""

    conditions: Mapping[str, Sequence[str]]

    def draw(
        self, seeds: Sequence[int], **wanted: str | None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield ``(H, W, C)`` uint8 pixels and the recipe that makes them again.

        `wanted` names a class of some conditions; the others are drawn by the seed.
        """
        ...


class GanSampler:
    """Draws from a trained Lightweight GAN.

    Parameters
    ----------
    folder : Path
        Folder with ``model.safetensors`` and ``model.json``.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute; always in float32.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        card, weights = load_model(folder, "gan")
        settings = settings_from_dict(GanSettings, card["settings"], where=str(folder))
        self.model_id: str = card["model_id"]
        self.conditions: dict[str, list[str]] = card["conditions"]
        self._proportions: list[list[int]] = card["proportions"]
        self.latent = settings.latent
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(accelerator if device == "auto" else device)
        self._model = make_generator(
            settings, tuple(len(names) for names in self.conditions.values())
        )
        try:
            self._model.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the weights in {folder} do not fit its card: {reason}") from error
        self._model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def draw(
        self, seeds: Sequence[int], **wanted: str | None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield pixels and recipe of each seed, in order; see `Sampler`."""
        classes = self.classes(seeds, **wanted)
        latents = torch.stack([seed_latent(seed, self.latent) for seed in seeds])
        for index, pixels in enumerate(self.decode(latents, classes)):
            recipe: dict[str, Any] = {
                "operation": "generate",
                "origin": "gan",
                "model_id": self.model_id,
                "seed": int(seeds[index]),
            }
            for (name, known), place in zip(self.conditions.items(), classes[index], strict=True):
                recipe[name] = known[place]
            yield pixels, recipe

    @torch.inference_mode()
    def decode(
        self, latents: torch.Tensor, classes: Sequence[Sequence[int]]
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the ``(H, W, C)`` uint8 image of each row of ``(N, latent)`` float32.

        `classes` holds the class index of each condition for each row; see `classes`.
        """
        indices = torch.tensor(classes, dtype=torch.int64).reshape(len(latents), -1)
        for start in range(0, len(latents), _BATCH):
            part = latents[start : start + _BATCH]
            count = len(part)
            padded = torch.zeros(_BATCH, self.latent)
            padded[:count] = part
            labels = torch.zeros(_BATCH, indices.shape[1], dtype=torch.int64)
            labels[:count] = indices[start : start + count]
            images = self._model(padded.to(self.device), labels.to(self.device))
            yield from to_pixels(images)[:count]

    def classes(self, seeds: Sequence[int], **wanted: str | None) -> list[list[int]]:
        """Return the class index of each condition for each seed.

        Raises
        ------
        SettingsError
            If a class is asked for that the model does not know.
        """
        names = list(self.conditions)
        asked = {}
        for name, value in wanted.items():
            if value is None:
                continue
            known = self.conditions.get(name, [])
            if value not in known:
                there = ", ".join(known) or f"none: it is not conditioned on {name}"
                raise SettingsError(
                    f"--{name} (={value}) is not a {name} of the model; it has {there}"
                )
            asked[names.index(name)] = known.index(value)
        return [draw_classes(seed, self._proportions, asked) for seed in seeds]


def load_sampler(folder: Path | str, device: str = "auto") -> GanSampler:
    """Load the generator in `folder`; see `GanSampler`."""
    return GanSampler(Path(folder), device)


def make_generator(settings: GanSettings, classes: Sequence[int] = ()) -> Generator:
    """Build the (untrained) generator that `settings` describe, for so many classes each."""
    return Generator(
        settings.image_size,
        settings.width,
        settings.max_channels,
        settings.latent,
        settings.channels,
        classes,
    )


def seed_latent(seed: int, length: int) -> torch.Tensor:
    """Return the ``(length,)`` float32 standard normal latent of a seed."""
    return torch.randn(length, generator=torch.Generator().manual_seed(seed))


def generate(
    model: Path | str, out: Path | str, settings: GenerateSettings | None = None
) -> Catalog:
    """Draw images from a trained generator into a catalog.

    Parameters
    ----------
    model : Path
        The generator's folder.
    out : Path
        Folder of the new catalog; image ``i`` has seed ``settings.seed + i``.
    settings : GenerateSettings, optional
        What to draw.

    Returns
    -------
    catalog : Catalog
        Rows of origin ``gan``, each with model id and seed in its recipe, each a group of
        its own.

    Raises
    ------
    ModelError, SettingsError, CatalogError
        If the folder holds no generator, the class is unknown, or `out` is taken.
    """
    settings = settings or GenerateSettings()
    out = Path(out)
    if (out / "catalog.parquet").exists() and not settings.overwrite:
        raise CatalogError(f"{out} already holds a catalog; give another --out or --overwrite")
    sampler = load_sampler(model, settings.device)
    seeds = range(settings.seed, settings.seed + settings.count)
    drawn = sampler.draw(seeds, label=settings.label, source=settings.source)
    rows = []
    with bar(total=settings.count, what="generating") as progress:
        for seed, (pixels, recipe) in zip(seeds, drawn, strict=True):
            path = f"images/{seed:08d}.{settings.format}"
            data = encode_image(pixels, _FORMATS[settings.format], recipe=recipe, made=True)
            write_bytes(out / path, data)
            rows.append(
                row(
                    image_id=image_id(pixels),
                    path=path,
                    width=pixels.shape[1],
                    height=pixels.shape[0],
                    format=_FORMATS[settings.format],
                    origin="gan",
                    label=recipe.get("label"),
                    recipe=recipe,
                    source=str(model),
                )
            )
            progress.update()
    catalog = write_catalog(out, rows, rejected=[])
    save_settings(out, "generate", settings, model=model)
    return catalog
