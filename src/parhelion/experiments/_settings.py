"""Settings of `reproduce`; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class ReproduceSettings:
    """Which scale a paper's experiments are done at."""

    scale: Literal["small", "paper"] = "small"
    """small ends within 40 minutes on two CPU cores; paper has the published sizes and steps, and
    needs a GPU."""
    share: float = 1.0
    """Part of the training's images; below 1 to try out."""
    classifier: Path = Path("galaxy-classifier")
    """Galaxy classifier of the Fréchet distance and of the class distribution: a folder that
    `parhelion train classifier` wrote, or the name of one that ships."""
    features: tuple[Path, ...] = ()
    """Further networks to measure distances with, as in `parhelion measure generator`."""
    seed: int = 0
    """Seed of everything."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "classifier", Path(self.classifier))
        given: object = self.features
        several = (given,) if isinstance(given, (str, Path)) else self.features
        object.__setattr__(self, "features", tuple(Path(str(name)) for name in several))
        require(self.scale in ("small", "paper"), "scale", self.scale, "be small or paper")
        require(0 < self.share <= 1, "share", self.share, "be above 0, at most 1")
        require(self.seed >= 0, "seed", self.seed, "not be negative")


@dataclass(frozen=True)
class ReproduceAstrospySettings:
    """Which scale AstroSpy's experiments are done at."""

    scale: Literal["small", "paper"] = "small"
    """small ends within 60 minutes on two CPU cores: 96 px, a ResNet-18 trunk (in Table 2 the
    three that it names), and at most 1,600 training images of a class. paper has the published
    settings and every image, and needs a GPU."""
    share: float = 1.0
    """Part of the training's images; below 1 to try out."""
    seeds: int = 3
    """Trainings of each configuration of Table 1; Tables 2 and 3 have one of each at small scale,
    as many at paper scale."""
    pretrained: Literal["hub"] | Path | None = None
    """Weights to start from: hub for those that timm fetches, or a folder that holds a
    BACKBONE.safetensors for each; else a random start, as the plain CNN always has."""
    seed: int = 0
    """Seed of the first training of each configuration, and of every interval."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of training."""
    workers: int | None = None
    """Threads that decode and augment; one for each core when not given."""
    cache_mb: int = 2048
    """Memory for decoded images, which all trainings share, in megabytes."""

    def __post_init__(self) -> None:
        require(self.scale in ("small", "paper"), "scale", self.scale, "be small or paper")
        require(0 < self.share <= 1, "share", self.share, "be above 0, at most 1")
        require(self.seeds >= 1, "seeds", self.seeds, "be at least 1")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
        require(self.cache_mb >= 0, "cache-mb", self.cache_mb, "not be negative")


@dataclass(frozen=True)
class ReproduceFlareSettings:
    """Which scale FLARE's experiments are done at."""

    scale: Literal["small", "paper"] = "small"
    """small is meant for two CPU cores: images of 64 px, enlarged to 128, seen at 72 by two small
    networks. paper has the published four networks at 224 px and images as they came,
    and needs a GPU."""
    share: float = 1.0
    """Part of each training's images, the generator's too; below 1 to try out, above it for
    longer trainings of the classifiers."""
    seeds: int = 3
    """Trainings of each row."""
    generator: str | None = None
    """Diffusion model conditioned on labels, or LoRA, that learned from the train part of --data
    alone; or a pretrained pipeline, as in the paper: a folder that diffusers saved, or
    hub:OWNER/NAME. A diffusion model is trained first when not given, hours on a CPU."""
    upscaler: str | None = None
    """Network that enlarges, as `parhelion enhance --model` takes it; the scale's own when not
    given."""
    drawn: int | None = None
    """Images to draw of each class; the scale's own number when not given."""
    strength: float = 0.4
    """How far to noise an image is taken before it is varied; see `parhelion vary`."""
    alpha: float | None = None
    """Share of augmented real images in FLARE's mixture; the scale's own when not given: as
    published 0.5 at paper scale, 1 at small scale."""
    beta: float | None = None
    """Share of made images, and of their augmentations, in it; the scale's own when not given: as
    published 1 at paper scale, 0.3 at small scale, where a third of the mixture is made then."""
    score: Literal["random", "near", "diverse", "original", "observed"] = "random"
    """By what these shares are chosen; see `parhelion mix`."""
    seed: int = 0
    """Seed of the first training of each row, of what is drawn and of every interval."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of training."""
    workers: int | None = None
    """Threads that decode and augment, and on a CPU trainings at once, each on one thread; one for
    each core when not given."""
    cache_mb: int = 4096
    """Memory for decoded images, which all trainings share, in megabytes."""

    def __post_init__(self) -> None:
        require(self.scale in ("small", "paper"), "scale", self.scale, "be small or paper")
        require(self.share > 0, "share", self.share, "be above 0")
        require(self.seeds >= 1, "seeds", self.seeds, "be at least 1")
        require(self.drawn is None or self.drawn >= 1, "drawn", self.drawn, "be at least 1")
        require(0 < self.strength <= 1, "strength", self.strength, "be in (0, 1]")
        for name in ("alpha", "beta"):
            share = getattr(self, name)
            require(share is None or 0 <= share <= 1, name, share, "be in [0, 1]")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
        require(self.cache_mb >= 0, "cache-mb", self.cache_mb, "not be negative")
