"""Settings of the detector; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class DetectorSettings:
    """How to train a detector of made images (AstroSpy)."""

    backbone: str = "resnet50"
    """Name of the timm network of each path; its classifier is removed."""
    pretrained: Path | None = None
    """Weights of that network to start from, a local .safetensors file; else a random start."""
    image_size: int = 224
    """Side of the square that the detector sees, in pixels."""
    paths: Literal["both", "image", "spectrum"] = "both"
    """What the detector looks at: the image, its Fourier spectrum, or both."""
    fusion: Literal["add", "concatenate"] = "add"
    """How the features of the two paths are joined."""
    images: int = 500_000
    """Images to show before training ends, if it has not stopped early."""
    batch: int = 32
    """Images in a step, half of them observed and half made."""
    learning_rate: float = 2e-5
    """Adam's learning rate."""
    ema_half_life: float = 5_000.0
    """Half-life of the averaged weights that are judged and kept, in images."""
    validate_every: int | None = None
    """Images between validations; one pass through the larger class when not given."""
    patience: int = 5
    """Validations without a lower loss after which training stops."""
    flips: bool = True
    """Mirror and quarter-turn training images at random, without loss."""
    rotation: float = 180.0
    """Largest random rotation of a training image, in degrees."""
    zoom: float = 0.25
    """Largest random change of a training image's scale, as a share."""
    color_jitter: float = 0.2
    """Largest random change of brightness, contrast and saturation, as a share."""
    blur: float = 1.0
    """Largest standard deviation of the random Gaussian blur, in pixels."""
    noise: float = 2.0
    """Largest standard deviation of the random Gaussian noise, in gray levels."""
    augment_probability: float = 0.5
    """Probability of each of: rotation with zoom, color jitter, blur, noise."""
    recompress: float = 0.5
    """Probability that a training image was a JPEG before: having been one must tell nothing."""
    quality: tuple[int, int] = (70, 98)
    """JPEG quality of training images, drawn between these two."""
    test_quality: int = 90
    """JPEG quality at which every image is judged."""
    error: float = 0.05
    """Share of either class that may be called the other, and of familiar images that may be
    set aside as unlike those learned from; validation images fix the thresholds for it."""
    seed: int = 0
    """Seed of the weights, the data order and every augmentation."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of training; verdicts are always computed in fp32."""
    workers: int | None = None
    """Threads that decode and augment; one for each core when not given."""
    cache_mb: int = 2048
    """Memory for decoded training images, in megabytes; others are decoded at each use."""
    log_every: int = 320
    """Images between lines of the log."""

    def __post_init__(self) -> None:
        require(bool(self.backbone), "backbone", self.backbone, "name a timm network")
        for name in ["images", "batch", "patience", "log_every"]:
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        for name in ["validate_every", "workers"]:
            value = getattr(self, name)
            require(value is None or value >= 1, name.replace("_", "-"), value, "be at least 1")
        require(16 <= self.image_size <= 2048, "image-size", self.image_size, "be in 16..2048")
        require(
            self.batch >= 4 and self.batch % 2 == 0,
            "batch",
            self.batch,
            "be even and at least 4: half of it is of each class",
        )
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(self.ema_half_life > 0, "ema-half-life", self.ema_half_life, "be positive")
        require(0 <= self.rotation <= 180, "rotation", self.rotation, "be in 0..180 degrees")
        require(0 <= self.zoom <= 0.4, "zoom", self.zoom, "be in [0, 0.4]")
        require(0 <= self.color_jitter < 1, "color-jitter", self.color_jitter, "be in [0, 1)")
        require(0 <= self.blur <= 8, "blur", self.blur, "be in 0..8 pixels")
        require(0 <= self.noise <= 64, "noise", self.noise, "be in 0..64 gray levels")
        require(
            0 <= self.augment_probability <= 1,
            "augment-probability",
            self.augment_probability,
            "be in [0, 1]",
        )
        require(0 <= self.recompress <= 1, "recompress", self.recompress, "be in [0, 1]")
        require(
            len(self.quality) == 2 and 1 <= self.quality[0] <= self.quality[1] <= 100,
            "quality",
            self.quality,
            "be two JPEG qualities in 1..100, the lower first",
        )
        require(1 <= self.test_quality <= 100, "test-quality", self.test_quality, "be in 1..100")
        require(0 < self.error < 0.5, "error", self.error, "be in (0, 0.5)")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
        require(self.cache_mb >= 0, "cache-mb", self.cache_mb, "not be negative")


@dataclass(frozen=True)
class DetectSettings:
    """How to give verdicts."""

    explain: Path | None = None
    """Folder for a picture per image that shows what the verdict rests on."""
    batch: int = 32
    """Images in a step; a verdict does not depend on it."""
    smallest: int = 16
    """Images whose shorter side has fewer pixels get no verdict."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    workers: int | None = None
    """Threads that decode; one for each core when not given."""

    def __post_init__(self) -> None:
        require(self.batch >= 1, "batch", self.batch, "be at least 1")
        require(self.smallest >= 2, "smallest", self.smallest, "be at least 2")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
