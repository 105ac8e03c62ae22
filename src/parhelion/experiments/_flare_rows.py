"""The rows of FLARE's tables: which images each learns from, and what the paper found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from parhelion.augmentation import DEFAULT_UPSCALER
from parhelion.catalog import MADE_ORIGINS, SPLITS, Catalog, joined
from parhelion.classification import load_classes
from parhelion.experiments._flare_data import Sets
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.mixing import MixSettings, mixed

RAW, RAW_AUGMENTED, HIGH, HIGH_AUGMENTED, MADE, FLARE = (
    "raw",
    "raw-augmented",
    "high",
    "high-augmented",
    "made",
    "flare",
)
#: What each training learns from, in the tables' order.
ROWS = {
    RAW: "raw",
    RAW_AUGMENTED: "raw + augmentation",
    HIGH: "high resolution",
    HIGH_AUGMENTED: "high resolution + augmentation",
    MADE: "diffusion alone",
    FLARE: "FLARE",
}
#: Accuracies of the paper, by backbone and row.
PAPER = {
    "resnet50": {RAW: 0.6068, RAW_AUGMENTED: 0.6615, FLARE: 0.8394},
    "googlenet": {RAW: 0.5955, RAW_AUGMENTED: 0.6718, FLARE: 0.8129},
    "densenet121": {RAW: 0.6027, RAW_AUGMENTED: 0.6739, FLARE: 0.8379},
    "vit_base_patch16_224": {RAW: 0.6192, RAW_AUGMENTED: 0.6821, FLARE: 0.8270},
}
#: Gains that are looked at: a row, and the one that it is held against.
GAINS = (
    (RAW_AUGMENTED, RAW),
    (HIGH, RAW),
    (HIGH_AUGMENTED, RAW),
    (FLARE, RAW),
    (FLARE, RAW_AUGMENTED),
    (FLARE, HIGH_AUGMENTED),
)
#: The two sets of labels: one class for each label, and the paper's macro classes.
LABELS = {"fine": None, "macro": "flare-macro"}
#: Of the published split of derived files: train, validation, test.
_SHARES = (0.7, 0.15, 0.15)


@dataclass(frozen=True)
class Scale:
    """How much is done at a scale."""

    recipe: str
    """Of the classifiers."""
    backbones: tuple[str, ...]
    side: int | None
    """Pixels that raw images are brought to first; as they came where None."""
    upscaler: str
    generator: str
    """Recipe of the diffusion model, where none is given."""
    drawn: int
    """Images to draw of each class."""
    alpha: float
    """Share of augmented real images in FLARE's mixture."""
    beta: float
    """Share of made images in it."""
    sizes: tuple[int, ...] = (5, 10, 20, 50)
    """Of the scarcity curve: independent images of a class to learn from."""
    passes: int = 2
    """Of the length audit: times that each training goes through its files."""
    apart: bool = False
    """Train for macro classes by themselves, as published; else a macro class is as probable as
    its fine classes together."""

    def mixture(self, settings: ReproduceFlareSettings) -> MixSettings:
        """Return how FLARE's mixture is made: with the scale's shares where none are given."""
        return MixSettings(
            self.alpha if settings.alpha is None else settings.alpha,
            self.beta if settings.beta is None else settings.beta,
            settings.score,
            seed=settings.seed,
            device=settings.device,
        )


SCALES = {
    "small": Scale(
        "flare-small",
        ("resnet18", "small"),
        64,
        DEFAULT_UPSCALER,
        "bodies-64",
        drawn=100,
        # With the published shares three quarters of the mixture are made, which costs points.
        alpha=1.0,
        beta=0.3,
    ),
    "paper": Scale(
        "flare-paper",
        ("resnet50", "googlenet", "densenet121", "vit_base_patch16_224"),
        None,
        DEFAULT_UPSCALER,
        "bodies-64",
        drawn=500,
        alpha=0.5,
        beta=1.0,
        passes=10,
        apart=True,
    ),
}


@dataclass(frozen=True)
class Training:
    """One training: a row's, or one that differs from a row's in one thing."""

    row: str
    backbone: str
    seed: int
    labels: str = "fine"
    size: int | None = None
    """Independent images of each class to learn from; all where None."""
    leaky: bool = False
    """On files split at random, as published."""
    passes: int | None = None
    """Times that it goes through its files; as many images as the recipe says where None."""

    @property
    def name(self) -> str:
        """Of its folder."""
        parts = [self.backbone, self.labels, self.row]
        parts += [f"{self.size}-images"] if self.size is not None else []
        parts += ["leaky"] if self.leaky else []
        parts += [f"{self.passes}-passes"] if self.passes is not None else []
        return "-".join([*parts, str(self.seed)])

    @property
    def is_of_table(self) -> bool:
        """Whether it is a row's own, which is tested elsewhere too."""
        return self.size is None and not self.leaky and self.passes is None

    @property
    def judged(self) -> Literal["observed", "enhanced"]:
        """What its judging images are."""
        return "enhanced" if is_enlarged(self.row) and not self.leaky else "observed"


def learned_from(row: str, sets: Sets, mixture: MixSettings) -> list[Catalog]:
    """Return the catalogs of a row: what is learned from, and the real images that judge it."""
    if row == RAW:
        return [sets.low]
    if row == RAW_AUGMENTED:
        return [sets.low, sets.low_augmented]
    if row == HIGH:
        return [sets.high]
    if row == HIGH_AUGMENTED:
        return [sets.high, sets.high_augmented]
    if row == MADE:
        every = mixed([sets.high], [sets.synthetic], MixSettings(alpha=0, beta=1))
        return [
            every.select(split=("validation", "test")),
            every.select(split="train", origin=sorted(MADE_ORIGINS)),
        ]
    return [mixed([sets.high, sets.high_augmented], [sets.synthetic], mixture)]


def labeled(catalog: Catalog, labels: str) -> Catalog:
    """Return a catalog with its own labels, or with the macro classes of these."""
    name = LABELS[labels]
    if name is None:
        return catalog
    classes = load_classes(name)
    return catalog.replaced(label=[classes.get(own) for own in catalog.column("label")])


def has_labels(catalog: Catalog, labels: str) -> bool:
    """Tell whether any image has a label of a kind: not all fine classes have a macro class."""
    return any(labeled(catalog, labels).column("label"))


def is_enlarged(row: str) -> bool:
    """Tell whether a row learns from, and is judged by, enlarged images."""
    return row not in (RAW, RAW_AUGMENTED)


def few(sets: Sets, count: int, seed: int) -> Sets:
    """Return the sets with so many independent images of each class to learn from, or fewer.

    Whole groups are left out, with all that descends from them; what judges stays. Images drawn
    from classes descend from no image, and stay too. For one seed the smaller choice is part of
    the larger.
    """
    train = sets.high.select(split="train")
    left_out: set[str] = set()
    for place, label in enumerate(sorted(set(train.column("label")))):
        groups = list(dict.fromkeys(train.select(label=label).column("group_id")))
        order = np.random.default_rng([seed, place]).permutation(len(groups))
        left_out |= {groups[index] for index in order[count:]}

    def without(catalog: Catalog) -> Catalog:
        keep = [group not in left_out for group in catalog.column("group_id")]
        return Catalog(catalog.root, catalog.table.filter(keep))

    return Sets(
        without(sets.low),
        without(sets.high),
        without(sets.low_augmented),
        without(sets.high_augmented),
        without(sets.synthetic),
        sets.elsewhere,
    )


def as_published(row: str, sets: Sets, seed: int) -> tuple[Catalog, float]:
    """Return a row's images split at random, file by file, as FLARE's public code does.

    But that each class is split by itself, so that the rarest too is in every part.

    Siblings of test images, and what was made from them, are then learned from: figures of it are
    no evidence of skill. Every image passes for an observed one that descends from nothing.

    Returns
    -------
    leaky : Catalog
        The images.
    with_kin : float
        Share of test images of which a sibling (an image of the same group) is in the train part.
    """
    given: Sequence[Catalog] = {
        RAW: (sets.low,),
        RAW_AUGMENTED: (sets.low, sets.low_augmented),
        FLARE: (sets.high, sets.high_augmented, sets.synthetic),
    }[row]
    whole = joined(given)
    parts = _parts(np.array(whole.column("label")), np.random.default_rng([seed, 23]))
    groups = np.array(whole.column("group_id"))
    with_kin = float(np.isin(groups[parts == "test"], groups[parts == "train"]).mean())
    alone = [f"file {number}" for number in range(len(whole))]
    return whole.replaced(origin="observed", group_id=alone, split=parts.tolist()), with_kin


def _parts(labels: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.str_]:
    """Return the part of each file, at random: one at least of each class in each."""
    parts = np.empty(len(labels), f"U{max(map(len, SPLITS))}")
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        ends = np.round(len(rows) * np.cumsum([0.0, *_SHARES])).astype(int)
        _, *judged = np.maximum(np.diff(ends), 1)
        counts = [len(rows) - sum(judged), *judged]
        parts[rng.permutation(rows)] = np.repeat(SPLITS, counts)
    return parts
