"""Settings of diffusion models; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class DiffusionSettings:
    """How to train a diffusion model."""

    image_size: int = 64
    """Side of the images, in pixels; divisible by --factor, and by 2 for each of --widths but the
    last."""
    channels: Literal[1, 3] = 3
    """1 for gray images, 3 for RGB."""
    factor: Literal[1, 4, 8] = 1
    """1 works on pixels; above, on maps whose sides are so many times smaller, of a small
    autoencoder that is trained first, on the same images: much quicker (latent diffusion)."""
    latent_channels: int = 4
    """Channels of these maps."""
    autoencoder_width: int = 48
    """Channels of the autoencoder at half the side; further down twice as many."""
    autoencoder_images: int = 100_000
    """Images to train it on."""
    grain: bool = True
    """Give back what the autoencoder loses, a sky's noise above all, as random noise of the same
    power, color and correlation."""
    widths: tuple[int, ...] = (32, 64, 96, 128)
    """Channels of the network at each resolution, from that of the image (or of its map) on; each
    is half of the one before."""
    blocks: int = 1
    """Residual blocks at each resolution."""
    attention: int = 16
    """Largest side at which the network looks at all of the image at once, in pixels."""
    dropout: float = 0.1
    """Share of features that are dropped in training, against learning images by heart."""
    condition_on: tuple[Literal["label", "source"], ...] = ()
    """Columns of the catalog that the network is conditioned on: label (morphology, say), source
    (survey)."""
    unconditional: float = 0.1
    """Share of training images shown without their class: what guidance is away from, so that
    without any there is none."""
    balance: Literal["images", "classes"] = "images"
    """What is drawn equally often in training; classes are those of --condition-on."""
    images: int = 200_000
    """Images to show before training ends; a run may be resumed with others, see --cooldown."""
    batch: int = 32
    """Images in a step."""
    learning_rate: float = 4e-4
    """Adam's learning rate."""
    warmup: int = 4_000
    """Images over which the learning rate rises from 0."""
    cooldown: float = 0.3
    """Last share of the run over which the learning rate falls to nothing; a run that is resumed
    within it with more --images jumps back to a higher rate."""
    noise_mean: float = -1.2
    """Mean of the natural logarithm of the noise in training."""
    noise_spread: float = 1.2
    """Standard deviation of that logarithm."""
    dihedral: bool = True
    """Turn and mirror training images at random: a galaxy has no up."""
    ema_half_life: float = 10_000.0
    """Half-life of the averaged weights that are kept, in images."""
    seed: int = 0
    """Seed of the weights, the data order and every random number."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic; auto takes bfloat16 where the hardware multiplies it natively."""
    checkpoint_every: int = 10_000
    """Images between checkpoints."""
    sample_every: int = 20_000
    """Images between sample grids."""
    log_every: int = 640
    """Images between lines of the log."""
    data_name: str = ""
    """What the data is, for the model's card; the catalogs' folder names when empty."""
    credits: str = ""
    """Whom to thank for the data, for the model's card."""

    def __post_init__(self) -> None:
        require(self.channels in (1, 3), "channels", self.channels, "be 1 or 3")
        require(
            bool(self.widths) and all(width >= 8 and width % 8 == 0 for width in self.widths),
            "widths",
            self.widths,
            "be multiples of 8, one for each resolution",
        )
        require(self.factor in (1, 4, 8), "factor", self.factor, "be 1, 4 or 8")
        width = self.autoencoder_width
        require(width >= 8 and width % 8 == 0, "autoencoder-width", width, "be a multiple of 8")
        halvings = self.factor * 2 ** (len(self.widths) - 1)
        require(
            self.image_size >= 16 and self.image_size % halvings == 0,
            "image-size",
            self.image_size,
            f"be at least 16 and divisible by {halvings}, for --factor and so many --widths",
        )
        for name in (
            "latent_channels",
            "autoencoder_images",
            "blocks",
            "images",
            "checkpoint_every",
            "sample_every",
            "log_every",
        ):
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        for name in ("attention", "warmup", "seed"):
            value = getattr(self, name)
            require(value >= 0, name, value, "not be negative")
        require(self.batch >= 1, "batch", self.batch, "be at least 1")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "be in [0, 1)")
        require(0 <= self.unconditional < 1, "unconditional", self.unconditional, "be in [0, 1)")
        require(
            self.balance == "images" or bool(self.condition_on),
            "balance",
            self.balance,
            "be images without --condition-on",
        )
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(0 <= self.cooldown <= 1, "cooldown", self.cooldown, "be in [0, 1]")
        require(self.noise_spread > 0, "noise-spread", self.noise_spread, "be positive")
        require(self.ema_half_life > 0, "ema-half-life", self.ema_half_life, "be positive")

    @property
    def can_guide(self) -> bool:
        """Whether there are classes to go towards, and images in general to go away from."""
        return bool(self.condition_on) and self.unconditional > 0

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what the network works on: an image, or its map."""
        side = self.image_size // self.factor
        return (self.channels if self.factor == 1 else self.latent_channels, side, side)
