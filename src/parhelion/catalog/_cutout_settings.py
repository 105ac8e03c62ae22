"""Settings of `cutouts`; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class CutoutSettings:
    """Which sources of a wide field to cut out, and how much sky around them."""

    threshold: float = 1.5
    """Isophote of a source, in background RMS above the background."""
    min_area: int = 100
    """Fewest pixels above the threshold; smaller sources show no structure."""
    min_snr: float = 20.0
    """Least flux, in units of its own background noise (RMS times square root of area)."""
    max_saturated: float = 0.2
    """Largest share of a source's pixels at 250 and above; more is a clipped star or artifact."""
    neighbor: float = 0.7
    """Skip a cut-out in which a neighbor has more light than this many times its own source."""
    scale: float = 8.0
    """Side of a cut-out, in units of the source's semi-major axis (sep's `a`)."""
    min_size: int = 20
    """Shortest side, in pixels."""
    max_size: int = 256
    """Longest side, in pixels."""
    edges: Literal["skip", "shift"] = "skip"
    """A box that leaves the field: skip it, or shift it inside (the source is then off center)."""
    deblend_contrast: float = 0.005
    """Least share of the flux that a blended neighbor has; 1 never deblends."""
    mesh: int = 64
    """Side of the cells in which the background is measured, in pixels."""
    overwrite: bool = False
    """Replace a catalog that is already there."""

    def __post_init__(self) -> None:
        require(self.threshold > 0, "threshold", self.threshold, "be above 0")
        require(self.min_area >= 1, "min-area", self.min_area, "be 1 or more")
        require(self.min_snr >= 0, "min-snr", self.min_snr, "be 0 or more")
        require(0 <= self.max_saturated <= 1, "max-saturated", self.max_saturated, "be in 0 to 1")
        require(self.neighbor > 0, "neighbor", self.neighbor, "be above 0")
        require(self.scale > 0, "scale", self.scale, "be above 0")
        require(self.min_size >= 4, "min-size", self.min_size, "be 4 or more")
        require(
            self.max_size >= self.min_size, "max-size", self.max_size, "not be below --min-size"
        )
        require(self.edges in ("skip", "shift"), "edges", self.edges, "be skip or shift")
        require(
            0 <= self.deblend_contrast <= 1,
            "deblend-contrast",
            self.deblend_contrast,
            "be in 0 to 1",
        )
        require(self.mesh >= 8, "mesh", self.mesh, "be 8 or more")
