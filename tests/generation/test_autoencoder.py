"""The autoencoder in whose maps diffusion works, on cases with known answers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from drawn_galaxy import draw_galaxy
from parhelion.generation import DiffusionSettings
from parhelion.generation._autoencoder import Autoencoder, Pixels, loss_of_autoencoder, space_of
from parhelion.generation._diffusion import SIGMA_DATA
from parhelion.generation._train_autoencoder import fit_autoencoder, maps_of, turned
from parhelion.training import make_fabric, to_model

_TINY = DiffusionSettings(
    image_size=32, factor=4, autoencoder_width=16, autoencoder_images=9600, widths=(8, 16)
)


@pytest.mark.parametrize(("factor", "side"), [(4, 8), (8, 4)])
def test_maps_are_so_many_times_smaller(factor: int, side: int) -> None:
    settings = DiffusionSettings(image_size=32, factor=factor, latent_channels=5, widths=(8,))
    space = space_of(settings)
    maps = space.encode(torch.zeros(2, 3, 32, 32))
    assert maps.shape == (2, *settings.map_shape) == (2, 5, side, side)
    assert space.decode(maps).shape == (2, 3, 32, 32)


def test_pixels_are_their_own_maps() -> None:
    images = torch.randn(2, 3, 16, 16)
    space = space_of(DiffusionSettings(image_size=16, widths=(8,)))
    assert isinstance(space, Pixels)
    assert space.decode(space.encode(images)) is images


def test_measured_maps_are_as_edm_has_data() -> None:
    torch.manual_seed(0)
    space = Autoencoder(_TINY).eval()
    images = torch.randn(64, 3, 32, 32)
    with torch.no_grad():
        before = space.decode(space.encode(images))
        space.measure(space.encode(images))
        maps = space.encode(images)
        torch.testing.assert_close(space.decode(maps), before, rtol=1e-4, atol=1e-4)
    assert maps.mean((0, 2, 3)).abs().max() < 1e-3
    torch.testing.assert_close(maps.std((0, 2, 3)), torch.full((4,), SIGMA_DATA), rtol=1e-3, atol=0)


def test_maps_on_the_cpu_are_measured_for_an_autoencoder_on_another_device() -> None:
    with FakeTensorMode(), torch.device("cuda"):  # a GPU of which only the name is there
        space = Autoencoder(_TINY)
        space.measure(torch.randn(2, 4, 8, 8, device="cpu"))
    assert space.spread.device.type == "cuda"


def test_a_perfect_autoencoder_loses_nothing_but_the_size_of_its_maps() -> None:
    class Perfect(torch.nn.Module):
        def forward(self, images: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return images, torch.ones_like(noise)

    loss = loss_of_autoencoder(Perfect(), torch.randn(2, 3, 32, 32), _TINY, torch.Generator())
    assert float(loss) == pytest.approx(1e-3)


def test_an_error_of_color_counts_beside_a_larger_one_of_gray() -> None:
    class Wrong(torch.nn.Module):
        def __init__(self, *errors: float) -> None:
            super().__init__()
            self.errors = torch.tensor(errors)[:, None, None]

        def forward(self, images: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return images + self.errors, torch.zeros_like(noise)

    images, numbers = torch.zeros(2, 3, 32, 32), torch.Generator()
    gray = loss_of_autoencoder(Wrong(0.5, 0.5, 0.5), images, _TINY, numbers)
    tinted = loss_of_autoencoder(Wrong(0.6, 0.5, 0.4), images, _TINY, numbers)
    assert float(tinted) > 1.1 * float(gray)


def test_training_brings_images_back(tmp_path: Path) -> None:
    pixels = np.stack([draw_galaxy(seed) for seed in range(16)])
    pixels = np.broadcast_to(pixels, (*pixels.shape[:3], 3)).copy()
    fabric = make_fabric("cpu", "fp32")
    space = fit_autoencoder(pixels, tmp_path, _TINY, fabric, "data", resume=False)
    maps = torch.from_numpy(maps_of(space, pixels, fabric))
    with torch.no_grad():
        error = (space.decode(maps) - to_model(pixels)).abs().mean()
    flat = (to_model(pixels) - to_model(pixels).mean((2, 3), keepdim=True)).abs().mean()
    assert float(error) < 0.6 * float(flat)


def test_eight_ways_to_turn_are_all_different_and_lossless() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    ways = [turned(image, [way])[0] for way in range(8)]
    assert len({way.tobytes() for way in ways}) == 8
    assert all(sorted(way.ravel()) == list(range(16)) for way in ways)
    assert (ways[0] == image[0]).all()
