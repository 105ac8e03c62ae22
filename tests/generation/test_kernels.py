"""The quicker kernels are the functions that they replace, gradients included."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from parhelion.generation._kernels import doubled_convolution, gated


def _gradients(y: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    weights = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape).sin()
    return torch.autograd.grad((y * weights).sum(), inputs)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_doubled_convolution_is_two_steps_in_one(
    layout: torch.memory_format,
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4, dtype=torch.float32).to(memory_format=layout).requires_grad_()
    weight = torch.randn(6, 3, 3, 3).to(memory_format=layout).requires_grad_()
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
    found = doubled_convolution(x, weight)
    assert found.shape == (2, 6, 10, 8)
    assert torch.allclose(found, expected, atol=1e-5)
    pairs = zip(_gradients(found, x, weight), _gradients(expected, x, weight), strict=True)
    for quick, plain in pairs:
        assert torch.allclose(quick, plain, atol=1e-4)


def test_one_pixel_by_hand() -> None:
    x = torch.ones(1, 1, 1, 1)
    weight = torch.arange(9.0).reshape(1, 1, 3, 3)
    # The top left of 2 x 2 pixels sees the kernel's lower right four: 4 + 5 + 7 + 8.
    assert doubled_convolution(x, weight).flatten().tolist() == [24, 20, 12, 8]


def test_gated_is_glu_and_keeps_the_layout_of_the_gradient() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 4, 5).to(memory_format=torch.channels_last).requires_grad_()
    found, expected = gated(x), F.glu(x, dim=1)
    assert torch.equal(found, expected)
    (quick,), (plain,) = _gradients(found, x), _gradients(expected, x)
    assert torch.allclose(quick, plain)
    assert quick.is_contiguous(memory_format=torch.channels_last)
