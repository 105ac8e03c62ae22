"""Settings of `measure_field`; light, since the command line reads them for its help."""

from dataclasses import dataclass

from parhelion._settings import require


@dataclass(frozen=True)
class MeasureFieldSettings:
    """How to find the sources of a wide view, and when one counts as found."""

    threshold: float = 2.5
    """Isophote of a detection, in background RMS."""
    min_area: int = 9
    """Fewest connected pixels above the isophote."""
    min_snr: float = 10.0
    """Least flux of a detection, in units of the noise of as many independent pixels. The sky's are
    not independent: of its noise alone, some 6 detections to a megapixel pass 10 on a sky like the
    Hubble Deep Field's, and 170 pass 7."""
    deblend_contrast: float = 0.02
    """Least share of the flux that a blended neighbor has; 1 never deblends."""
    radius: float = 1.0
    """Farthest that a detection may be from its galaxy, in the galaxy's semi-major axes."""
    min_radius: float = 2.0
    """The same for small galaxies, in pixels."""
    limit_snr: float = 10.0
    """Galaxies that should stand out by this much count for the completeness above the limit."""
    bins: int = 8
    """Bins of completeness against flux, each with equally many galaxies."""
    tile: int = 1024
    """Side of the tiles in which sources are found, in pixels."""
    margin: int = 128
    """Overlap of the tiles to each side, in pixels; more than a galaxy's radius."""
    mesh: int = 64
    """Side of the cells in which the background is measured, in pixels."""

    def __post_init__(self) -> None:
        require(self.threshold > 0, "threshold", self.threshold, "be above 0")
        require(self.min_area >= 1, "min-area", self.min_area, "be 1 or more")
        require(self.min_snr >= 0, "min-snr", self.min_snr, "be 0 or more")
        require(
            0 <= self.deblend_contrast <= 1,
            "deblend-contrast",
            self.deblend_contrast,
            "be in 0 to 1",
        )
        require(self.radius > 0, "radius", self.radius, "be above 0")
        require(self.min_radius > 0, "min-radius", self.min_radius, "be above 0")
        require(self.limit_snr > 0, "limit-snr", self.limit_snr, "be above 0")
        require(self.bins >= 1, "bins", self.bins, "be 1 or more")
        require(self.tile >= 64, "tile", self.tile, "be 64 or more")
        require(self.margin >= 0, "margin", self.margin, "be 0 or more")
        require(self.mesh >= 8, "mesh", self.mesh, "be 8 or more")
