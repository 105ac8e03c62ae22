"""Point-spread functions."""

import numpy as np
import pytest

from parhelion.sky._psf import make_psf, profile, spread


@pytest.mark.parametrize("shape", ["moffat", "gaussian"])
def test_profiles_have_their_width(shape):
    assert profile(np.array(0.0), 3.0, shape) == 1
    assert profile(np.array(1.5), 3.0, shape) == pytest.approx(0.5)


@pytest.mark.parametrize("shape", ["moffat", "gaussian"])
def test_spreading_keeps_the_flux_and_the_place(shape):
    psf = make_psf((2.0, 3.0, 4.0), shape, 3)
    assert psf is not None
    np.testing.assert_allclose(psf.kernels.sum(axis=(0, 1)), 1, rtol=1e-5)
    assert psf.kernels[[0, -1]].max() < 1e-4
    light = np.zeros((9, 11, 3), np.float32)
    light[4, 5] = [10, 20, 30]
    out = spread(light, psf)
    assert out.shape == (9 + 2 * psf.reach, 11 + 2 * psf.reach, 3)
    np.testing.assert_allclose(out.sum(axis=(0, 1)), [10, 20, 30], rtol=1e-4)
    places = {np.unravel_index(out[..., c].argmax(), out.shape[:2]) for c in range(3)}
    assert places == {(4 + psf.reach, 5 + psf.reach)}
    # The wider, the lower.
    peaks = out.max(axis=(0, 1)) / [10, 20, 30]
    assert peaks[0] > peaks[1] > peaks[2]


def test_no_width_is_no_spreading():
    assert make_psf((), "moffat", 3) is None
    one = make_psf((2.5,), "moffat", 1)
    assert one is not None
    assert one.kernels.shape[2] == 1
