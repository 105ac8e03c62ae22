"""Sampling by seed: the same seed gives the same image, whatever the batch or the order."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from parhelion._settings import settings_from_dict
from parhelion.errors import ModelError
from parhelion.generation._conditional import Conditional
from parhelion.generation._networks import Generator
from parhelion.generation._settings import GanSettings
from parhelion.training import find_device, find_model, load_model, to_pixels

# Every forward pass has this many images, padded if need be: convolutions may sum in another
# order at another batch size, and a seed's image must not depend on its neighbors.
BATCH = 8


class Sampler(Protocol):
    """What every generator offers: seeds in, images and recipes out."""

    @property
    def conditions(self) -> Mapping[str, Sequence[str]]:
        """The classes that can be asked for, by column."""
        ...

    def draw(
        self, seeds: Sequence[int], truncation: float = 1.0, **wanted: str | None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield ``(H, W, C)`` uint8 pixels and the recipe that makes them again.

        `truncation` below 1 gives more typical and less varied images, see `GanSampler.latents`.
        `wanted` names a class of some conditions; the others are drawn by the seed.
        """
        ...

    def recipes(
        self, seeds: Sequence[int], truncation: float = 1.0, **wanted: str | None
    ) -> list[dict[str, Any]]:
        """Return the recipes that `draw` yields, without the pixels."""
        ...


class GanSampler(Conditional):
    """Draws from a trained Lightweight GAN.

    Parameters
    ----------
    folder : Path
        Folder with ``model.safetensors`` and ``model.json``.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute; always in float32.

    Attributes
    ----------
    length : int
        Random numbers to an image: its latent vector, then its maps of noise.

    Raises
    ------
    ModelError, SettingsError
        If the model is damaged, or the device is not there.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        card, weights = load_model(folder, "gan")
        settings = settings_from_dict(GanSettings, card["settings"], where=str(folder))
        super().__init__("gan", card["model_id"], card["conditions"], card["proportions"])
        self.image_size = settings.image_size
        self.device = torch.device(find_device(device))
        self._model = make_generator(
            settings, tuple(len(names) for names in self.conditions.values())
        )
        try:
            self._model.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the weights in {folder} do not fit its card: {reason}") from error
        # The network adds its conditions to the latent before all else. Here that is done outside
        # of it, so that a walk can stand between two classes.
        self._embedding, self._model.embedding = self._model.embedding, None
        self.length = self._model.inputs
        self._model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def pictures(
        self,
        seeds: Sequence[int],
        classes: Sequence[Sequence[int]],
        truncations: Sequence[float],
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the image of each seed, its classes and its truncation; see `Conditional`."""
        for start in range(0, len(seeds), BATCH):
            part = slice(start, start + BATCH)
            latents = [
                self.latents([seed], amount)
                for seed, amount in zip(seeds[part], truncations[part], strict=True)
            ]
            yield from self.decode(torch.cat(latents) + self.embed(classes[part]))

    def told(self, truncation: float) -> dict[str, Any]:
        """Return what a recipe says of the model, and of how it draws."""
        return {"model_id": self.model_id, "truncation": float(truncation)}

    def latents(self, seeds: Sequence[int], truncation: float = 1.0) -> torch.Tensor:
        """Return ``(N, length)`` float32: each seed's standard normal, times `truncation`.

        This is the truncation of Karras et al. 2019 (section 3 and appendix B), where a factor
        below 1 draws a latent towards the mean: it moves there in their intermediate space, here
        in the latent space itself, whose mean is zero (Kingma & Dhariwal 2018, section 6, call
        the factor a temperature). A conditional generator adds the class to the latent, so 0 is
        the mean of the class.
        """
        return torch.stack([seed_latent(seed, self.length) for seed in seeds]) * truncation

    @torch.inference_mode()
    def embed(self, classes: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return ``(N, length)`` float32: what the classes of each row add to its latent.

        `classes` holds the class index of each condition for each row; see `classes`.
        """
        if self._embedding is None:
            return torch.zeros(len(classes), self.length)
        embedded: torch.Tensor = self._embedding(torch.tensor(classes, dtype=torch.int64))
        return F.pad(embedded, (0, self.length - self._model.latent))  # nothing to the noise

    @torch.inference_mode()
    def decode(self, points: torch.Tensor) -> Iterator[NDArray[np.uint8]]:
        """Yield the ``(H, W, C)`` uint8 image of each row of ``(N, length)`` float32.

        A row is the sum of a latent and of what its classes add; it may lie between classes.
        """
        for start in range(0, len(points), BATCH):
            part = points[start : start + BATCH]
            padded = torch.zeros(BATCH, self.length)
            padded[: len(part)] = part
            yield from to_pixels(self._model(padded.to(self.device)))[: len(part)]


def load_sampler(model: Path | str, device: str = "auto") -> GanSampler:
    """Load a generator: a folder, or the name of one that ships; see `GanSampler`.

    Raises
    ------
    ModelError
        If there is neither, or the model is damaged or of another kind.
    """
    return GanSampler(find_model(model), device)


def make_generator(settings: GanSettings, classes: Sequence[int] = ()) -> Generator:
    """Build the (untrained) generator that `settings` describe, for so many classes each."""
    return Generator(
        settings.image_size,
        settings.width,
        settings.max_channels,
        settings.latent,
        settings.channels,
        classes,
        noise=settings.noise,
        upsampling=settings.upsampling,
    )


def seed_latent(seed: int, length: int) -> torch.Tensor:
    """Return the ``(length,)`` float32 standard normal numbers of a seed."""
    return torch.randn(length, generator=torch.Generator().manual_seed(seed))
