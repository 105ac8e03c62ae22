"""Settings of the generators; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require

SIZES = (32, 64, 128, 256, 512, 1024)
#: Seeds are this at most: torch takes 64 bits with a sign.
LAST_SEED = 2**63 - 1


@dataclass(frozen=True)
class GanSettings:
    """How to train a Lightweight GAN."""

    image_size: int = 64
    """Side of the images, in pixels: 32, 64, 128, 256, 512 or 1024."""
    width: int = 16
    """Channels at full resolution; they double with each halving of the side."""
    max_channels: int = 128
    """Most channels at any resolution."""
    discriminator_width: int = 0
    """The discriminator's channels at full resolution; 0 for as many as the generator's."""
    latent: int = 128
    """Length of the latent vector."""
    noise: bool = True
    """Give the generator a map of random numbers at each of its resolutions, for what is random
    in an image, such as the noise of the sky."""
    upsampling: Literal["nearest", "shuffle"] = "nearest"
    """How the generator doubles a side: by repeating pixels, or by pixel shuffle."""
    channels: Literal[1, 3] = 3
    """1 for gray images, 3 for RGB."""
    condition_on: tuple[Literal["label", "source"], ...] = ()
    """Columns of the catalog that both networks are conditioned on: label (morphology, say),
    source (survey)."""
    condition_from: float = 0.0
    """Share of the run before which the conditions count for nothing."""
    condition_fully: float = 0.0
    """Share of the run after which they count in full; in between, their strength grows. Few images
    to a class need it, or each class's images become alike."""
    start: str | None = None
    """Model to fine-tune: a folder, or the name of one that ships. The run's sizes must be its."""
    images: int = 200_000
    """Real images to show to the discriminator before training ends; a run may be resumed with
    others, see --cooldown."""
    batch: int = 16
    """Images in a step."""
    accumulate: int = 1
    """Equal parts of a batch that are computed one after the other, to save memory; batch
    statistics are then those of a part."""
    learning_rate: float = 2e-4
    """Adam's learning rate for the generator."""
    cooldown: float = 0.0
    """Last share of the run over which the learning rates fall to zero; it ends the swings of a
    generator and its critic. A run that is resumed within it with more --images jumps back to
    higher rates."""
    discriminator_pace: float = 1.0
    """The discriminator's learning rate, as a multiple of the generator's."""
    beta1: float = 0.5
    """Adam's first decay rate."""
    beta2: float = 0.9
    """Adam's second decay rate."""
    penalty_every: int = 4
    """Steps between gradient penalties."""
    penalty_weight: float = 0.1
    """Weight of the gradient penalty (R1) at real images."""
    penalize_made: bool = False
    """Take the penalty at made images too."""
    augment_probability: float = 0.25
    """Probability with which each differentiable augmentation is applied to an image."""
    augmentations: tuple[str, ...] = ("translation", "cutout", "color")
    """Differentiable augmentations, of: translation, cutout, color."""
    dihedral: bool = True
    """Turn and mirror real images at random: a galaxy has no up."""
    ema_half_life: float = 10_000.0
    """Half-life of the averaged weights that are kept, in images."""
    seed: int = 0
    """Seed of the weights, the data order and every random number."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic; auto takes bfloat16 where the hardware multiplies it natively."""
    processes: int = 1
    """Devices or CPU processes that share each batch."""
    compile: bool = False
    """Compile the networks: minutes at the start, faster steps on a GPU."""
    checkpoint_every: int = 5_000
    """Images between checkpoints."""
    sample_every: int = 5_000
    """Images between sample grids."""
    log_every: int = 320
    """Images between lines of the log."""

    def __post_init__(self) -> None:
        require(self.image_size in SIZES, "image-size", self.image_size, f"be one of {SIZES}")
        require(self.channels in (1, 3), "channels", self.channels, "be 1 or 3")
        for name in (
            "width",
            "max_channels",
            "latent",
            "images",
            "accumulate",
            "penalty_every",
            "processes",
            "checkpoint_every",
            "sample_every",
            "log_every",
        ):
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        require(self.batch >= 2, "batch", self.batch, "be at least 2, for batch statistics")
        require(
            self.batch % (self.processes * self.accumulate) == 0,
            "batch",
            self.batch,
            f"be divisible by --processes (={self.processes}) times --accumulate "
            f"(={self.accumulate})",
        )
        require(
            self.batch >= 2 * self.accumulate,
            "accumulate",
            self.accumulate,
            f"be at most half of --batch (={self.batch}), for batch statistics",
        )
        require(
            self.discriminator_width >= 0,
            "discriminator-width",
            self.discriminator_width,
            "not be negative",
        )
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(
            0 < self.learning_rate * self.discriminator_pace < 1,
            "discriminator-pace",
            self.discriminator_pace,
            "be positive, and below 1 times --learning-rate",
        )
        require(
            0 <= self.condition_from <= self.condition_fully <= 1,
            "condition-from",
            self.condition_from,
            f"be in 0 to --condition-fully (={self.condition_fully}), and that at most 1",
        )
        require(0 <= self.cooldown <= 1, "cooldown", self.cooldown, "be in [0, 1]")
        require(
            0 <= self.augment_probability <= 1,
            "augment-probability",
            self.augment_probability,
            "be in [0, 1]",
        )
        unknown = sorted(set(self.augmentations) - {"translation", "cutout", "color"})
        require(not unknown, "augmentations", unknown, "be of translation, cutout, color")
        require(self.penalty_weight >= 0, "penalty-weight", self.penalty_weight, "not be negative")
        require(self.ema_half_life > 0, "ema-half-life", self.ema_half_life, "be positive")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
        for name in ("beta1", "beta2"):
            value = getattr(self, name)
            require(0 <= value < 1, name, value, "be in [0, 1)")


#: The weights that ship, which `generate`, `interpolate` and `sheet` take unless told otherwise.
DEFAULT_MODEL = "galaxies-64"


@dataclass(frozen=True)
class GenerateSettings:
    """What to draw from a trained generator."""

    count: int = 64
    """Images to make."""
    seed: int = 0
    """Seed of the first image; the next ones follow by one."""
    label: str | None = None
    """Class to draw, for a conditional model; as often as in its training data when not given."""
    source: str | None = None
    """Survey to imitate, for a model conditioned on it; as often as in its training data when not
    given."""
    truncation: float = 1.0
    """Factor of the latent vectors, 0 to 1: less gives more typical and less varied images, 0 the
    mean of a class; 1 is off."""
    steps: int | None = None
    """Steps back from noise of a diffusion model; 25 when not given, 50 for a pipeline."""
    guidance: float | None = None
    """How far a diffusion model goes towards a class and away from images in general: 1 is the
    class itself, more is more typical and less varied; 1.5 when not given (1 for a model that knows
    no classes, or saw no images without theirs), 8 for a pipeline."""
    prompt: str | None = None
    """What a text-to-image pipeline draws, with {label} for the class; when not given, what a LoRA
    was taught with, and "A realistic image of {label} in space" for other pipelines."""
    format: Literal["png", "jpg", "webp"] = "png"
    """File format."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    overwrite: bool = False
    """Replace a catalog that is already there, and draw every image anew."""

    def __post_init__(self) -> None:
        require(self.count >= 1, "count", self.count, "be at least 1")
        require(0 <= self.seed <= LAST_SEED, "seed", self.seed, "be in 0 to 2**63 - 1")
        _require_truncation(self.truncation)
        _require_sampling(self.steps, self.guidance)


@dataclass(frozen=True)
class VarySettings:
    """How to make variations of images with a diffusion model."""

    strength: float = 0.4
    """Share of the way to noise that an image is taken: more changes more."""
    copies: int = 1
    """Variations of each image."""
    seed: int = 0
    """Seed of the noise."""
    steps: int | None = None
    """Steps of the whole way back from noise; 25 when not given, 50 for a pipeline."""
    guidance: float | None = None
    """How far to go towards the image's class; 1.5 when not given, 8 for a pipeline."""
    prompt: str | None = None
    """What a text-to-image pipeline draws towards, with {label} for the class; when not given, what
    a LoRA was taught with, and "A realistic image of {label} in space" for other pipelines."""
    split: Literal["train", "all"] = "train"
    """Part of a split catalog to vary; one that is not split is varied whole."""
    format: Literal["png", "jpg", "webp"] = "png"
    """File format."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    overwrite: bool = False
    """Replace a catalog that is already there."""

    def __post_init__(self) -> None:
        require(0 < self.strength <= 1, "strength", self.strength, "be in (0, 1]")
        require(self.copies >= 1, "copies", self.copies, "be at least 1")
        require(0 <= self.seed <= LAST_SEED, "seed", self.seed, "be in 0 to 2**63 - 1")
        _require_sampling(self.steps, self.guidance)


@dataclass(frozen=True)
class InterpolateSettings:
    """How to show a walk through latent space: as a film, or as a strip of frames."""

    frames: int | None = None
    """Frames from one stop to the next; by default 24 in a film and 8 in a strip."""
    loop: bool | None = None
    """Return from the last stop to the first; by default films do and strips do not."""
    ease: bool = False
    """Slow down at each stop; otherwise the walk keeps its pace."""
    frames_per_second: int = 24
    """Speed of the film."""
    truncation: float = 1.0
    """Factor of the latent vectors, 0 to 1: less gives more typical and less varied images; 1 is
    off."""
    scale: int = 4
    """Enlarge each frame by this whole factor."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""

    def __post_init__(self) -> None:
        require(self.frames is None or self.frames >= 1, "frames", self.frames, "be at least 1")
        require(
            1 <= self.frames_per_second <= 100,
            "frames-per-second",
            self.frames_per_second,
            "be in 1..100",
        )
        _require_truncation(self.truncation)
        require(1 <= self.scale <= 32, "scale", self.scale, "be in 1..32")


@dataclass(frozen=True)
class SheetSettings:
    """What a contact sheet shows, and how it is laid out."""

    count: int | None = None
    """Images, or rows of a sweep, when no seeds are given; by default 64, and 8 in a sweep."""
    seed: int = 0
    """Seed of the first of them; the next ones follow by one."""
    sweep: Literal["label", "source", "truncation"] | None = None
    """Make each row one seed and each column a class, or an amount of truncation: one latent
    vector throughout the row."""
    label: str | None = None
    """Class to draw, for a conditional model."""
    source: str | None = None
    """Survey to imitate, for a model conditioned on it."""
    truncation: float = 1.0
    """Factor of the latent vectors, 0 to 1: less gives more typical and less varied images; 1 is
    off."""
    steps: int | None = None
    """Steps back from noise of a diffusion model; 25 when not given."""
    guidance: float | None = None
    """How far a diffusion model goes towards a class; 1.5 when not given."""
    columns: int | None = None
    """Images in a row; by default as many as make the sheet about square. A sweep has its own."""
    scale: int | None = None
    """Enlarge each image by this whole factor; by default to 128 pixels or a little more."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""

    def __post_init__(self) -> None:
        require(self.count is None or self.count >= 1, "count", self.count, "be at least 1")
        require(0 <= self.seed <= LAST_SEED, "seed", self.seed, "be in 0 to 2**63 - 1")
        _require_truncation(self.truncation)
        _require_sampling(self.steps, self.guidance)
        require(self.columns is None or self.columns >= 1, "columns", self.columns, "be at least 1")
        require(
            self.columns is None or self.sweep is None,
            "columns",
            self.columns,
            f"not be given with --sweep (={self.sweep}), which has a column to each class",
        )
        require(self.scale is None or 1 <= self.scale <= 32, "scale", self.scale, "be in 1..32")
        for name in ("label", "source", "truncation"):
            value = getattr(self, name)
            require(
                self.sweep != name or value in (None, 1.0),
                name,
                value,
                "not be given with --sweep over the same",
            )


def _require_truncation(value: float) -> None:
    require(0 <= value <= 1, "truncation", value, "be in [0, 1]")


def _require_sampling(steps: int | None, guidance: float | None) -> None:
    require(steps is None or 1 <= steps <= 1000, "steps", steps, "be in 1..1000")
    require(guidance is None or 0 <= guidance <= 20, "guidance", guidance, "be in [0, 20]")
