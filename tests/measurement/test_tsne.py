"""t-SNE: what belongs together lies together, and the same seed gives the same layout."""

import numpy as np
import pytest

from parhelion.errors import InputError
from parhelion.measurement import tsne


def _two_clouds(count: int = 20) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(center, 1, (count, 5)) for center in (0, 30)])


def test_two_clouds_stay_apart() -> None:
    features = np.column_stack([_two_clouds(), np.ones(40)])  # a feature that never varies
    places = tsne(features, seed=1)
    assert places.shape == (40, 2)
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argmin(1)
    assert ((nearest < 20) == (np.arange(40) < 20)).all()


def test_the_same_seed_gives_the_same_layout() -> None:
    features = _two_clouds(10)
    assert np.array_equal(tsne(features, seed=4), tsne(features, seed=4))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((3, 4)), "at least 8 images"),
        (np.zeros(9), "at least 8 images"),
        (np.full((9, 2), np.nan), "not finite"),
    ],
)
def test_what_has_no_layout_is_refused(features: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tsne(features)
