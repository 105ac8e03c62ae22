"""The asinh stretch: what it measures, what it keeps, and that it can be redone."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parhelion.catalog import DecodeSettings
from parhelion.catalog._stretch import (
    _slope_and_softening,
    apply_stretch,
    pixel_noise,
    sky_level,
    stretch,
)
from parhelion.errors import DecodeError

SETTINGS = DecodeSettings()


def field(seed: int = 0, sky: float = 100, noise: float = 5) -> np.ndarray:
    """A field of noise with some stars."""
    rng = np.random.default_rng(seed)
    image = rng.normal(sky, noise, (80, 100))
    y, x = np.mgrid[:80, :100]
    for _ in range(8):
        cy, cx, light = rng.uniform(5, 75), rng.uniform(5, 95), rng.uniform(500, 20000)
        image += light * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)
    return image


def test_sky_and_noise_are_those_without_the_stars() -> None:
    values = field().reshape(-1)
    sky, spread = sky_level(values)
    assert sky == pytest.approx(100, abs=0.5)
    assert spread == pytest.approx(5, rel=0.1)
    assert values.mean() > 110  # the stars are there


def test_noise_between_pixels_ignores_structure() -> None:
    rng = np.random.default_rng(1)
    slope = np.linspace(0, 1e4, 200)[None, :].repeat(100, 0)
    assert pixel_noise(slope + rng.normal(0, 3, slope.shape)) == pytest.approx(3, rel=0.05)


def test_sky_is_dark_and_the_brightest_is_white() -> None:
    pixels, parameters = stretch([field()], SETTINGS)
    assert 10 < np.median(pixels) < 40
    assert pixels.max() == 255
    assert parameters["q"] > 1


def test_the_softening_solves_its_equation() -> None:
    for white in (30.0, 1e3, 1e6):
        slope, q = _slope_and_softening(0.04, white)
        assert math.asinh(slope * q * white) / q == pytest.approx(1)
    # With little range above the noise it is a straight line.
    assert _slope_and_softening(0.04, 10.0) == (0.1, 0.0)


def test_the_parameters_give_the_same_pixels_again() -> None:
    for bands in ([field()], [field(), field() * 2, field(1)]):
        pixels, parameters = stretch(bands, SETTINGS)
        again = apply_stretch(bands, json.loads(json.dumps(parameters)))
        assert np.array_equal(pixels, again)


def test_rows_at_a_time_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = stretch([field()], SETTINGS)
    monkeypatch.setattr("parhelion.catalog._stretch._ROWS", 150)
    assert np.array_equal(stretch([field()], SETTINGS)[0], whole)


@given(
    st.floats(1e-4, 1e4, allow_subnormal=False),
    st.floats(-1e4, 1e4, allow_subnormal=False),
)
@settings(max_examples=25, deadline=None)
def test_units_and_offsets_do_not_matter(scale: float, offset: float) -> None:
    pixels, _ = stretch([field()], SETTINGS)
    other, _ = stretch([field() * scale + offset * scale], SETTINGS)
    assert np.abs(pixels.astype(int) - other).max() <= 1


def test_order_of_brightness_is_kept() -> None:
    image = field()
    pixels, _ = stretch([image], SETTINGS)
    shown = pixels.reshape(-1)[np.argsort(image.reshape(-1), kind="stable")].astype(int)
    assert (np.diff(shown) >= 0).all()


def test_color_is_kept_where_a_band_would_saturate() -> None:
    base = field()
    bands = [base, base, 100 + (base - 100) * 0.5]
    parameters = {
        "black": [90.0] * 3,
        "scale": [5.0] * 3,
        "white": 100.0,
        "slope": 0.04,
        "q": _slope_and_softening(0.04, 100.0)[1],
    }
    bands = [np.array([[50000.0]]), np.array([[50000.0]]), np.array([[25045.0]])]
    pixels = apply_stretch(bands, parameters)[0, 0]
    assert pixels.tolist() == [255, 255, 128]


def test_bands_of_other_units_come_out_white() -> None:
    base = field()
    pixels, _ = stretch([base * 7, base, base / 3 + 4], SETTINGS)
    bright = pixels.reshape(-1, 3)[(base > 400).reshape(-1)].astype(int)
    assert len(bright) > 50
    assert np.abs(bright[:, 0] - bright[:, 2]).max() <= 2


def test_missing_and_infinite_values() -> None:
    image = field()
    image[0, :4] = np.nan, np.inf, -np.inf, 3.4e38
    pixels, parameters = stretch([image], SETTINGS)
    assert pixels[0, :4, 0].tolist() == [0, 255, 0, 255]
    assert parameters["not_finite"] == 3
    assert parameters["sky"][0] == pytest.approx(100, abs=0.5)


def test_an_image_without_noise_is_shown() -> None:
    image = np.zeros((40, 40))
    image[18:22, 18:22] = 1000
    image[10, 10] = 1
    pixels, _ = stretch([image], SETTINGS)
    assert pixels[20, 20, 0] == 255
    assert pixels[0, 0, 0] < 64


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((5, 5), np.nan), "no finite pixel"),
        (np.full((5, 5), 3.0), r"every pixel has the same value \(3\)"),
        (np.full((1, 1), 3.0), "same value"),
    ],
)
def test_nothing_to_show_is_refused(image: np.ndarray, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        stretch([image], SETTINGS)


def test_a_rare_value_is_not_missed_by_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parhelion.catalog._stretch._SAMPLE", 50)
    image = np.zeros((50, 50))
    image[3, 4] = 9
    pixels, _ = stretch([image], SETTINGS)
    assert pixels[3, 4, 0] == 255
