"""Grain: noise of the power, color and correlation of what was lost."""

import torch
from torch import Tensor
from torch.nn import functional as F

from parhelion.generation._grain import Grain

_SIDE = 32


def _numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _ramps(count: int) -> Tensor:
    """Return images that brighten from left to right, each with a texture of its own strength.

    ``(N, 3, 32, 32)``, about from -0.9 to 0.5.
    """
    ramp = torch.linspace(-0.9, 0.5, _SIDE).expand(count, 3, _SIDE, _SIDE)
    strengths = torch.rand(2, count, 1, 1, 1, generator=torch.Generator().manual_seed(5))
    gray, colored = _numbers(12, count, 1, _SIDE, _SIDE), _numbers(13, count, 3, _SIDE, _SIDE)
    return ramp + 0.05 * strengths[0] * gray + 0.05 * strengths[1] * colored


def _lost(count: int, seed: int) -> Tensor:
    """Return noise that is stronger where it is bright, of neighbors alike, red without green."""
    red, green, blue = _numbers(seed, 3, count, 1, _SIDE + 2, _SIDE)
    blurred = [F.avg_pool2d(one, (3, 1), 1) * 3**0.5 for one in (red, green, blue)]
    colors = torch.cat([blurred[0], blurred[1], 0.8 * blurred[1] + 0.6 * blurred[2]], 1)
    return colors * torch.linspace(0.02, 0.06, _SIDE)


def _measured() -> Grain:
    grain = Grain(3)
    decoded = _ramps(128)
    grain.measure(decoded + _lost(128, 0), decoded)
    return grain


def _given(grain: Grain, count: int = 128) -> Tensor:
    images = _ramps(count)
    return grain(images, _numbers(1, count, *grain.shape_for(_SIDE))) - images


def test_grain_has_the_power_of_what_was_lost_from_dark_to_bright() -> None:
    given, lost = _given(_measured()), _lost(128, 2)
    for columns in (slice(2, 8), slice(12, 20), slice(24, 30)):
        ratio = given[..., columns].square().mean() / lost[..., columns].square().mean()
        assert 0.85 < float(ratio) < 1.2
    assert given[..., 24:30].std() > 1.7 * given[..., 2:8].std()


def test_grain_has_the_colors_of_what_was_lost() -> None:
    flat = _given(_measured())[..., 12:20].movedim(1, 0).flatten(1)
    found = torch.corrcoef(flat)
    wanted = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.8], [0.0, 0.8, 1.0]])
    torch.testing.assert_close(found, wanted, rtol=0, atol=0.05)


def test_grain_is_as_large_as_what_was_lost() -> None:
    given = _given(_measured())[..., 12:20]
    power = given.square().mean()
    down = (given[..., 1:, :] * given[..., :-1, :]).mean() / power
    across = (given[..., 1:] * given[..., :-1]).mean() / power
    assert abs(float(down) - 2 / 3) < 0.05
    assert abs(float(across)) < 0.05


def test_what_is_alike_on_one_side_is_not_alike_on_the_other() -> None:
    """Correlation with the pixel to the right in another channel stays on that side."""
    first = _numbers(3, 64, 1, _SIDE, _SIDE + 1)
    lost = 0.05 * torch.cat([first[..., 1:], first[..., :-1], first[..., :-1]], 1)
    grain = Grain(3)
    decoded = torch.zeros(64, 3, _SIDE, _SIDE)
    grain.measure(decoded + lost, decoded)
    given = grain(decoded, _numbers(4, 64, *grain.shape_for(_SIDE)))
    red, green = given[:, 0], given[:, 1]
    right = float((red[..., :-1] * green[..., 1:]).mean() / red.square().mean())
    left = float((red[..., 1:] * green[..., :-1]).mean() / red.square().mean())
    assert right > 0.9
    assert abs(left) < 0.1


def test_gray_images_get_gray_grain_beside_colored_ones() -> None:
    tints = 0.2 * _numbers(7, 128, 3, _SIDE, _SIDE)
    tints[:64] = 0
    decoded = _ramps(128) + tints
    lost = torch.cat([_numbers(8, 64, 1, _SIDE, _SIDE).expand(-1, 3, -1, -1), 2 * tints[64:]])
    grain = Grain(3)
    grain.measure(decoded + 0.05 * lost, decoded)
    given = grain(decoded, _numbers(9, 128, *grain.shape_for(_SIDE))) - decoded
    colors = (given - given.mean(1, keepdim=True)).square().mean((1, 2, 3)).sqrt()
    assert float(colors[:64].max()) < 0.5 / 127.5
    assert float(colors[64:].min()) > 1 / 127.5
    assert float(given[:64].square().mean().sqrt()) > 0.04


def test_images_of_one_channel_have_grain() -> None:
    decoded = _ramps(64)[:, :1]
    lost = 0.05 * _numbers(10, *decoded.shape)
    grain = Grain(1)
    grain.measure(decoded + lost, decoded)
    given = grain(decoded, _numbers(11, 64, *grain.shape_for(_SIDE))) - decoded
    assert 0.9 < float(given.square().mean() / lost.square().mean()) < 1.1


def test_where_nothing_was_lost_no_grain_shows() -> None:
    grain = Grain(3)
    decoded = _ramps(16)
    grain.measure(decoded, decoded)
    assert float(_given(grain, 16).abs().max()) < 0.5 / 127.5


def test_stars_that_were_lost_do_not_become_grain() -> None:
    grain, starry = Grain(3), Grain(3)
    decoded, lost = _ramps(128), _lost(128, 0)
    grain.measure(decoded + lost, decoded)
    stars = 2.0 * (
        torch.rand(128, 1, _SIDE, _SIDE, generator=torch.Generator().manual_seed(6)) > 0.999
    )
    starry.measure(decoded + lost + stars, decoded)
    ratio = _given(starry).square().mean() / _given(grain).square().mean()
    assert float(ratio) < 1.3
    assert float(stars.square().mean()) > lost.square().mean()
