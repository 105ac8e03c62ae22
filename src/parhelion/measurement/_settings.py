"""Settings of the measures; light, since the command line reads them for its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class MeasureGeneratorSettings:
    """How to compare made images with real ones."""

    image_size: int = 64
    """Side, in pixels, at which both sets are compared."""
    features: tuple[Path, ...] = ()
    """Feature networks of the distances, one or more: safetensors weights of torchvision's
    squeezenet1_1 or inception_v3; the folder of a classifier, or of a network that an earlier
    run trained; or `self-supervised`, a small one that is trained on the real images now, which
    is also what is used when none is given."""
    classifier: Path | None = None
    """Classifier that names the class of each image, for the table of classes: a folder that
    `parhelion train classifier` wrote, or the name of one that ships."""
    split: Literal["train", "validation", "test"] | None = None
    """Part of the real catalog to compare with. When not given: its train split, with the
    others as the floor; all of it where there are no splits."""
    crop_real: float = 1.0
    """Side of the centre square that is kept of each real image, as a share of the whole."""
    crop_generated: tuple[float, ...] = (1.0,)
    """The same for made images: one for all catalogs, or one for each."""
    count: int | None = None
    """Images of each set that are compared, drawn at random; all of the smallest set, at most
    5000, when not given. Memory grows with its square."""
    neighbors: int = 5
    """Neighbors that span an image's neighborhood, in precision, recall, density, coverage."""
    bootstrap: int = 1000
    """Resamples behind the 95 % intervals."""
    morphology: int = 0
    """Images of each set whose shape statmorph measures (half a second each); none when 0. Needs
    the extra `morphology`."""
    workers: int | None = None
    """Processes that measure shapes; as many as there are cores when not given."""
    pairs: int = 24
    """Pairs of a made image and its nearest real one to list, the most alike first."""
    seed: int = 0
    """Seed of the feature network, the draws and the bootstrap."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute features; learning them is done on the CPU."""

    def __post_init__(self) -> None:
        # TOML has no paths, only text; one of a kind may stand alone.
        given: object = self.features
        several = (given,) if isinstance(given, (str, Path)) else self.features
        object.__setattr__(self, "features", tuple(Path(str(name)) for name in several))
        if self.classifier is not None:
            object.__setattr__(self, "classifier", Path(self.classifier))
        crops: object = self.crop_generated
        if isinstance(crops, (int, float)):
            object.__setattr__(self, "crop_generated", (float(crops),))
        require(8 <= self.image_size <= 1024, "image-size", self.image_size, "be from 8 to 1024")
        require(
            len(set(self.features)) == len(self.features),
            "features",
            ", ".join(map(str, self.features)),
            "name each network once",
        )
        require(0 < self.crop_real <= 1, "crop-real", self.crop_real, "be above 0, at most 1")
        require(
            len(self.crop_generated) > 0 and all(0 < crop <= 1 for crop in self.crop_generated),
            "crop-generated",
            self.crop_generated,
            "be above 0, at most 1",
        )
        require(
            self.count is None or self.count >= MINIMUM,
            "count",
            self.count,
            f"be at least {MINIMUM}",
        )
        require(
            1 <= self.neighbors < MINIMUM // 2,
            "neighbors",
            self.neighbors,
            f"be from 1 to {MINIMUM // 2 - 1}",
        )
        require(self.bootstrap >= 20, "bootstrap", self.bootstrap, "be at least 20")
        require(
            self.morphology == 0 or self.morphology >= MINIMUM,
            "morphology",
            self.morphology,
            f"be 0 or at least {MINIMUM}",
        )
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
        require(self.pairs >= 0, "pairs", self.pairs, "not be negative")
        require(self.seed >= 0, "seed", self.seed, "not be negative")


#: The network that is trained on the spot, as a value of ``--features``.
SELF_SUPERVISED = Path("self-supervised")
#: Fewest images of a set that a distance is computed from.
MINIMUM = 16
