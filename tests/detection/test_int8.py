"""Networks in 8-bit integers: near to float32, whatever stands beside an image, and honest."""

import pytest
import torch
from torch import Tensor, nn

from parhelion.detection._int8 import can_multiply_int8, fold, observe, quantize
from parhelion.errors import ModelError

needs_int8 = pytest.mark.skipif(not can_multiply_int8(), reason="a processor without int8")


class _Block(nn.Module):
    """What a ResNet has: a stem with pooling, a residual sum with and without a convolution."""

    def __init__(self, shortcut: bool = True) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.first = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 1)
        self.shortcut = nn.Conv2d(8, 8, 1) if shortcut else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        x = self.pool(self.stem(images))
        y = self.second(self.relu(self.norm(self.first(x))))
        y += self.shortcut(x)
        y = self.relu(y)
        return (y + torch.sin(y)).mean((2, 3))


def _network(shortcut: bool = True) -> _Block:
    torch.manual_seed(0)
    network = _Block(shortcut).requires_grad_(False)
    network(torch.rand(8, 3, 16, 16) * 2 - 1)  # statistics of the batch norms
    return network.eval()


def test_folding_changes_nothing() -> None:
    network, images = _network(), torch.rand(2, 3, 16, 16)
    folded = fold(network)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    assert torch.allclose(folded(images), network(images), atol=1e-5)


def test_ranges_leave_out_what_is_rare_but_not_of_the_input() -> None:
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(conv.weight, 2.0)
    folded = fold(nn.Sequential(conv))
    ramp = torch.linspace(0, 1, 1001)[None, None, None]
    # Twice the ramp up to its 99.9th percentile; of two images, the mean. Zero is always within.
    ranges = observe(folded, [ramp, -3 * ramp])
    assert sorted(ranges) == ["_0", "input_1"]
    assert ranges["input_1"] == (-3.0, 1.0)
    assert ranges["_0"] == pytest.approx(((0.002 - 5.994) / 2, (1.998 - 0.006) / 2), abs=1e-4)


@needs_int8
@pytest.mark.parametrize("shortcut", [True, False])
def test_integers_are_near_to_floats_and_blind_to_neighbors(shortcut: bool) -> None:
    network = _network(shortcut)
    folded = fold(network)
    quantized = quantize(folded, observe(folded, [torch.rand(16, 3, 16, 16) * 2 - 1]))
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    with torch.inference_mode():
        wanted, found = network(images), quantized(images)
        alone = torch.cat([quantized(image[None]) for image in images])
    # A level is 1/255 of a range; a few layers, then a mean over 64 pixels.
    assert (found - wanted).abs().max() < 0.02 * wanted.abs().max()
    assert found.std(0).max() > 0.01
    assert torch.equal(found, alone)


@needs_int8
def test_the_pool_is_that_of_torch() -> None:
    from parhelion.detection._int8 import _largest

    values = torch.randint(0, 256, (2, 3, 15, 16), dtype=torch.uint8)
    wanted = nn.functional.max_pool2d(values.float(), 3, 2, 1)
    assert torch.equal(_largest(values, 3, 2, 1).float(), wanted)


@needs_int8
def test_ranges_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match="no range is known for"):
        quantize(fold(_network()), {})


def test_a_network_that_branches_on_its_input_is_refused() -> None:
    class Fickle(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images if images.sum() > 0 else -images

    with pytest.raises(ModelError, match="cannot be traced"):
        fold(Fickle())


@needs_int8
def test_sizes_may_alternate() -> None:
    folded = fold(_network())
    quantized = quantize(folded, observe(folded, [torch.rand(16, 3, 16, 16) * 2 - 1]))
    large, small = torch.rand(2, 3, 24, 24) * 2 - 1, torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.inference_mode():
        once = [quantized(images) for images in (large, small)]
        again = [quantized(images) for images in (large, small)]
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert torch.allclose(once[0], _network()(large), atol=0.1)
