"""Settings of the detector; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require

#: The detector that ships.
SHIPPED = "made-detector"


@dataclass(frozen=True)
class DetectorSettings:
    """How to train a detector of made images (AstroSpy)."""

    backbone: str = "resnet50"
    """Name of the timm network of each path, whose classifier is removed; or cnn, a plain small
    one; or fine, a small one for patches, which keeps the finest detail."""
    pretrained: Literal["hub"] | Path | None = None
    """Weights of that network to start from: a local .safetensors file, or hub for those that
    timm fetches; else a random start."""
    start: str | None = None
    """Detector to train on: a folder, or the name of one that ships; its network must be of the
    kind asked for here."""
    view: Literal["whole", "patches"] = "whole"
    """What is seen of an image: its centre square made as small as image-size; or patches of that
    side, as they are, where there is most structure."""
    image_size: int = 224
    """Side of the square that the detector sees, in pixels; of patches, the largest."""
    smallest_patch: int = 32
    """Least side of training patches, in pixels; images smaller than image-size are judged by
    smaller patches, so these must be learned."""
    patches: int = 9
    """Most patches of an image that are judged; its logit is their mean."""
    paths: Literal["both", "image", "spectrum"] = "both"
    """What the detector looks at: the image, its Fourier spectrum, or both."""
    spectrum: Literal["luma", "color"] = "luma"
    """What the spectrum is of: luma, or luma and both color differences."""
    placed: bool = False
    """Let the spectrum path also see at which frequency each place of the spectrum is."""
    detail: Literal["both", "image", "residual"] = "both"
    """What the image path of the fine backbone sees: the image, its high-pass residual, or both."""
    fusion: Literal["add", "concatenate"] = "add"
    """How the features of the two paths are joined."""
    apart: float = 0.0
    """Weight of the loss of each path alone, beside 1 less that of both together: a path that
    learns fast otherwise keeps the other from learning. For concatenated features."""
    image_share: float = 0.5
    """What the image path counts of the logit, the rest being the spectrum path's; other than a
    half for paths that learned apart."""
    linear: float = 0.0
    """Weight of a third path, a penalized logistic regression on log-frequencies, beside the
    network's 1, both in units of how much they vary over the validation part. It is fitted when
    the network has learned, and holds for generators that the network does not know. For patches;
    0 for none."""
    images: int = 500_000
    """Images to show before training ends, if it has not stopped early."""
    batch: int = 32
    """Images in a step, half of them observed and half made."""
    learning_rate: float = 2e-5
    """Adam's learning rate."""
    cooldown: float = 0.0
    """Share of the run, at its end, over which the learning rate falls to nothing."""
    ema_half_life: float = 5_000.0
    """Half-life of the averaged weights that are judged and kept, in images."""
    validate_every: int | None = None
    """Images between validations; one pass through the larger class when not given."""
    validate_on: int = 1000
    """Most images of each class that a validation during training looks at."""
    patience: int = 5
    """Validations without a lower loss after which training stops."""
    balance: Literal["images", "catalogs", "folders"] = "images"
    """What is drawn equally often within each of the two classes; folders are those that hold
    catalogs, such as one for each kind of generator, and then their catalogs are."""
    pairs: float = 0.5
    """Of patches: share of made images that stand in a batch beside the observed image they were
    made from, where there is one."""
    framed: float = 1.0
    """Of patches: share of the other observed images that are first made as small as the made
    image beside them, where they are larger."""
    horizontal_flip: bool = True
    """Mirror training images left to right at random, without loss."""
    vertical_flip: bool = True
    """Mirror training images top to bottom at random, without loss."""
    quarter_turns: bool = True
    """Turn training images by a random number of right angles, without loss."""
    rotation: float = 180.0
    """Largest random rotation of a training image, in degrees."""
    zoom: float = 0.25
    """Largest random change of a training image's scale, as a share."""
    color_jitter: float = 0.2
    """Largest random change of brightness, contrast and saturation, as a share."""
    resize: tuple[float, float] = (0.5, 1.6)
    """Scales to which an image may be resized before a patch is cut out, drawn between these."""
    resized: float = 0.5
    """Share of training patches from resized images."""
    gamma: float = 0.5
    """Largest random exponent of a patch's tones, as a natural logarithm, either way."""
    mild: float = 0.4
    """Share of training patches that are at most resized, and encoded at high quality."""
    gray: float = 0.1
    """Share of training patches that lose their color."""
    blur: float = 1.0
    """Largest standard deviation of the random Gaussian blur, in pixels."""
    noise: float = 2.0
    """Largest standard deviation of the random Gaussian noise, in gray levels."""
    augment_probability: float = 0.5
    """Probability of each of: rotation with zoom, color jitter, blur, noise; of patches: gamma and
    color jitter, half of it of blur and noise."""
    recompress: float = 0.5
    """Probability that a training image was a JPEG before: having been one must tell nothing. Of
    patches: that one is encoded as JPEG or WebP."""
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
    """Arithmetic of training."""
    workers: int | None = None
    """Threads that decode and augment; one for each core when not given."""
    cache_mb: int = 2048
    """Memory for decoded training images, in megabytes; others are decoded at each use."""
    log_every: int = 320
    """Images between lines of the log."""

    def __post_init__(self) -> None:
        require(bool(self.backbone), "backbone", self.backbone, "name a timm network, cnn or fine")
        require(
            self.start is None or self.pretrained is None,
            "start",
            self.start,
            "be left out where --pretrained is given",
        )
        for name in ["images", "batch", "validate_on", "patience", "log_every"]:
            value = getattr(self, name)
            require(value >= 1, name.replace("_", "-"), value, "be at least 1")
        for name in ["validate_every", "workers"]:
            value = getattr(self, name)
            require(value is None or value >= 1, name.replace("_", "-"), value, "be at least 1")
        require(self.patches >= 1, "patches", self.patches, "be at least 1")
        require(
            len(self.resize) == 2 and 0.1 <= self.resize[0] <= self.resize[1] <= 4,
            "resize",
            self.resize,
            "be two scales in 0.1..4, the lower first",
        )
        require(
            0 <= self.apart <= 1 and (not self.apart or self.has_parts),
            "apart",
            self.apart,
            "be in [0, 1], and 0 but for --paths both with --fusion concatenate",
        )
        require(
            self.image_share == 0.5 or (0 <= self.image_share <= 1 and self.apart == 1),
            "image-share",
            self.image_share,
            "be in [0, 1], and 0.5 but with --apart 1",
        )
        require(
            self.linear == 0 or (0 < self.linear <= 10 and self.view == "patches"),
            "linear",
            self.linear,
            "be in 0..10, and 0 but with --view patches",
        )
        require(0 <= self.resized <= 1, "resized", self.resized, "be in [0, 1]")
        require(0 <= self.gamma <= 1, "gamma", self.gamma, "be in [0, 1]")
        require(0 <= self.mild <= 1, "mild", self.mild, "be in [0, 1]")
        require(0 <= self.pairs <= 1, "pairs", self.pairs, "be in [0, 1]")
        require(0 <= self.framed <= 1, "framed", self.framed, "be in [0, 1]")
        require(self.smallest_patch >= 16, "smallest-patch", self.smallest_patch, "be at least 16")
        require(0 <= self.gray <= 1, "gray", self.gray, "be in [0, 1]")
        require(16 <= self.image_size <= 2048, "image-size", self.image_size, "be in 16..2048")
        require(
            self.batch >= 4 and self.batch % 2 == 0,
            "batch",
            self.batch,
            "be even and at least 4: half of it is of each class",
        )
        require(0 < self.learning_rate < 1, "learning-rate", self.learning_rate, "be in (0, 1)")
        require(0 <= self.cooldown <= 1, "cooldown", self.cooldown, "be in [0, 1]")
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

    @property
    def has_parts(self) -> bool:
        """Whether the logit is a sum of what each of two paths says."""
        return self.paths == "both" and self.fusion == "concatenate"


@dataclass(frozen=True)
class DetectSettings:
    """How to give verdicts."""

    out: Path | None = None
    """Table of the verdicts, .parquet or .jsonl, a row per image. An interrupted run of the same
    command goes on where it was."""
    overwrite: bool = False
    """Replace a table that is there, finished or not, when the new one is whole. An interrupted run
    goes on without this; with it, anew."""
    explain: Path | None = None
    """Folder for a picture per image that shows what the verdict rests on."""
    batch: int = 32
    """Images in a step; a verdict does not depend on it."""
    smallest: int = 16
    """Images whose shorter side has fewer pixels get no verdict."""
    pixel_limit: int = 300_000_000
    """Most pixels of one stored image, all its planes together; checked before it is read."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """Arithmetic: auto takes 8-bit integers or bfloat16 where the processor multiplies them
    natively; what then lies near a threshold is computed once more in fp32."""
    workers: int | None = None
    """Threads that decode; one for each core when not given."""

    def __post_init__(self) -> None:
        require(
            self.out is None or self.out.suffix in (".parquet", ".jsonl"),
            "out",
            self.out,
            "end in .parquet or .jsonl",
        )
        require(self.pixel_limit >= 1, "pixel-limit", self.pixel_limit, "be 1 or more")
        require(self.batch >= 1, "batch", self.batch, "be at least 1")
        require(self.smallest >= 2, "smallest", self.smallest, "be at least 2")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
