"""What all generators that were trained here have in common: seeds and classes in, pictures out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.generation._conditions import (
    ask,
    draw_classes,
    fitting_classes,
    steady_classes,
)


class Conditional(ABC):
    """A generator that knows classes, or none; see `Sampler`.

    Parameters
    ----------
    origin : str
        What a catalog calls its images: ``gan`` or ``diffusion``.
    model_id : str
        Of the weights.
    conditions : mapping of str to list of str
        The classes of each condition.
    combinations : sequence of sequence of int
        Those that occurred together, and how often; see `proportions`.
    """

    def __init__(
        self,
        origin: str,
        model_id: str,
        conditions: dict[str, list[str]],
        combinations: Sequence[Sequence[int]],
    ) -> None:
        self.origin, self.model_id = origin, model_id
        self.conditions = conditions
        self.combinations = combinations

    @abstractmethod
    def pictures(
        self,
        seeds: Sequence[int],
        classes: Sequence[Sequence[int]],
        truncations: Sequence[float],
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the ``(H, W, C)`` uint8 image of each seed, its classes and its truncation.

        `classes` holds the class index of each condition for each seed; see `classes`. Truncation
        is of GANs, and 1 elsewhere.
        """

    @abstractmethod
    def told(self, truncation: float) -> dict[str, Any]:
        """Return what a recipe says of the model, and of how it draws."""

    def draw(
        self, seeds: Sequence[int], truncation: float = 1.0, **wanted: str | None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield pixels and recipe of each seed, in order; see `Sampler`."""
        classes = self.classes(seeds, **wanted)
        pictures = self.pictures(seeds, classes, [truncation] * len(seeds))
        yield from zip(pictures, self._recipes(seeds, truncation, classes), strict=True)

    def recipes(
        self, seeds: Sequence[int], truncation: float = 1.0, **wanted: str | None
    ) -> list[dict[str, Any]]:
        """Return the recipes that `draw` yields, without the pixels.

        Raises
        ------
        SettingsError
            If a class is asked for that the model does not know.
        """
        return self._recipes(seeds, truncation, self.classes(seeds, **wanted))

    def _recipes(
        self, seeds: Sequence[int], truncation: float, classes: Sequence[Sequence[int]]
    ) -> list[dict[str, Any]]:
        made = {"operation": "generate", "origin": self.origin, **self.told(truncation)}
        return [
            {**made, "seed": int(seed), **self.name_classes(own)}
            for seed, own in zip(seeds, classes, strict=True)
        ]

    def classes(self, seeds: Sequence[int], **wanted: str | None) -> list[list[int]]:
        """Return the class index of each condition for each seed.

        Raises
        ------
        SettingsError
            If a class is asked for that the model does not know.
        """
        asked = ask(self.conditions, **wanted)
        return [draw_classes(seed, self.combinations, asked) for seed in seeds]

    def steady_classes(
        self, seed: int, wanted: Sequence[Mapping[str, str | None]]
    ) -> list[list[int]]:
        """Return the class indices for each wish; what they leave open changes little.

        Raises
        ------
        SettingsError
            If a class is asked for that the model does not know, or that never occurred with
            another that is asked for.
        """
        return steady_classes(
            seed, self.combinations, [ask(self.conditions, **wish) for wish in wanted]
        )

    def known(self, name: str, **wanted: str | None) -> list[str]:
        """Return the classes of condition `name` that occurred with those that are wanted."""
        fitting = fitting_classes(self.combinations, ask(self.conditions, **wanted))
        place = list(self.conditions).index(name)
        return [self.conditions[name][index] for index in sorted({row[place] for row in fitting})]

    def name_classes(self, classes: Sequence[int]) -> dict[str, str]:
        """Return the class of each condition by name."""
        return {
            name: known[index]
            for (name, known), index in zip(self.conditions.items(), classes, strict=True)
        }
