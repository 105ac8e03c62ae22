"""The domain: near what it was fitted on, far from the rest, with the error it promises."""

import numpy as np
import pytest

from parhelion.detection._domain import fit_domain, fit_limit, traits


def test_traits_by_hand() -> None:
    seen = np.zeros((64, 64, 3), np.uint8)
    seen[..., 0] = 30
    found = traits(seen[None])
    assert found.shape == (24 + 3 + 3,)
    assert found[-6:].tolist() == pytest.approx([10.0, np.sqrt(200.0), 0.0, 20.0, -10.0, -10.0])
    assert np.abs(found[1:24]).max() < 0.01  # a level has no spectrum
    assert traits(np.zeros((1, 256, 256, 3), np.uint8)).shape == (24 + 3 + 3,)


def test_distance_is_counted_in_standard_deviations_of_the_nearer_class() -> None:
    rng = np.random.default_rng(0)
    observed = rng.normal((0, 0), (1, 10), (5000, 2))
    made = rng.normal((100, 0), (1, 10), (5000, 2))
    domain = fit_domain(observed, made)
    probes = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 30.0], [100.0, 0.0]])
    assert domain.distance(probes) == pytest.approx([0, 3, 3, 0], abs=0.15)


def test_a_trait_that_never_varies_does_no_harm() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([rng.normal(size=20), np.full(20, 5.0)], 1)
    distance = fit_domain(values, values).distance(values)
    assert np.isfinite(distance).all()
    assert distance.max() < 5


def test_the_limit_by_hand() -> None:
    distances = np.arange(1.0, 20.0)  # 1 to 19
    assert fit_limit(distances, 0.05) == 19.0
    assert fit_limit(distances, 0.1) == 18.0
    assert fit_limit(distances[:3], 0.05) == 3.0
