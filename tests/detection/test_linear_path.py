"""The linear path: what its features are, how it is fitted, and that it joins a detector."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.fft import dctn

from parhelion.catalog import Catalog
from parhelion.detection import DetectorSettings, load_detector, train_detector
from parhelion.detection._fit_linear_path import fit_linear_path
from parhelion.detection._linear_path import LinearPath, dct_grids
from parhelion.detection._spectrum import color_planes
from parhelion.errors import SettingsError
from parhelion.training import to_model

PATCHES: dict[str, Any] = {
    "view": "patches",
    "image_size": 32,
    "batch": 16,
    "learning_rate": 1e-3,
    "device": "cpu",
    "precision": "fp32",
    "workers": 2,
    "backbone": "fine",
    "fusion": "concatenate",
    "smallest_patch": 24,
    "images": 320,
    "linear": 0.5,
}


def images(side: int, seed: int = 0, count: int = 2) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


def smooth(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average each pixel with its neighbors to the right and below."""
    wide = pixels.astype(np.float64)
    wide = (wide + np.roll(wide, 1, 1)) / 2
    return ((wide + np.roll(wide, 1, 2)) / 2).astype(np.uint8)


@pytest.mark.parametrize("side", [96, 40, 20])
def test_features_are_means_of_log_cosines_over_a_grid(side: int) -> None:
    pixels = to_model(images(side))
    found = dct_grids(pixels).numpy()
    assert found.shape == (2, 32**2 + 2 * 16**2)
    plane = color_planes(pixels)[1, 0].numpy().astype(np.float64) * 127.5
    logarithms = np.log(np.abs(dctn(plane - plane.mean(), norm="ortho")) + 1)
    for row, column in ((0, 5), (31, 31), (7, 20)):
        down, across = (
            [n for n in range(side) if n * 32 // side == cell]
            if side >= 32
            else [cell * side // 32]
            for cell in (row, column)
        )
        expected = logarithms[np.ix_(down, across)].mean()
        assert found[1, row * 32 + column] == pytest.approx(expected, abs=1e-3)


def test_brightness_tells_nothing() -> None:
    dim = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) - 1
    assert torch.allclose(dct_grids(dim), dct_grids(dim + 0.9), atol=1e-3)


def test_gray_images_have_no_color_differences() -> None:
    features = dct_grids(torch.rand(1, 1, 32, 32))
    assert features[0, :1024].any()
    assert not features[0, 1024:].any()


def test_what_is_learned_at_one_side_holds_at_another() -> None:
    def batches() -> Any:
        for number in range(40):
            real = images(48, number, 4)
            yield np.concatenate([real, smooth(real)]), np.repeat(np.float32([0, 1]), 4)

    path = fit_linear_path(batches(), 10**6)
    for side in (24, 64):
        real = images(side, 99, 16)
        said = [path(to_model(pixels)) for pixels in (real, smooth(real))]
        assert said[0].max() < said[1].min()
    before = path(to_model(images(48)))
    path.scale(3.0)
    assert torch.allclose(path(to_model(images(48))), 3 * before, rtol=1e-4)


def test_it_learns_from_no_more_images_than_it_may() -> None:
    taken = 0

    def batches() -> Any:
        nonlocal taken
        while True:
            taken += 8
            yield images(32, taken, 8), np.repeat(np.float32([0, 1]), 4)

    fit_linear_path(batches(), 20)
    assert taken == 24


def test_a_detector_keeps_it(drawn: list[Catalog], tmp_path: Path) -> None:
    settings = DetectorSettings(**PATCHES)
    out = train_detector(drawn, tmp_path / "out", settings)
    with_path = load_detector(out, device="cpu")
    path = with_path.network.linear_path
    assert isinstance(path, LinearPath)
    assert path.weight.any()
    pixels = to_model(images(32))
    both = with_path.network(pixels)
    own = path(pixels)
    with_path.network.linear_path = None
    assert torch.allclose(with_path.network(pixels) + own, both, atol=1e-5)

    # Another weight does not make it another run: only what follows the training is done again.
    heavier = dataclasses.replace(settings, linear=1.0)
    again = load_detector(train_detector(drawn, out, heavier, resume=True), device="cpu")
    assert again.network.linear_path is not None
    ratio = again.network.linear_path.weight.norm() / path.weight.norm()
    assert float(ratio) == pytest.approx(2, rel=1e-2)


def test_training_on_fits_it_anew(drawn: list[Catalog], tmp_path: Path) -> None:
    settings = DetectorSettings(**PATCHES | {"images": 64})
    first = train_detector(drawn, tmp_path / "first", settings)
    on = dataclasses.replace(settings, start=str(first), linear=0.0)
    assert load_detector(train_detector(drawn, tmp_path / "on", on)).network.linear_path is None


def test_whole_images_have_none() -> None:
    with pytest.raises(SettingsError, match=r"--linear \(=0.5\) must be in 0..10.*--view patches"):
        DetectorSettings(linear=0.5)
