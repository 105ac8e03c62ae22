"""The spectrum: waves where they belong, standardized, blind to level, finite when blank."""

import numpy as np
import pytest
import torch

from parhelion.detection import log_spectrum, radial_profile
from parhelion.detection._spectrum import gray, spectrum_profile


def _wave(cycles_down: int, cycles_across: int, size: int = 32) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    phase = 2 * torch.pi * (cycles_down * y + cycles_across * x) / size
    return 0.5 * torch.cos(phase)[None, None]


@pytest.mark.parametrize(("down", "across"), [(0, 5), (7, 0), (3, -9)])
def test_a_wave_peaks_at_its_frequency(down: int, across: int) -> None:
    spectrum = log_spectrum(_wave(down, across))[0, 0]
    peak = divmod(int(spectrum.argmax()), 32)
    assert peak in {(16 + down, 16 + across), (16 - down, 16 - across)}


def test_each_spectrum_is_standardized() -> None:
    images = torch.rand(3, 3, 24, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    spectrum = log_spectrum(images)
    assert spectrum.shape == (3, 1, 24, 32)
    assert torch.allclose(spectrum.mean((-2, -1)), torch.zeros(3, 1), atol=1e-5)
    assert torch.allclose(spectrum.std((-2, -1), correction=0), torch.ones(3, 1), atol=1e-4)


def test_the_sky_level_plays_no_part() -> None:
    image = 0.4 * torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(log_spectrum(image), log_spectrum(image + 0.3), atol=1e-2)


def test_a_blank_image_gives_zeros_and_a_finite_gradient() -> None:
    blank = torch.zeros(1, 3, 16, 16, requires_grad=True)
    spectrum = log_spectrum(blank)
    spectrum.square().sum().backward()
    assert torch.allclose(spectrum, torch.zeros(1, 1, 16, 16), atol=1e-2)
    assert blank.grad is not None
    assert blank.grad.isfinite().all()


def test_bfloat16_around_it_does_not_reach_it() -> None:
    images = _wave(2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        spectrum = log_spectrum(images)
    assert spectrum.dtype == torch.float32
    assert torch.equal(spectrum, log_spectrum(images))


def test_gray_weighs_the_colors_as_itu_r_601_does() -> None:
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert gray(red).item() == pytest.approx(0.299)
    assert gray(torch.full((1, 1, 1, 1), 0.5)).item() == 0.5


def test_the_profile_averages_over_rings() -> None:
    # On 4 x 4 the zero frequency is at [2, 2]; ring 1 is the 8 pixels around it.
    spectrum = torch.zeros(1, 1, 4, 4)
    spectrum[0, 0, 2, 2] = 7.0
    spectrum[0, 0, 1:4, 1] = 8.0
    assert radial_profile(spectrum).tolist() == [[7.0, 3.0]]


def test_ripples_stand_out_in_the_profile() -> None:
    radius = np.hypot(*(np.mgrid[:32, :32] - 15.5))
    ripples = np.rint(128 + 60 * np.cos(2 * np.pi * 10 * radius / 32)).astype(np.uint8)
    profile = spectrum_profile(ripples[None, ..., None])
    assert profile.shape == (16,)
    assert profile.argmax() == 10
