"""The demo's field and settings."""

import pytest

from parhelion.catalog import decode
from parhelion.errors import SettingsError
from parhelion.experiments._demo import _hubble_deep_field
from parhelion.experiments._demo_settings import DemoSettings


def test_the_field_is_there_without_a_network() -> None:
    (field,) = decode(_hubble_deep_field())
    assert field.pixels.shape == (872, 1000, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"minutes": 0.0}, "--minutes"), ({"size": 10}, "--size"), ({"galaxies": 0}, "--galaxies")],
)
def test_bad_settings_are_named(values: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        DemoSettings(**values)  # type: ignore[arg-type]
