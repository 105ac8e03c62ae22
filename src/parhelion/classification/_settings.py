"""Settings of the classifier; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class ClassifierSettings:
    """How to train a classifier of what an image shows."""

    backbone: str = "small"
    """Network: "small" is a compact residual one of the project's own; else a name that timm
    knows, such as resnet18 or legacy_xception, or googlenet, which is torchvision's."""
    pretrained: Literal["hub"] | Path | None = None
    """Weights to start a timm network from: a local .safetensors file, or "hub" to let timm
    fetch its own; else a random start."""
    image_size: int = 64
    """Side of the square that the classifier sees, in pixels."""
    classes: str | None = None
    """TOML file, or name of a recipe that ships, whose table [classes] says which class each
    label of the catalog belongs to; labels not in it are left out. Without it every label is a
    class."""
    judged: Literal["observed", "enhanced"] = "observed"
    """What the validation and test parts are: observed images, or these as `parhelion enhance`
    enlarged them, for a classifier that is to see such."""
    images: int = 200_000
    """Images to show before training ends, if it has not stopped early."""
    batch: int = 64
    """Images in a step."""
    learning_rate: float = 1e-3
    """AdamW's highest learning rate; it falls to 0 along a cosine."""
    warmup: int = 4_000
    """Images over which the learning rate rises from 0."""
    weight_decay: float = 0.05
    """AdamW's weight decay; biases and normalizations are exempt."""
    label_smoothing: float = 0.1
    """Share of each target that is spread over all classes."""
    balance: Literal["sampling", "weights", "none"] = "sampling"
    """Against rare classes being passed over: draw every class equally often, weigh the loss,
    or do nothing."""
    ema_half_life: float = 5_000.0
    """Half-life of the averaged weights that are judged and kept, in images."""
    validate_every: int | None = None
    """Images between validations; as many as the training part has when not given."""
    patience: int = 20
    """Validations without a higher macro F1 after which training stops."""
    flips: bool = True
    """Mirror and quarter-turn training images at random, without loss."""
    rotation: float = 180.0
    """Largest random rotation of a training image, in degrees."""
    zoom: float = 0.15
    """Largest random change of a training image's scale, as a share."""
    shift: float = 0.06
    """Largest random shift of a training image along either axis, as a share of its side."""
    color_jitter: float = 0.2
    """Largest random change of brightness, contrast and saturation, as a share."""
    blur: float = 1.0
    """Largest standard deviation of the random Gaussian blur, in pixels."""
    noise: float = 4.0
    """Largest standard deviation of the random Gaussian noise, in gray levels."""
    quality: tuple[int, int] = (50, 98)
    """JPEG quality of a training image that is encoded again, drawn between these two."""
    augment_probability: float = 0.5
    """Probability of each of: rotation with zoom and shift, color jitter, blur, noise, JPEG."""
    stored: Literal["fp32", "fp16"] = "fp32"
    """How weights are kept; with fp16 the figures are those of the rounded weights."""
    data_name: str = ""
    """What the data is, for the model's card; the catalogs' folder names when empty."""
    credits: str = ""
    """Whom to thank for the data, for the model's card."""
    seed: int = 0
    """Seed of the weights, the data order and every augmentation."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of training; a trained classifier always computes in fp32."""
    workers: int | None = None
    """Threads that decode and augment; one for each core when not given."""
    cache_mb: int = 2048
    """Memory for decoded training images, in megabytes; others are decoded at each use."""
    log_every: int = 640
    """Images between lines of the log."""

    def __post_init__(self) -> None:
        require(bool(self.backbone), "backbone", self.backbone, "be small or name a timm network")
        require(
            self.pretrained is None or self.backbone != "small",
            "pretrained",
            self.pretrained,
            "go with a timm --backbone: there are no weights of the small one to start from",
        )
        for name in ("images", "batch", "patience", "log_every"):
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        for name in ("validate_every", "workers"):
            value = getattr(self, name)
            require(value is None or value >= 1, name.replace("_", "-"), value, "be at least 1")
        for name in ("warmup", "weight_decay", "seed", "cache_mb"):
            value = getattr(self, name)
            require(value >= 0, name.replace("_", "-"), value, "not be negative")
        require(self.batch >= 2, "batch", self.batch, "be at least 2 for batch statistics")
        require(16 <= self.image_size <= 2048, "image-size", self.image_size, "be in 16..2048")
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(
            0 <= self.label_smoothing < 1, "label-smoothing", self.label_smoothing, "be in [0, 1)"
        )
        require(self.ema_half_life > 0, "ema-half-life", self.ema_half_life, "be positive")
        require(0 <= self.rotation <= 180, "rotation", self.rotation, "be in 0..180 degrees")
        require(0 <= self.zoom <= 0.4, "zoom", self.zoom, "be in [0, 0.4]")
        require(0 <= self.shift <= 0.2, "shift", self.shift, "be in [0, 0.2]")
        require(0 <= self.color_jitter < 1, "color-jitter", self.color_jitter, "be in [0, 1)")
        require(0 <= self.blur <= 8, "blur", self.blur, "be in 0..8 pixels")
        require(0 <= self.noise <= 64, "noise", self.noise, "be in 0..64 gray levels")
        require(
            len(self.quality) == 2 and 1 <= self.quality[0] <= self.quality[1] <= 100,
            "quality",
            self.quality,
            "be two JPEG qualities in 1..100, the lower first",
        )
        require(
            0 <= self.augment_probability <= 1,
            "augment-probability",
            self.augment_probability,
            "be in [0, 1]",
        )
