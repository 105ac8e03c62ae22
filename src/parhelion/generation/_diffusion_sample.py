"""Sampling from a diffusion model by seed, and variations of images by partial noising."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._settings import settings_from_dict
from parhelion.errors import InputError, ModelError, SettingsError
from parhelion.generation._autoencoder import SPACE, space_of
from parhelion.generation._conditional import Conditional
from parhelion.generation._diffusion import DiffusionNetwork, denoise, guided, schedule
from parhelion.generation._diffusion_settings import DiffusionSettings
from parhelion.generation._sample import BATCH
from parhelion.training import load_model, make_fabric, to_model, to_pixels

#: Steps back from noise, and guidance of models that can be guided, where none are asked for.
STEPS, GUIDANCE = 25, 1.5


class DiffusionSampler(Conditional):
    """Draws from a trained diffusion model.

    Parameters
    ----------
    folder : Path
        Folder with ``model.safetensors`` and ``model.json``.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.
    steps : int
        Steps back from noise; 20 to 50 are usual.
    guidance : float, optional
        1 is the class itself; above, more typical and less varied images of it.
    precision : {"auto", "fp32", "bf16"}
        Arithmetic; it is part of the recipe.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    SettingsError
        If `guidance` is asked of a model that knows no classes, or saw no images without theirs.
    """

    def __init__(
        self,
        folder: Path,
        device: str = "auto",
        *,
        steps: int = STEPS,
        guidance: float | None = None,
        precision: str = "auto",
    ) -> None:
        card, weights = load_model(folder, "diffusion")
        values = {"grain": False} | card["settings"]  # models of earlier versions have none
        settings = settings_from_dict(DiffusionSettings, values, where=str(folder))
        super().__init__("diffusion", card["model_id"], card["conditions"], card["proportions"])
        self._numbers = {tuple(row[:-1]): place for place, row in enumerate(self.combinations)}
        self.image_size, self.channels = settings.image_size, settings.channels
        self._saw_unnamed = settings.unconditional > 0
        self._steps, self._guidance = steps, _guidance_of(folder, settings, guidance)
        self._fabric = make_fabric(device, precision)
        self.device: torch.device = self._fabric.device
        self.precision = "bf16" if "bf16" in str(self._fabric._precision.precision) else "fp32"
        classes = len(self.combinations) if self.conditions else 0
        self._network, self._space = DiffusionNetwork(settings, classes), space_of(settings)
        self._shape = settings.map_shape
        try:
            of_space = [name for name in weights if name.startswith(SPACE)]
            self._space.load_state_dict(
                {name.removeprefix(SPACE): weights.pop(name) for name in of_space}
            )
            self._network.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the weights in {folder} do not fit its card: {reason}") from error
        for network in (self._network, self._space):
            network.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def pictures(
        self,
        seeds: Sequence[int],
        classes: Sequence[Sequence[int]],
        truncations: Sequence[float],
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the image of each seed and its classes; see `Conditional`."""
        kinds = [self._numbers[tuple(own)] for own in classes]
        sigmas = schedule(self._steps)
        for start in range(0, len(seeds), BATCH):
            part = slice(start, start + BATCH)
            noise, white = self._noise(seeds[part])
            yield from self._back(noise * sigmas[0], white, kinds[part], sigmas)

    def told(self, truncation: float = 1.0) -> dict[str, Any]:
        """Return what a recipe says of the model, and of how it draws."""
        return {
            "model_id": self.model_id,
            "steps": self._steps,
            "guidance": float(self._guidance),
            "precision": self.precision,
        }

    def vary(
        self, pixels: NDArray[np.uint8], seeds: Sequence[int], strength: float, kinds: Sequence[int]
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield variations of images: noise is put on, and taken away again (SDEdit).

        Parameters
        ----------
        pixels : ndarray
            ``(N, S, S, C)`` uint8, of the model's size.
        seeds : sequence of int
            Of the noise of each image.
        strength : float
            Share of the way to noise, in (0, 1]: more changes more.
        kinds : sequence of int
            What `kinds_of` gives for each image.
        """
        sigmas = schedule(self._steps)[self._steps - max(1, round(strength * self._steps)) :]
        for start in range(0, len(seeds), BATCH):
            part = slice(start, start + BATCH)
            noise, white = self._noise(seeds[part])
            noisy = self._maps(pixels[part]) + noise * sigmas[0]
            yield from self._back(noisy, white, kinds[part], sigmas)

    def kinds_of(self, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the classes of a catalog's rows as `vary` takes them; `none` where unknown.

        Raises
        ------
        InputError
            If a row's class is unknown to a model that saw no images without theirs.
        """
        found = []
        for row in rows:
            named = [
                known.index(row[name]) if row[name] in known else -1
                for name, known in self.conditions.items()
            ]
            kind = self._numbers.get(tuple(named), self._network.classes)
            if self.conditions and kind == self._network.classes and not self._saw_unnamed:
                raise InputError(
                    f"{row['path']} has no {' and '.join(self.conditions)} that the model knows, "
                    "and it saw no images without (--unconditional 0); leave such images out"
                )
            found.append(kind)
        return found

    def variation(self, seed: int, kind: int, strength: float) -> dict[str, Any]:
        """Return the recipe of a variation, but for its parent."""
        recipe = {"operation": "vary", "origin": "image_to_image", "seed": int(seed)}
        recipe |= {"strength": strength} | self.told()
        if self.conditions and kind < len(self.combinations):
            recipe |= self.name_classes(self.combinations[kind][:-1])
        return recipe

    def _noise(self, seeds: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """Return what maps begin as, and what grain is made from, each a function of its seed."""
        streams = [torch.Generator().manual_seed(seed) for seed in seeds]
        noise = torch.stack([torch.randn(self._shape, generator=one) for one in streams])
        if self._space.grain is None:
            return noise, None
        shape = self._space.grain.shape_for(self.image_size)
        return noise, torch.stack([torch.randn(shape, generator=one) for one in streams])

    @torch.inference_mode()
    def _maps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return what the network works on for images: batches are filled up, as in `_back`."""
        filled = np.zeros((BATCH, *pixels.shape[1:]), np.uint8)
        filled[: len(pixels)] = pixels
        with self._fabric.autocast():
            maps = self._space.encode(to_model(filled, self.device))
        return maps[: len(pixels)].float().cpu()

    @torch.inference_mode()
    def _back(
        self, noisy: Tensor, white: Tensor | None, kinds: Sequence[int], sigmas: Tensor
    ) -> Iterator[NDArray[np.uint8]]:
        count = len(noisy)
        padded = _filled(noisy).to(self.device)
        grainy = None if white is None else _filled(white).to(self.device)
        labels: Tensor | None = None
        if self.conditions:
            every = [*kinds, *([self._network.classes] * (BATCH - count))]
            labels = torch.tensor(every, dtype=torch.int64, device=self.device)
        with self._fabric.autocast():
            clean = denoise(guided(self._network, labels, self._guidance), padded, sigmas)
            images = self._space.decode(clean, grainy)
        yield from to_pixels(images)[:count]


def _guidance_of(folder: Path, settings: DiffusionSettings, asked: float | None) -> float:
    """Return the guidance of a model: what is asked for, if it can be guided at all."""
    if settings.can_guide:
        return GUIDANCE if asked is None else asked
    if asked not in (None, 1):
        lacks = "saw no images without one" if settings.condition_on else "knows none"
        raise SettingsError(
            f"--guidance (={asked:g}) is towards a class and away from images in general; {folder} "
            f"{lacks}: leave it out"
        )
    return 1.0


def _filled(rows: Tensor) -> Tensor:
    """Return a whole batch: what an image becomes must not depend on its neighbors' number."""
    filled = torch.zeros(BATCH, *rows.shape[1:])
    filled[: len(rows)] = rows
    return filled
