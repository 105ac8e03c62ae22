"""Settings of `widefield`; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class WidefieldSettings:
    """A wide view: how large, how many galaxies, and which real field it follows."""

    count: int | None = None
    """Galaxies to place; by default as many to the area as the real field has."""
    size: int = 4096
    """Side of the view, in pixels."""
    seed: int = 0
    """Seed of the places, turns, sizes, brightnesses and the sky's noise."""
    like: str | None = None
    """Real field whose sky, sizes and brightnesses are followed; default: the Hubble Deep Field
    that comes with scikit-image."""
    min_area: int = 100
    """Smallest source of the real field to follow, in pixels above 1.5 background RMS."""
    max_enlarge: float = 1.5
    """Most that a galaxy may be enlarged, before it looks blurry."""
    max_gain: float = 2.5
    """Most that a galaxy may be brightened, before its own noise shows."""
    format: Literal["auto", "png", "tiff"] = "auto"
    """File format; auto is PNG up to 8,192 pixels square and tiled TIFF above."""
    tile: int = 1024
    """Side of the tiles that are rendered at a time; the result does not depend on it."""
    workers: int | None = None
    """Tiles to render at the same time; default: one to a CPU. The result does not depend on it."""
    overwrite: bool = False
    """Replace a view that is already there."""

    def __post_init__(self) -> None:
        require(self.count is None or self.count >= 1, "count", self.count, "be 1 or more")
        require(16 <= self.size <= 1_000_000, "size", self.size, "be in 16 to 1,000,000")
        require(0 <= self.seed < 2**63, "seed", self.seed, "be in 0 to 2**63 - 1")
        require(self.min_area >= 5, "min-area", self.min_area, "be 5 or more")
        require(self.max_enlarge > 0, "max-enlarge", self.max_enlarge, "be above 0")
        require(self.max_gain > 0, "max-gain", self.max_gain, "be above 0")
        require(
            self.format in ("auto", "png", "tiff"), "format", self.format, "be auto, png or tiff"
        )
        require(self.tile >= 16, "tile", self.tile, "be 16 or more")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be 1 or more")
