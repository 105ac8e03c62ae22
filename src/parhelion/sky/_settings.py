"""Settings of `widefield`; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require

FORMATS = ("auto", "png", "tiff", "deepzoom", "fits")
#: Largest view that is written as one PNG by itself, and as one FITS file; in pixels square.
LARGEST_PNG, LARGEST_FITS = 8192, 20_000

# What the grid, whose images are as they are, would not heed.
_OF_A_SKY = (
    "placement", "cluster_members", "cluster_radius", "draw_from", "flux_law", "scale",
    "max_enlarge", "max_gain", "color_jitter", "psf", "psf_shape", "noise", "stars", "star_law",
    "spikes", "spike_angle",
)  # fmt: skip


@dataclass(frozen=True)
class WidefieldSettings:
    """A wide view: how large, how many galaxies, and which real field it follows."""

    count: int | None = None
    """Galaxies to place; by default as many to the area as the real field has, or every row of
    the table that --placement names."""
    size: int = 4096
    """Side of the view, in pixels."""
    seed: int = 0
    """Seed of the places, turns, sizes, brightnesses and the sky's noise."""
    like: str | None = None
    """Real field whose sky, sizes and brightnesses are followed; default: the Hubble Deep Field
    that comes with scikit-image."""
    min_area: int = 100
    """Smallest source of the real field to follow, in pixels above 1.5 background RMS."""
    layout: Literal["sky", "grid"] = "sky"
    """sky is a continuous field; grid is the paper's own way, a chaotic grid of resized whole
    images, for comparison."""
    placement: str = "uniform"
    """uniform, clustered, or a table of positions (Parquet, CSV or FITS): columns x, y in pixels
    or ra, dec in degrees, and optionally image_id, flux, size (semi-major axis, pixels) and angle
    (degrees)."""
    cluster_members: float = 20.0
    """Mean number of galaxies to a cluster, with --placement clustered."""
    cluster_radius: float = 200.0
    """RMS radius of a cluster along each axis, in pixels."""
    draw_from: str | None = None
    """Table (Parquet, CSV or FITS) whose columns flux and size are drawn from together, in place
    of the real field's sources."""
    flux_law: float | None = None
    """Slope of the number counts: N(brighter than S) goes as S to the minus this, between the
    faintest and the brightest source that is followed; 1.5 is Euclidean."""
    scale: float = 1.0
    """Galaxies are this many times as large as those followed, at the same surface brightness."""
    max_enlarge: float = 1.5
    """Most that a galaxy may be enlarged, before it looks blurry."""
    max_gain: float = 2.5
    """Most that a galaxy may be brightened, before its own noise shows."""
    color_jitter: float = 0.0
    """Scatter of each galaxy's color between red and blue, in e-folds of those channels."""
    psf: tuple[float, ...] = ()
    """Full width at half maximum of a point-spread function that the galaxies get, in pixels;
    one for all bands, or one to each."""
    psf_shape: Literal["moffat", "gaussian"] = "moffat"
    """Profile of that function and of stars; the Moffat has beta 3.5."""
    noise: tuple[float, ...] = (1.0,)
    """Factor of the sky's noise; one for all bands, or one to each."""
    stars: int = 0
    """Stars to add, with diffraction spikes where they are bright."""
    star_law: float = 0.7
    """Slope of the stars' number counts."""
    spikes: Literal[0, 4, 6] = 4
    """Diffraction spikes of a star."""
    spike_angle: float = 30.0
    """Angle of the first spike from +x towards +y, in degrees."""
    ra: float = 189.2
    """Right ascension of the middle, in degrees (ICRS)."""
    dec: float = 62.2
    """Declination of the middle, in degrees."""
    pixel_scale: float = 0.1
    """Arcseconds to a pixel."""
    format: tuple[Literal["auto", "png", "tiff", "deepzoom", "fits"], ...] = ("auto",)
    """File formats, one or several; auto is PNG up to 8,192 pixels square and deep-zoom tiles
    above."""
    zoom_tile: int = 512
    """Side of the deep-zoom tiles, in pixels."""
    quality: int = 88
    """JPEG quality of the deep-zoom tiles."""
    tile: int = 1024
    """Side of the tiles that are rendered at a time; the result does not depend on it."""
    workers: int | None = None
    """Tiles to render at the same time; default: one to a CPU. The result does not depend on it."""
    resume: bool = False
    """Continue a view that was interrupted, from the deep-zoom tiles that are there."""
    overwrite: bool = False
    """Replace a view that is already there."""

    def __post_init__(self) -> None:
        require(self.count is None or self.count >= 1, "count", self.count, "be 1 or more")
        require(16 <= self.size <= 1_000_000, "size", self.size, "be in 16 to 1,000,000")
        require(0 <= self.seed < 2**63, "seed", self.seed, "be in 0 to 2**63 - 1")
        require(self.min_area >= 5, "min-area", self.min_area, "be 5 or more")
        require(self.layout in ("sky", "grid"), "layout", self.layout, "be sky or grid")
        for flag in _OF_A_SKY:
            plain = getattr(self, flag) == getattr(WidefieldSettings, flag)
            require(
                self.layout == "sky" or plain,
                "layout", self.layout, f"be sky with --{flag.replace('_', '-')}",
            )  # fmt: skip
        for flag in ("cluster_members", "cluster_radius", "scale", "max_enlarge", "max_gain",
                     "star_law", "pixel_scale"):  # fmt: skip
            value = getattr(self, flag)
            require(value > 0, flag.replace("_", "-"), value, "be above 0")
        require(self.flux_law is None or self.flux_law > 0, "flux-law", self.flux_law, "be above 0")
        require(
            self.flux_law is None or self.draw_from is None,
            "flux-law",
            self.flux_law,
            "not be given together with --draw-from",
        )
        require(self.color_jitter >= 0, "color-jitter", self.color_jitter, "be 0 or more")
        require(
            len(self.psf) in (0, 1, 3) and all(0 < fwhm <= 50 for fwhm in self.psf),
            "psf", self.psf, "be one value, or one to each band, above 0 and up to 50",
        )  # fmt: skip
        require(
            self.psf_shape in ("moffat", "gaussian"),
            "psf-shape", self.psf_shape, "be moffat or gaussian",
        )  # fmt: skip
        require(
            len(self.noise) in (1, 3) and all(factor >= 0 for factor in self.noise),
            "noise", self.noise, "be one factor, or one to each band, 0 or more",
        )  # fmt: skip
        require(self.stars >= 0, "stars", self.stars, "be 0 or more")
        require(self.spikes in (0, 4, 6), "spikes", self.spikes, "be 0, 4 or 6")
        require(0 <= self.ra < 360, "ra", self.ra, "be in 0 to 360")
        require(-90 <= self.dec <= 90, "dec", self.dec, "be in -90 to 90")
        require(self.pixel_scale <= 3600, "pixel-scale", self.pixel_scale, "be up to 3600")
        require(
            len(self.format) > 0 and set(self.format) <= set(FORMATS),
            "format", self.format, f"be among {', '.join(FORMATS)}",
        )  # fmt: skip
        require(
            "png" not in self.format or self.size <= 4 * LARGEST_PNG,
            "format", "png", f"be another above {4 * LARGEST_PNG:,} pixels square",
        )  # fmt: skip
        require(
            "fits" not in self.format or self.size <= LARGEST_FITS,
            "format", "fits", f"be another above {LARGEST_FITS:,} pixels square; "
            "write parts of the view with `parhelion region`",
        )  # fmt: skip
        require(
            self.zoom_tile in (16, 32, 64, 128, 256, 512, 1024),
            "zoom-tile", self.zoom_tile, "be a power of two from 16 to 1,024",
        )  # fmt: skip
        require(1 <= self.quality <= 100, "quality", self.quality, "be in 1 to 100")
        require(self.tile >= 16, "tile", self.tile, "be 16 or more")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be 1 or more")
        require(
            not (self.resume and self.overwrite), "resume", True, "not be given with --overwrite"
        )

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats with auto resolved, in the order of `FORMATS`, each once."""
        auto = "png" if self.size <= LARGEST_PNG else "deepzoom"
        wanted = {auto if name == "auto" else name for name in self.format}
        return tuple(name for name in FORMATS if name in wanted)


@dataclass(frozen=True)
class RegionSettings:
    """A part of a wide view, rendered again from its recipe."""

    x: int = 0
    """First column, 0-based pixels of the view."""
    y: int = 0
    """First row, counted from the top."""
    width: int = 1024
    """Columns."""
    height: int = 1024
    """Rows."""

    def __post_init__(self) -> None:
        require(self.x >= 0, "x", self.x, "be 0 or more")
        require(self.y >= 0, "y", self.y, "be 0 or more")
        require(1 <= self.width <= LARGEST_FITS, "width", self.width, "be in 1 to 20,000")
        require(1 <= self.height <= LARGEST_FITS, "height", self.height, "be in 1 to 20,000")
