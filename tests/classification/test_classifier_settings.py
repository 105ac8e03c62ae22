"""Settings of the classifier: bad values name their flag; the recipes that ship are valid."""

import pytest

from parhelion._settings import load_recipe
from parhelion.classification import ClassifierSettings
from parhelion.errors import SettingsError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch": 1}, "--batch (=1) must be at least 2"),
        ({"image_size": 8}, "--image-size (=8) must be in 16..2048"),
        ({"learning_rate": 1.0}, "--learning-rate (=1.0) must be in (0, 1)"),
        ({"pretrained": "hub"}, "--pretrained (=hub) must go with a timm --backbone"),
        ({"label_smoothing": 1.0}, "--label-smoothing (=1.0) must be in [0, 1)"),
        ({"zoom": 0.5}, "--zoom (=0.5) must be in [0, 0.4]"),
        ({"quality": (90, 50)}, "--quality (=(90, 50)) must be two JPEG qualities"),
        ({"warmup": -1}, "--warmup (=-1) must not be negative"),
        ({"workers": 0}, "--workers (=0) must be at least 1"),
        ({"augment_probability": 1.5}, "--augment-probability (=1.5) must be in [0, 1]"),
    ],
)
def test_a_bad_value_names_its_flag(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ClassifierSettings(**values)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["galaxy-classifier", "galaxy-classifier-xception"])
def test_the_recipes_that_ship_are_valid(name: str) -> None:
    settings = load_recipe(name, "train classifier", ClassifierSettings)
    assert settings.classes == "galaxy-types"
    assert "Baillard" in settings.credits
