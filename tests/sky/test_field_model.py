"""The model of a field whose numbers are known."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate1d

from parhelion.errors import InputError
from parhelion.sky import measure_model
from parhelion.sky._field_model import REACH


def test_sky_and_sources_of_a_drawn_field(model):
    np.testing.assert_allclose(model.level, [12, 14, 16], atol=0.2)
    assert model.density == pytest.approx(36 / 384**2)
    assert len(model.a) == len(model.flux) == 36
    # Luma noise: the weights of independent parts add in squares, the shared third as it is.
    weights = np.array([0.299, 0.587, 0.114])
    assert model.rms == pytest.approx(4 * (1 / 3 + 2 / 3 * (weights**2).sum()) ** 0.5, rel=0.05)
    # Independent pixels: the filters do next to nothing.
    np.testing.assert_allclose(model.kernels[:, :, REACH], 1, atol=0.02)
    shared = model.mixing @ model.mixing.T
    np.testing.assert_allclose(shared[np.triu_indices(3, 1)], 1 / 3, atol=0.05)


def test_kernels_follow_the_noises_correlation():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (400, 400, 1))
    taps = np.array([0.25, 1, 0.25])
    noise = correlate1d(correlate1d(noise, taps, axis=0), taps, axis=1)
    image = 30 + 5 * noise / noise.std()
    yy, xx = np.mgrid[:400, :400]
    for x in range(40, 400, 80):
        for y in range(40, 400, 80):
            image[..., 0] += 100 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 18)
    measured = measure_model(np.clip(image, 0, 255).astype(np.uint8), min_area=30, where="x")
    expected = np.zeros(2 * REACH + 1)
    expected[REACH - 1 : REACH + 2] = taps / np.linalg.norm(taps)
    np.testing.assert_allclose(measured.kernels[0, 0], expected, atol=0.06)
    np.testing.assert_allclose(measured.kernels[1, 0], expected, atol=0.06)


def test_a_field_without_sources_cannot_be_followed():
    blank = np.random.default_rng(0).normal(20, 3, (128, 128, 1)).astype(np.uint8)
    with pytest.raises(InputError, match="blank has . sources of 30 pixels or more, too few"):
        measure_model(blank, min_area=30, where="blank")


@pytest.mark.parametrize("lowered", [24, 40])
def test_a_clipped_sky_cannot_be_followed(real_field, lowered):
    # Of the lesser clipping some noise remains, in the brightest band most.
    with Image.open(real_field) as image:
        pixels = np.clip(np.asarray(image).astype(int) - lowered, 0, 255).astype(np.uint8)
    with pytest.raises(InputError, match=r"the sky of x is clipped: .* % of it is at level 0"):
        measure_model(pixels, min_area=30, where="x")


def test_a_sky_that_is_cut_off_in_part_is_followed(real_field):
    with Image.open(real_field) as image:
        pixels = np.clip(np.asarray(image).astype(int) - 14, 0, 255).astype(np.uint8)
    assert (pixels == 0).mean() > 0.3
    model = measure_model(pixels, min_area=30, where="x")
    for values in (model.level, model.kernels, model.mixing, *model.normal, *model.value):
        assert np.isfinite(values).all()
