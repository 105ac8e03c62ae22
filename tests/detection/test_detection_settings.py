"""Settings: a bad value is refused, and the message names its flag."""

from typing import Any

import pytest

from parhelion.detection import DetectorSettings, DetectSettings
from parhelion.errors import SettingsError


@pytest.mark.parametrize(
    ("kind", "values", "flag"),
    [
        (DetectorSettings, {"backbone": ""}, "--backbone"),
        (DetectorSettings, {"images": 0}, "--images (=0)"),
        (DetectorSettings, {"validate_every": 0}, "--validate-every (=0)"),
        (DetectorSettings, {"image_size": 8}, "--image-size (=8)"),
        (DetectorSettings, {"batch": 7}, "--batch (=7)"),
        (DetectorSettings, {"batch": 2}, "--batch (=2)"),
        (DetectorSettings, {"learning_rate": 1.5}, "--learning-rate (=1.5)"),
        (DetectorSettings, {"ema_half_life": 0}, "--ema-half-life (=0)"),
        (DetectorSettings, {"rotation": 181}, "--rotation (=181)"),
        (DetectorSettings, {"zoom": 0.5}, "--zoom (=0.5)"),
        (DetectorSettings, {"color_jitter": 1}, "--color-jitter (=1)"),
        (DetectorSettings, {"blur": -1}, "--blur (=-1)"),
        (DetectorSettings, {"noise": 65}, "--noise (=65)"),
        (DetectorSettings, {"augment_probability": 2}, "--augment-probability (=2)"),
        (DetectorSettings, {"recompress": 1.1}, "--recompress (=1.1)"),
        (DetectorSettings, {"quality": (90, 80)}, "--quality (=(90, 80))"),
        (DetectorSettings, {"test_quality": 0}, "--test-quality (=0)"),
        (DetectorSettings, {"error": 0.5}, "--error (=0.5)"),
        (DetectorSettings, {"seed": -1}, "--seed (=-1)"),
        (DetectorSettings, {"cache_mb": -1}, "--cache-mb (=-1)"),
        (DetectSettings, {"batch": 0}, "--batch (=0)"),
        (DetectSettings, {"smallest": 1}, "--smallest (=1)"),
        (DetectSettings, {"workers": 0}, "--workers (=0)"),
    ],
)
def test_a_bad_value_is_refused_by_its_flag(kind: Any, values: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingsError) as caught:
        kind(**values)
    assert str(caught.value).startswith(flag)


def test_the_defaults_are_the_paper_s() -> None:
    settings = DetectorSettings()
    assert (settings.backbone, settings.image_size, settings.batch) == ("resnet50", 224, 32)
    assert (settings.learning_rate, settings.fusion, settings.patience) == (2e-5, "add", 5)
