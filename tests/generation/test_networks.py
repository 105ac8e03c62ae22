"""The two networks: shapes at every size, conditioning, and the losses by hand."""

import pytest
import torch
from torch import nn

from parhelion.generation._losses import (
    Judge,
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
    reconstruction,
)
from parhelion.generation._networks import (
    Discriminator,
    Generator,
    channels_at,
    parameter_count,
    quarter,
)


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(size: int, channels: int) -> None:
    generator = Generator(size, width=2, limit=8, latent=4, channels=channels)
    images = generator(torch.randn(2, 4))
    assert images.shape == (2, channels, size, size)
    discriminator = Discriminator(size, width=2, limit=8, channels=channels)
    logits, small, whole, part = discriminator(images, crop=torch.tensor([[0], [1]]))
    assert logits.shape == small.shape == (2, 5, 5)
    assert whole.shape == part.shape
    assert whole.shape[:2] == (2, channels)
    assert whole.shape[-1] == min(size // 2, 128)
    assert len(discriminator(images)) == 2


@pytest.mark.parametrize("noise", [True, False])
def test_noise_is_what_follows_the_latent(noise: bool) -> None:
    torch.manual_seed(0)
    generator = Generator(32, 4, 16, 8, noise=noise).eval()
    assert generator.inputs == 8 + noise * (8**2 + 16**2 + 32**2)
    numbers = torch.randn(1, 8 + 8**2 + 16**2 + 32**2)
    plain = generator(numbers[:, : generator.inputs])
    for block in generator.blocks.values():
        if noise:
            torch.nn.init.ones_(block.strength)
    # It counts for nothing at first; training gives it a strength.
    assert torch.equal(generator(numbers[:, : generator.inputs]), plain) != noise


@pytest.mark.parametrize("noise", [True, False])
def test_pixel_shuffle_doubles_too(noise: bool) -> None:
    torch.manual_seed(0)
    generator = Generator(64, 4, 16, 8, noise=noise, upsampling="shuffle").eval()
    images = generator(torch.randn(2, generator.inputs))
    assert images.shape == (2, 3, 64, 64)
    repeated = Generator(64, 4, 16, 8, noise=noise)
    assert parameter_count(generator) > parameter_count(repeated)
    last = generator.blocks["64"]
    x = torch.randn(1, 8, 32, 32)
    wide = last[0](x)  # four channels to a pixel's four places
    assert torch.equal(last.doubled(x)[0, 0, :2, :2].flatten(), wide[0, :4, 0, 0])


def test_channels_double_with_each_halving_up_to_the_limit() -> None:
    found = [channels_at(r, 128, 32, 512) for r in (4, 8, 16, 32, 64, 128)]
    assert found == [512, 512, 256, 128, 64, 32]  # the published widths at 128 pixels


def test_the_demo_s_networks_are_small() -> None:
    assert parameter_count(Generator(64, 16, 128, 128)) == pytest.approx(1.05e6, rel=0.01)
    assert parameter_count(Discriminator(64, 16, 128)) == pytest.approx(0.63e6, rel=0.01)


def test_every_weight_learns() -> None:
    """No layer is left out of the graph: excitations, decoders and both scales have gradients."""
    torch.manual_seed(0)
    generator = Generator(256, 2, 8, 4, classes=(3, 2), noise=True)
    discriminator = Discriminator(256, 2, 8, classes=(3, 2))
    labels = torch.tensor([[0, 1], [2, 0], [1, 1]])
    outputs = discriminator(
        generator(torch.randn(3, generator.inputs), labels), labels, torch.tensor([1, 0])
    )
    torch.stack([o.square().mean() for o in outputs]).sum().backward()
    for network in (generator, discriminator):
        without = [n for n, p in network.named_parameters() if p.grad is None]
        assert without == []


def test_the_class_changes_the_image() -> None:
    torch.manual_seed(0)
    generator = Generator(32, 4, 16, 8, classes=(2,)).eval()
    latent = torch.randn(1, 8).repeat(2, 1)
    first, second = generator(latent, torch.tensor([[0], [1]]))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize(("crop", "corner"), [((0, 0), 0.0), ((0, 1), 2.0), ((1, 0), 8.0)])
def test_a_quarter_is_where_it_says(crop: tuple[int, int], corner: float) -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    part = quarter(x, torch.tensor(crop))
    assert part.shape == (1, 1, 2, 2)
    assert part[0, 0, 0, 0] == corner


def test_hinge_losses_by_hand() -> None:
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([-3.0, 1.0])
    # (1 - 0 + 0) / 2 for the real ones, (0 + 2) / 2 for the made ones, at each of two scales.
    assert hinge_discriminator((real, real), (fake, fake)) == pytest.approx(2 * (0.5 + 1.0))
    assert hinge_generator((fake, fake)) == pytest.approx(2.0)


def test_reconstruction_is_exact_for_the_shrunk_image() -> None:
    images = torch.rand(2, 3, 8, 8)
    assert reconstruction(nn.functional.interpolate(images, size=4, mode="area"), images) == 0


def test_the_penalty_is_the_squared_slope() -> None:
    images = torch.randn(3, 1, 2, 2, requires_grad=True)
    direction = torch.full((1, 2, 2), 0.5)  # norm 1
    slope_one = (images * direction).sum(dim=(1, 2, 3))[:, None]
    flat = 0 * slope_one
    assert gradient_penalty(images, (flat,)) == 0
    assert gradient_penalty(images, (slope_one, 2 * slope_one)) == pytest.approx(9, abs=1e-5)


def test_the_judge_penalizes_only_when_told() -> None:
    judge = Judge(Discriminator(32, 2, 8))
    made, real, crop = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32), torch.tensor([0, 0])
    assert set(judge(made, None)) == {"generator"}
    assert set(judge(made, None, real, crop)) == {"discriminator", "reconstruction"}
    losses = judge(made, None, real, crop, penalize=True)
    losses["penalty"].backward()
    assert judge.discriminator.start[0].weight.grad.abs().sum() > 0
