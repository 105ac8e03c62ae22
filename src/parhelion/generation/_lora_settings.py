"""Settings of fine-tuning a pipeline; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class LoraSettings:
    """How to teach a pretrained pipeline one's own classes."""

    prompt: str = "A realistic image of {label} in space"
    """What an image is said to show; {label} stands for its class, underscores as spaces."""
    rank: int = 8
    """Rank of what is added to each attention matrix (Hu et al. 2021)."""
    image_size: int | None = None
    """Side of the images, in pixels, a multiple of 8; the pipeline's own when not given."""
    unprompted: float = 0.1
    """Share of training images shown with an empty text: what guidance is away from."""
    images: int = 20_000
    """Images to show before training ends."""
    batch: int = 4
    """Images in a step."""
    learning_rate: float = 1e-4
    """AdamW's learning rate."""
    dihedral: bool = True
    """Turn and mirror training images at random: a galaxy has no up."""
    seed: int = 0
    """Seed of the weights, the data order and every random number."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic; auto takes bfloat16 where the hardware multiplies it natively."""
    checkpoint_every: int = 1_000
    """Images between checkpoints."""
    log_every: int = 100
    """Images between lines of the log."""
    data_name: str = ""
    """What the data is, for the model's card; the catalogs' folder names when empty."""
    credits: str = ""
    """Whom to thank for the data, for the model's card."""

    def __post_init__(self) -> None:
        for name in ("rank", "images", "batch", "checkpoint_every", "log_every"):
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        require(
            self.image_size is None or (self.image_size >= 8 and self.image_size % 8 == 0),
            "image-size",
            self.image_size,
            "be a multiple of 8",
        )
        require(0 <= self.unprompted <= 1, "unprompted", self.unprompted, "be in [0, 1]")
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
