"""The network that the project trains: loss, views, determinism, whitening."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from parhelion.measurement._feature_training import (
    DIMENSION,
    SIZE,
    augment,
    nt_xent,
    train_trunk,
)


def galaxies(seed: int, count: int) -> NDArray[np.uint8]:
    """Blobs of many sizes and colors on a noisy sky: ``(count, SIZE, SIZE, 3)`` uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    angle, ratio = rng.uniform(0, np.pi, (count, 1, 1)), rng.uniform(0.3, 1, (count, 1, 1))
    u = np.cos(angle) * x + np.sin(angle) * y
    v = (np.cos(angle) * y - np.sin(angle) * x) / ratio
    light = np.exp(-np.hypot(u, v) / rng.uniform(3, 12, (count, 1, 1)))
    color = rng.uniform(80, 220, (count, 1, 1, 3))
    sky = rng.normal(12, 3, (count, SIZE, SIZE, 3))
    return np.clip(light[..., None] * color + sky, 0, 255).astype(np.uint8)


def test_loss_by_hand() -> None:
    # Both views of each image agree, and the two images are opposite: each row has its
    # partner at similarity 1 and two others at -1.
    embeddings = torch.tensor([[1.0, 0], [-1, 0], [2, 0], [-3, 0]])
    expected = -math.log(math.exp(2) / (math.exp(2) + 2 * math.exp(-2)))
    assert float(nt_xent(embeddings, temperature=0.5)) == pytest.approx(expected)


def test_loss_is_least_where_views_agree() -> None:
    agreeing = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]])
    crossed = agreeing[[0, 1, 3, 2]]
    assert nt_xent(agreeing) < nt_xent(crossed)


def test_views_stay_images_and_keep_color() -> None:
    generator = torch.Generator().manual_seed(0)
    red = torch.zeros(8, 3, 16, 16)
    red[:, 0] = 0.5
    views = augment(red, generator)
    assert views.shape == red.shape
    assert views.min() >= 0
    assert views.max() <= 1
    means = views.mean((2, 3))
    assert (means[:, 0] > 0.4).all()  # at most 15 % fainter
    assert (means[:, 1:] < 0.01).all()


def test_views_turn_and_mirror() -> None:
    corner = torch.zeros(64, 3, 16, 16)
    corner[:, :, 1:6, 1:4] = 1  # upright, so that all eight rotations and flips differ
    views = augment(corner, torch.Generator().manual_seed(0)).mean(1)
    quarters = torch.stack(
        [views[:, :8, :8], views[:, :8, 8:], views[:, 8:, :8], views[:, 8:, 8:]]
    ).sum((2, 3))
    assert quarters.argmax(0).unique().tolist() == [0, 1, 2, 3]


def test_same_seed_same_weights_and_global_randomness_is_left_alone() -> None:
    images = galaxies(0, 8)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = train_trunk(images, seed=3, steps=2).state_dict()
    torch.rand(7)
    second = train_trunk(images, seed=3, steps=2).state_dict()
    other = train_trunk(images, seed=4, steps=2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["whiten"], other["whiten"])
    torch.set_rng_state(before)
    train_trunk(images, seed=3, steps=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_features_are_centered_and_of_one_length() -> None:
    images = galaxies(0, 24)
    trunk = train_trunk(images, seed=0, steps=3)
    data = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        features = trunk(data)
        white = (trunk.pooled(data) - trunk.center) @ trunk.whiten
    assert features.shape == (24, DIMENSION)
    torch.testing.assert_close(features.norm(dim=1), torch.full((24,), math.sqrt(DIMENSION)))
    assert float(white.mean(0).abs().max()) < 1e-2
    # Shrinkage only ever makes the variance of a direction smaller than 1.
    assert 0 < float(torch.linalg.eigvalsh(torch.cov(white.T)).max()) < 1.01
