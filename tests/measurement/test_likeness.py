from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage.metrics import structural_similarity
from torchvision.models import squeezenet1_1

from drawn_galaxy import draw_galaxy
from parhelion.errors import ModelError
from parhelion.measurement._likeness import perceptual_distance, structural_similarities


def test_ssim_is_scikit_image_s() -> None:
    one, other = draw_galaxy(0, 64), draw_galaxy(1, 64)
    expected = structural_similarity(
        one,
        other,
        channel_axis=-1,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert structural_similarities(one, other)[0] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("size", [12, 21, 22, 43, 44, 88, 99, 161, 176])
def test_images_of_any_size_are_compared(size: int) -> None:
    galaxy = draw_galaxy(2, size)
    worse = np.clip(galaxy.astype(int) + 20 * (np.indices(galaxy.shape).sum(0) % 2), 0, 255)
    same = structural_similarities(galaxy, galaxy)
    less = structural_similarities(worse.astype(np.uint8), galaxy)
    assert same == pytest.approx((1, 1), abs=1e-5)
    assert less[0] < 0.99
    assert 0 <= less[1] < 0.999


def test_an_image_within_the_window_has_neither() -> None:
    assert np.isnan(structural_similarities(draw_galaxy(3, 11), draw_galaxy(3, 11))).all()


def test_the_learned_distance_grows_with_the_difference(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(squeezenet1_1(weights=None).state_dict(), tmp_path / "trunk.safetensors")
    distance = perceptual_distance(tmp_path / "trunk.safetensors")
    galaxy = draw_galaxy(4, 64)
    faint, strong = (
        np.clip(galaxy + np.random.default_rng(0).normal(0, s, galaxy.shape), 0, 255)
        for s in (3, 40)
    )
    assert distance(galaxy, galaxy) == 0
    assert 0 < distance(faint.astype(np.uint8), galaxy) < distance(strong.astype(np.uint8), galaxy)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="must hold torchvision's squeezenet1_1; it lacks"):
        perceptual_distance(tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        perceptual_distance(tmp_path / "broken.safetensors")
