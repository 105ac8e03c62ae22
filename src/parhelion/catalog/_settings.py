"""Settings of decoding, `ingest` and `split`; light, since the command line reads them."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class DecodeSettings:
    """How large an image may be, and how counts become gray levels."""

    pixel_limit: int = 300_000_000
    """Most pixels of one stored image, all its planes together; checked before it is read."""
    noise_level: float = 0.04
    """Share of the display range that one standard deviation of sky noise gets."""
    black_sigma: float = 2.0
    """Black lies this many standard deviations of the noise below the sky."""
    white_percentile: float = 99.9
    """White is this percentile of the brightness."""

    def __post_init__(self) -> None:
        require(self.pixel_limit >= 1, "pixel-limit", self.pixel_limit, "be 1 or more")
        require(0 < self.noise_level < 1, "noise-level", self.noise_level, "lie between 0 and 1")
        require(0 <= self.black_sigma <= 100, "black-sigma", self.black_sigma, "be 0 to 100")
        ok = 50 < self.white_percentile <= 100
        require(ok, "white-percentile", self.white_percentile, "be above 50, at most 100")


@dataclass(frozen=True)
class IngestSettings(DecodeSettings):
    """How files become a catalog."""

    near_duplicates: bool = True
    """Put near-duplicates (recompressed, resized, turned, mirrored) into one group."""
    bands: Literal["auto", "off"] = "auto"
    """Join FITS files whose names differ only in the band (`_g`, `_r`, `-F814W`) into color."""
    origin: Literal[
        "observed",
        "augmented",
        "enhanced",
        "gan",
        "vae",
        "diffusion",
        "text_to_image",
        "image_to_image",
        "reconstructed",
    ] = "observed"
    """What the images are; a file that carries a mark is what its mark says."""
    workers: int | None = None
    """Processes that decode; one for each core when not given."""
    overwrite: bool = False
    """Replace a catalog that is already there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ok = self.workers is None or self.workers >= 1
        require(ok, "workers", self.workers, "be 1 or more")


@dataclass(frozen=True)
class SplitSettings:
    """Which share of the images goes where."""

    train: float = 0.7
    """Share to train on."""
    validation: float = 0.15
    """Share to choose settings and stop by."""
    test: float = 0.15
    """Share that is only measured on."""
    seed: int = 0
    """Seed of the draw."""

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            value = getattr(self, name)
            require(0 <= value <= 1, name, value, "be 0 to 1")
        total = self.train + self.validation + self.test
        ok = abs(total - 1) < 1e-6
        require(ok, "train", self.train, f"make 1 with --validation and --test, not {total:g}")
        require(self.seed >= 0, "seed", self.seed, "be 0 or more")


@dataclass(frozen=True)
class ScreenSettings:
    """What makes an image unfit to learn from."""

    least: int = 48
    """Images whose shorter side has fewer pixels are tiny."""
    contrast: float = 3.0
    """Images whose luma varies by less (its standard deviation, in gray levels) are blank."""
    lettering: float = 0.002
    """Share of an image's area that lines of lettering may take."""
    reasons: tuple[Literal["tiny", "blank", "lettering", "duplicate", "unreadable"], ...] = (
        "tiny",
        "blank",
        "lettering",
        "duplicate",
        "unreadable",
    )
    """For which of these images are set aside in --out."""
    workers: int | None = None
    """Threads; one for each core when not given."""
    overwrite: bool = False
    """Replace a catalog that is there."""

    def __post_init__(self) -> None:
        require(self.least >= 1, "least", self.least, "be at least 1")
        require(0 <= self.contrast <= 128, "contrast", self.contrast, "be in 0..128")
        require(0 <= self.lettering <= 1, "lettering", self.lettering, "be in [0, 1]")
        require(bool(self.reasons), "reasons", self.reasons, "name at least one")
        ok = self.workers is None or self.workers >= 1
        require(ok, "workers", self.workers, "be 1 or more")
