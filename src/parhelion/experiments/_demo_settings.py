"""Settings of the demo; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path

from parhelion._settings import require


@dataclass(frozen=True)
class DemoSettings:
    """How much to do, and with which seed."""

    minutes: float = 8.0
    """About how long the whole demo may take on two CPU cores; scales the training."""
    from_scratch: bool = False
    """Start the generator from random weights, not from the galaxies that ship."""
    field: Path | None = None
    """Another wide field to learn from, instead of the Hubble Deep Field."""
    galaxies: int = 3_000
    """Galaxies in the wide view."""
    size: int = 4_096
    """Side of the wide view, in pixels."""
    seed: int = 0
    """Seed of everything."""

    def __post_init__(self) -> None:
        require(self.minutes >= 0.1, "minutes", self.minutes, "be at least 0.1")
        require(self.galaxies >= 1, "galaxies", self.galaxies, "be at least 1")
        require(256 <= self.size <= 16_384, "size", self.size, "be in 256..16384")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
