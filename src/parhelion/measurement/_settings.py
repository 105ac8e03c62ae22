"""Settings of the measures; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class MeasureGeneratorSettings:
    """How to compare made images with real ones."""

    image_size: int = 64
    """Side, in pixels, at which both sets are compared."""
    features: Path | None = None
    """Feature network of the distances: safetensors weights of torchvision's squeezenet1_1 or
    inception_v3, or the folder of a network trained before. When not given, a small one is
    trained on the real images."""
    count: int | None = None
    """Images of each set that the distances use, drawn at random; all of the smaller set, at
    most 5000, when not given. Memory grows with its square."""
    bootstrap: int = 1000
    """Resamples behind the 95 % intervals."""
    pairs: int = 24
    """Pairs of a made image and its nearest real one to list, the most alike first."""
    seed: int = 0
    """Seed of the feature network, the draws and the bootstrap."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute features; learning them is done on the CPU."""

    def __post_init__(self) -> None:
        if self.features is not None:  # TOML has no paths, only text
            object.__setattr__(self, "features", Path(self.features))
        require(8 <= self.image_size <= 1024, "image-size", self.image_size, "be from 8 to 1024")
        require(
            self.count is None or self.count >= MINIMUM,
            "count",
            self.count,
            f"be at least {MINIMUM}",
        )
        require(self.bootstrap >= 20, "bootstrap", self.bootstrap, "be at least 20")
        require(self.pairs >= 0, "pairs", self.pairs, "not be negative")
        require(self.seed >= 0, "seed", self.seed, "not be negative")


#: Fewest images of a set that a distance is computed from.
MINIMUM = 16
