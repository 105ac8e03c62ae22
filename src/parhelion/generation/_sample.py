"""Sampling by seed: the same seed gives the same image, whatever the batch or the order."""

from collections.abc import Iterator, Sequence
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

    labels: Sequence[str]

    def draw(
        self, seeds: Sequence[int], label: str | None = None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield ``(H, W, C)`` uint8 pixels and the recipe that makes them again."""
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
        self.labels: list[str] = card["labels"]
        self.latent = settings.latent
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(accelerator if device == "auto" else device)
        self._model = make_generator(settings, len(self.labels))
        try:
            self._model.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the weights in {folder} do not fit its card: {reason}") from error
        self._model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def draw(
        self, seeds: Sequence[int], label: str | None = None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield pixels and recipe of each seed, in order; see `Sampler`."""
        classes = [self._class_of(seed, label) for seed in seeds]
        latents = torch.stack([seed_latent(seed, self.latent) for seed in seeds])
        for index, pixels in enumerate(self.decode(latents, classes)):
            recipe: dict[str, Any] = {
                "operation": "generate",
                "origin": "gan",
                "model_id": self.model_id,
                "seed": int(seeds[index]),
            }
            if self.labels:
                recipe["label"] = self.labels[classes[index]]
            yield pixels, recipe

    @torch.inference_mode()
    def decode(
        self, latents: torch.Tensor, classes: Sequence[int] | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the ``(H, W, C)`` uint8 image of each row of ``(N, latent)`` float32."""
        indices = torch.tensor(classes if classes is not None else [0] * len(latents))
        for start in range(0, len(latents), _BATCH):
            part = latents[start : start + _BATCH]
            count = len(part)
            padded = torch.zeros(_BATCH, self.latent)
            padded[:count] = part
            labels = torch.zeros(_BATCH, dtype=torch.int64)
            labels[:count] = indices[start : start + count]
            images = self._model(padded.to(self.device), labels.to(self.device))
            yield from to_pixels(images)[:count]

    def class_index(self, label: str) -> int:
        """Return the index of a class.

        Raises
        ------
        SettingsError
            If the model does not know it.
        """
        if label not in self.labels:
            known = ", ".join(self.labels) or "none: the model is not conditional"
            raise SettingsError(f"--label (={label}) is not a class of the model; it has {known}")
        return self.labels.index(label)

    def _class_of(self, seed: int, label: str | None) -> int:
        if label is not None:
            return self.class_index(label)
        return seed % len(self.labels) if self.labels else 0


def load_sampler(folder: Path | str, device: str = "auto") -> GanSampler:
    """Load the generator in `folder`; see `GanSampler`."""
    return GanSampler(Path(folder), device)


def make_generator(settings: GanSettings, classes: int) -> Generator:
    """Build the (untrained) generator that `settings` describe."""
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
    rows = []
    with bar(total=settings.count, what="generating") as progress:
        for seed, (pixels, recipe) in zip(seeds, sampler.draw(seeds, settings.label), strict=True):
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
