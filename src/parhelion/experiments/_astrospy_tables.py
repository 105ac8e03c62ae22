"""The rows of AstroSpy's three tables: which training each is, and what the paper found."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from parhelion._settings import load_recipe
from parhelion.detection import DetectorSettings

#: Every random change of a training image off; what is left is the codec that all pass through.
_STILL: dict[str, Any] = {
    "horizontal_flip": False,
    "vertical_flip": False,
    "quarter_turns": False,
    "rotation": 0.0,
    "zoom": 0.0,
    "color_jitter": 0.0,
    "blur": 0.0,
    "noise": 0.0,
}
_CHANGES = {
    "horizontal flip": "horizontal_flip",
    "vertical flip": "vertical_flip",
    "rotation": "rotation",
    "color jitter": "color_jitter",
    "blur": "blur",
}
#: Trainings that are looked at more closely.
JOINT, FOURIER = "joint-add", "fourier"


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    name: str
    run: str
    """Name of its trainings' folders; rows of one configuration share it."""
    paper: float | None
    """Accuracy that the paper gives, in-domain."""
    settings: DetectorSettings


@dataclass(frozen=True)
class Scale:
    """How much is done at a scale."""

    recipe: str
    passes: int | None
    """Passes through the larger class; the recipe's own number of images where None."""
    most: Mapping[str, int | None]
    """Most images of a class in each part, and in ``all`` of a test elsewhere."""
    one_seed: bool
    """Whether Tables 2 and 3 have a single training of each row."""


_EVERY = dict.fromkeys(("train", "validation", "test", "all"), None)
SCALES = {
    "small": Scale(
        "astrospy-small",
        None,
        {"train": 1600, "validation": 200, "test": 400, "all": 200},
        one_seed=True,
    ),
    "paper": Scale("astrospy-paper", 25, _EVERY, one_seed=False),
}

#: The two steps of the paper's Table 1: a row, and the one that it is said to surpass.
ORDER: Mapping[str, tuple[str, str]] = {
    "joint over image": ("joint, addition", "image + augmentation"),
    "image over Fourier": ("image + augmentation", "Fourier only"),
}


def tables(scale: Scale) -> dict[str, list[Row]]:
    """Return the rows of the three tables at a scale, each in the paper's order.

    The Fourier path alone is not augmented, as the images alone of the row below are not.
    """
    base = load_recipe(scale.recipe, "train detector", DetectorSettings)
    still = replace(base, **_STILL)
    first = [
        Row("Fourier only", FOURIER, 0.69, replace(still, paths="spectrum")),
        Row("image only", "image", 0.89, replace(still, paths="image")),
        Row("image + augmentation", "image-augmented", 0.94, replace(base, paths="image")),
        Row("joint, addition", JOINT, 0.98, base),
        Row("joint, concatenation", "joint-concatenate", None, replace(base, fusion="concatenate")),
    ]
    second = [
        Row(name, _run_of(base, backbone), paper, replace(base, backbone=backbone))
        for name, backbone, paper in (
            ("CNN", "cnn", 0.82),
            ("DenseNet-121", "densenet121", 0.96),
            ("ResNet-50", "resnet50", 0.98),
        )
    ]
    third = [Row("none", "augment-none", 0.88, still)]
    for (name, field), paper in zip(_CHANGES.items(), (0.93, 0.89, 0.91, 0.94, 0.89), strict=True):
        alone = replace(still, **{field: getattr(base, field)})
        third.append(Row(name, f"augment-{name.replace(' ', '-')}", paper, alone))
    third.append(Row("all", JOINT, 0.98, base))
    return {"1": first, "2": second, "3": third}


def _run_of(base: DetectorSettings, backbone: str) -> str:
    """Return the folder name of a backbone: the trunk of the other tables is trained once."""
    return JOINT if backbone == base.backbone else f"joint-{backbone}"
