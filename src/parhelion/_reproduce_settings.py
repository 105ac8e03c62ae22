"""Settings of `reproduce`; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class ReproduceSettings:
    """Which scale a paper's experiments are done at."""

    scale: Literal["small", "paper"] = "small"
    """small ends within 40 minutes on two CPU cores; paper has the published sizes and steps, and
    needs a GPU."""
    share: float = 1.0
    """Part of the training's images; below 1 to try out."""
    classifier: Path = Path("galaxy-classifier")
    """Galaxy classifier of the Fréchet distance and of the class distribution: a folder that
    `parhelion train classifier` wrote, or the name of one that ships."""
    features: tuple[Path, ...] = ()
    """Further networks to measure distances with, as in `parhelion measure generator`."""
    seed: int = 0
    """Seed of everything."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "classifier", Path(self.classifier))
        given: object = self.features
        several = (given,) if isinstance(given, (str, Path)) else self.features
        object.__setattr__(self, "features", tuple(Path(str(name)) for name in several))
        require(self.scale in ("small", "paper"), "scale", self.scale, "be small or paper")
        require(0 < self.share <= 1, "share", self.share, "be above 0, at most 1")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
