"""Settings of mixing; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from parhelion._settings import require

#: What images can be ranked by.
Score = Literal["random", "near", "diverse", "agreement", "original", "observed"]


@dataclass(frozen=True)
class MixSettings:
    """How to mix augmentations of real images with synthetic ones."""

    alpha: float = 0.5
    """Share of each class's augmented real images to keep (stage 1)."""
    beta: float = 1.0
    """Share of each class's synthetic images to keep (stage 2)."""
    score: Score = "random"
    """Which are kept: random ones; those near to the class's real training images; those unlike
    one another (diverse); those a classifier sees as their label (agreement); those least like a
    copy of a real image (original); or those a detector takes for observed."""
    features: Path | None = None
    """Network for near and diverse, as `measure generator --features` takes it; one is trained on
    the real training images when not given."""
    classifier: Path | None = None
    """Trained classifier, for agreement."""
    detector: str = "made-detector"
    """Trained detector, for observed."""
    level: bool = False
    """Take no more synthetic images of a class than bring it to the size of the largest class."""
    seed: int = 0
    """Seed of what is random."""
    overwrite: bool = False
    """Replace a catalog that is there."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where scores are computed."""

    def __post_init__(self) -> None:
        require(0 <= self.alpha <= 1, "alpha", self.alpha, "be in [0, 1]")
        require(0 <= self.beta <= 1, "beta", self.beta, "be in [0, 1]")
        known = get_args(Score)
        require(self.score in known, "score", self.score, f"be one of {', '.join(known)}")
        require(
            self.score != "agreement" or self.classifier is not None,
            "score",
            self.score,
            "go with --classifier: a folder that `parhelion train classifier` wrote",
        )
        require(self.seed >= 0, "seed", self.seed, "not be negative")
