"""The simple published detectors: their transforms by hand, and what they can and cannot tell."""

import numpy as np
import pytest
from numpy.typing import NDArray

from parhelion.detection._peers import dct_features, logistic, peers, radial_features

SIDE = 32


def _noise(seed: int, made: bool) -> NDArray[np.uint8]:
    """Return noise on gray; of a made image every pixel is drawn twice each way (nearest)."""
    rng = np.random.default_rng([seed, int(made)])
    values = rng.normal(100, 20, (SIDE, SIDE))
    if made:
        values = values[::2, ::2].repeat(2, 0).repeat(2, 1)
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_the_profile_of_a_flat_image_is_its_zero_frequency_alone() -> None:
    profile = radial_features(np.full((SIDE, SIDE), 50.0))
    assert profile.shape == (64,)
    assert profile[0] == 1.0
    # The last ring next to zero frequency ends within three of 64 places.
    assert profile[4:] == pytest.approx(0, abs=1e-9)


def test_a_wave_stands_in_its_ring() -> None:
    x = np.arange(SIDE)
    wave = 100 + 50 * np.cos(2 * np.pi * 8 * x / SIDE) + np.zeros((SIDE, 1))
    profile = radial_features(wave)
    rings = int(np.hypot(SIDE / 2, SIDE / 2)) + 1
    places = np.linspace(0, rings - 1, 64)
    assert abs(places[4 + profile[4:].argmax()] - 8) < 0.5
    # Two of the ring's coefficients hold the wave: 50/2 per pixel each, log(x + 1) of it.
    cycles = np.fft.fftfreq(SIDE, 1 / SIDE)
    members = (np.hypot(cycles[:, None], cycles).astype(int) == 8).sum()
    peak = 2 * np.log(25 * SIDE**2 + 1) / members / np.log(100 * SIDE**2 + 1)
    at_8 = np.interp(8, places, profile)
    assert at_8 == pytest.approx(peak, rel=0.2)


def test_a_cosine_is_one_coefficient() -> None:
    x = np.arange(SIDE)
    cosine = np.cos(np.pi * (2 * x + 1) * 5 / (2 * SIDE)) + np.zeros((SIDE, 1))
    features = np.exp(dct_features(cosine)).reshape(SIDE, SIDE)
    # Orthonormal: the root of the sum of squares, SIDE * SIDE / 2.
    assert features[0, 5] == pytest.approx(np.sqrt(SIDE**2 / 2), rel=1e-3)
    features[0, 5] = 0
    assert features.max() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("side", [16, 40, 96])
def test_frequencies_of_any_size_are_compared(side: int) -> None:
    x = np.arange(side)
    cosine = np.cos(np.pi * (2 * x + 1) * (side // 2) / (2 * side)) + np.zeros((side, 1))
    features = dct_features(cosine).reshape(32, 32)
    row, column = np.unravel_index(features.argmax(), features.shape)
    assert (row, column) == (0, 16)


@pytest.mark.parametrize("number", [0, 1], ids=[peer.name for peer in peers()])
def test_a_lattice_is_found(number: int) -> None:
    peer = peers()[number]
    is_made = np.arange(120) % 3 == 0
    peer.fit([_noise(n, m) for n, m in enumerate(is_made)], is_made, seed=0)
    made = peer.probability_made([_noise(1000 + n, True) for n in range(20)])
    observed = peer.probability_made([_noise(1000 + n, False) for n in range(20)])
    assert made.dtype == np.float64
    assert made.shape == (20,)
    assert made.min() > 0.5 > observed.max()


def test_same_seed_same_answer() -> None:
    is_made = np.arange(40) % 2 == 0
    images = [_noise(n, m) for n, m in enumerate(is_made)]
    for first, second in zip(peers(), peers(), strict=True):
        first.fit(images, is_made, seed=3)
        second.fit(images, is_made, seed=3)
        assert (first.probability_made(images) == second.probability_made(images)).all()


def test_classes_weigh_the_same_and_a_constant_feature_tells_nothing() -> None:
    is_made = np.array([False] * 10 + [True] * 30)
    model = logistic(np.ones((40, 2)), is_made, 1.0)
    assert model.predict_proba(np.ones((1, 2)))[0, 1] == pytest.approx(0.5)
