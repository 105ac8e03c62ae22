"""Settings of augmentation; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require

#: The upscaler that ships.
DEFAULT_UPSCALER = "telescope-2"
#: The standard augmentations (FLARE, stage 1).
CHANGES = ("flip", "color", "crop", "perspective", "rotation", "blur")


@dataclass(frozen=True)
class UpscalerSettings:
    """How to train a SwinIR on one's own images, made smaller as a telescope would."""

    scale: Literal[2, 4] = 2
    """How many times larger each side becomes."""
    patch: int = 32
    """Side of the small training patches, in pixels; a multiple of --window."""
    width: int = 48
    """Channels of the network."""
    depths: tuple[int, ...] = (4, 4, 4)
    """Attention layers of each residual block."""
    heads: int = 4
    """Attention heads of each layer."""
    window: int = 8
    """Side of the windows in which attention looks, in pixels."""
    start: str | None = None
    """Upscaler to train on: a run's folder, or the name of one that ships. The network's sizes must
    be its."""
    images: int = 100_000
    """Patches to show before training ends."""
    batch: int = 4
    """Patches in a step. Without a GPU few are best: it lacks steps more than patches."""
    learning_rate: float = 5e-4
    """Adam's learning rate."""
    cooldown: float = 0.5
    """Share of the run, at its end, over which the learning rate falls to nothing."""
    ema_half_life: float = 4_000.0
    """Half-life of the averaged weights that are kept, in patches."""
    psf: tuple[float, float] = (0.8, 2.4)
    """Full width at half maximum of the point-spread function that is added, in pixels of the
    large image, drawn between these."""
    electrons: tuple[float, float] = (500.0, 10_000.0)
    """Electrons of a white pixel of the small image, drawn between these: fewer are noisier. At
    these a sky of 20 gray levels has noise of 0.7 to 3.2, as cut-outs of SDSS have."""
    read_noise: float = 1.0
    """Largest standard deviation of the read noise, in gray levels."""
    quality: tuple[int, int] = (75, 98)
    """JPEG quality of small patches, drawn between these."""
    recompress: float = 0.5
    """Share of small patches that are JPEGs."""
    validate_every: int = 10_000
    """Patches between validations."""
    validate_on: int = 128
    """Most validation images that one looks at."""
    seed: int = 0
    """Seed of the weights, the data order and every random number."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic; auto takes bfloat16 where the hardware multiplies it natively."""
    workers: int | None = None
    """Threads that decode and degrade; one for each core when not given."""
    cache_mb: int = 2048
    """Memory for decoded training images, in megabytes; others are decoded at each use."""
    log_every: int = 320
    """Patches between lines of the log."""
    data_name: str | None = None
    """What the model's card calls the data; the catalogs' names when not given."""
    credits: str | None = None
    """Whom the card thanks for the data."""

    def __post_init__(self) -> None:
        require(self.scale in (2, 4), "scale", self.scale, "be 2 or 4")
        for name in (
            "width",
            "heads",
            "window",
            "images",
            "batch",
            "validate_every",
            "validate_on",
            "log_every",
        ):
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        require(
            self.patch >= 16 and self.patch % self.window == 0,
            "patch",
            self.patch,
            f"be at least 16 and a multiple of --window (={self.window})",
        )
        require(
            bool(self.depths) and min(self.depths) >= 1,
            "depths",
            self.depths,
            "be positive numbers, one for each block",
        )
        require(
            self.width % self.heads == 0,
            "width",
            self.width,
            f"be divisible by --heads (={self.heads})",
        )
        require(
            self.width >= 3, "width", self.width, "be at least 3: it carries the colors themselves"
        )
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(0 <= self.cooldown <= 1, "cooldown", self.cooldown, "be in [0, 1]")
        require(self.ema_half_life > 0, "ema-half-life", self.ema_half_life, "be positive")
        require(
            len(self.psf) == 2 and 0 <= self.psf[0] <= self.psf[1] <= 16,
            "psf",
            self.psf,
            "be two widths in 0..16 pixels, the lower first",
        )
        require(
            len(self.electrons) == 2 and 1 <= self.electrons[0] <= self.electrons[1],
            "electrons",
            self.electrons,
            "be two numbers of at least 1, the lower first",
        )
        require(0 <= self.read_noise <= 64, "read-noise", self.read_noise, "be in 0..64")
        require(
            len(self.quality) == 2 and 1 <= self.quality[0] <= self.quality[1] <= 100,
            "quality",
            self.quality,
            "be two JPEG qualities in 1..100, the lower first",
        )
        require(0 <= self.recompress <= 1, "recompress", self.recompress, "be in [0, 1]")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
        require(self.cache_mb >= 0, "cache-mb", self.cache_mb, "not be negative")
        require(self.seed >= 0, "seed", self.seed, "not be negative")


@dataclass(frozen=True)
class EnhanceSettings:
    """How to enlarge images."""

    tile: int = 256
    """Side of the tiles that the network sees, in pixels of the small image."""
    overlap: int = 32
    """Pixels that neighboring tiles share, over which one passes into the other."""
    batch: int = 4
    """Tiles in a step on a GPU; on a CPU each core has one."""
    format: Literal["png", "tiff"] = "png"
    """Format of the files; pictures of more than 100 megapixels become tiled TIFF."""
    overwrite: bool = False
    """Replace a catalog that is there."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic; auto takes bfloat16 where the network and the hardware can."""

    def __post_init__(self) -> None:
        require(self.overlap >= 0, "overlap", self.overlap, "not be negative")
        require(
            self.tile >= max(16, 2 * self.overlap),
            "tile",
            self.tile,
            f"be at least 16 and twice --overlap (={self.overlap})",
        )
        require(self.batch >= 1, "batch", self.batch, "be at least 1")


@dataclass(frozen=True)
class AugmentSettings:
    """How to alter images in the standard ways."""

    changes: tuple[str, ...] = CHANGES
    """Which, of: flip, color, crop, perspective, rotation, blur."""
    together: bool = False
    """Make all changes to one image, one after the other; else each gives an image of its own, as
    published."""
    copies: int = 1
    """Times that an image is altered so."""
    split: Literal["train", "all"] = "train"
    """Part of a split catalog to alter; one that is not split is altered whole."""
    color: float = 0.3
    """Largest change of brightness, contrast and saturation, as a share."""
    hue: float = 0.05
    """Largest change of hue, as a share of the circle."""
    crop: float = 0.6
    """Least share of the area that a crop keeps; it is brought back to the image's size."""
    perspective: float = 0.3
    """Largest way of a corner inwards, as a share of half a side; less where the perspective's
    horizon would come near."""
    rotation: float = 180.0
    """Largest rotation, in degrees."""
    blur: float = 1.5
    """Largest standard deviation of the blur, in pixels."""
    seed: int = 0
    """Seed of every random number."""
    format: Literal["png", "jpg"] = "png"
    """Format of the files."""
    overwrite: bool = False
    """Replace a catalog that is there."""
    workers: int | None = None
    """Threads; one for each core when not given."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.changes) - set(CHANGES))
        require(
            bool(self.changes) and not unknown,
            "changes",
            ", ".join(unknown) or "none",
            f"be some of {', '.join(CHANGES)}",
        )
        repeated = [name for name in CHANGES if self.changes.count(name) > 1]
        require(
            self.together or not repeated,
            "changes",
            ", ".join(repeated),
            "be given once each without --together; --copies makes more of each",
        )
        require(self.copies >= 1, "copies", self.copies, "be at least 1")
        require(0 <= self.color < 1, "color", self.color, "be in [0, 1)")
        require(0 <= self.hue <= 0.5, "hue", self.hue, "be in [0, 0.5]")
        require(0 < self.crop <= 1, "crop", self.crop, "be in (0, 1]")
        require(0 <= self.perspective <= 1, "perspective", self.perspective, "be in [0, 1]")
        require(0 <= self.rotation <= 180, "rotation", self.rotation, "be in 0..180 degrees")
        require(0.1 <= self.blur <= 8, "blur", self.blur, "be in 0.1..8 pixels")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
