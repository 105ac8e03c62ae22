"""Settings of the search for copies; light, since the command line reads them for its help."""

from dataclasses import dataclass

from parhelion._settings import require


@dataclass(frozen=True)
class MeasureMemorisationSettings:
    """How to look for copies of real images among made ones."""

    neighbors: int = 5
    """Most similar real images to find for every made one."""
    image_size: int | None = None
    """Side, in pixels, at which images are compared: the centre square of each, resized. When
    not given, that of the first made image, at most 256."""
    dihedral: bool = False
    """Also compare every made image turned by 90, 180 and 270 degrees and mirrored; the most
    similar of the eight counts."""
    split: str | None = None
    """Part of the real catalog to search; all of it when not given."""
    null_count: int = 500
    """Real images whose most similar other real image says what is usual; drawn at random when
    there are more."""
    distinct: float = 0.67
    """A made image is flagged when its distance (1 - SSIM) from the nearest real image is less
    than this part of the mean distance from the next four, and than that of 99 in 100 real
    images."""
    rows: int = 12
    """Made images in the figure: flagged ones first, then the most similar to a real one."""
    memory: int = 1024
    """MiB for images that are ready to be compared. With less, real images are read more often;
    results are the same."""
    workers: int | None = None
    """Threads; all cores when not given. Results are the same."""
    seed: int = 0
    """Seed of the draw of real images."""

    def __post_init__(self) -> None:
        require(2 <= self.neighbors <= 100, "neighbors", self.neighbors, "be from 2 to 100")
        require(
            self.image_size is None or 8 <= self.image_size <= 1024,
            "image-size",
            self.image_size,
            "be from 8 to 1024",
        )
        require(self.null_count >= 2, "null-count", self.null_count, "be at least 2")
        require(0 < self.distinct < 1, "distinct", self.distinct, "be between 0 and 1")
        require(1 <= self.rows <= 200, "rows", self.rows, "be from 1 to 200")
        require(self.memory >= 16, "memory", self.memory, "be at least 16")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be at least 1")
        require(self.seed >= 0, "seed", self.seed, "not be negative")
