"""What all generators that know classes have in common: which there are, and who gets which."""

from collections.abc import Mapping, Sequence

from parhelion.generation._conditions import (
    ask,
    draw_classes,
    fitting_classes,
    steady_classes,
)


class Conditional:
    """A generator's classes.

    Parameters
    ----------
    conditions : mapping of str to list of str
        The classes of each condition.
    combinations : sequence of sequence of int
        Those that occurred together, and how often; see `proportions`.
    """

    def __init__(
        self, conditions: dict[str, list[str]], combinations: Sequence[Sequence[int]]
    ) -> None:
        self.conditions = conditions
        self.combinations = combinations

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
