"""One step: the parts of an accumulated batch add up, and processes share its draws."""

import pytest
import torch

from parhelion.generation import GanSettings
from parhelion.generation._augment import Draws
from parhelion.generation._players import Players, make_players, set_strength, step
from parhelion.training import make_fabric

TINY = {"image_size": 32, "width": 2, "max_channels": 8, "latent": 8, "precision": "fp32"}


class _Repeating(Draws):
    """Draws that are the same for every part of a batch."""

    def __init__(self) -> None:
        super().__init__(torch.Generator())

    def normal(self, count: int, length: int) -> torch.Tensor:
        return torch.randn(count, length, generator=torch.Generator().manual_seed(5))

    def whole_number(self, high: int, length: int) -> torch.Tensor:
        return torch.zeros(length, dtype=torch.int64)


def _after_a_step(real: torch.Tensor, **changes: object) -> tuple[Players, dict[str, torch.Tensor]]:
    settings = GanSettings(
        **{**TINY, "batch": len(real), "augment_probability": 0.0, "dihedral": False, **changes}
    )
    players = make_players(settings, (), make_fabric("cpu", "fp32"))
    return players, step(players, real, None, _Repeating(), settings, penalize=True)


def test_two_equal_parts_give_the_step_of_one() -> None:
    half = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    one, losses = _after_a_step(half)
    two, accumulated = _after_a_step(torch.cat([half, half]), accumulate=2)
    for name, loss in losses.items():
        assert torch.allclose(accumulated[name], loss, atol=1e-5), name
    for first, second in ((one.generator, two.generator), (one.judge, two.judge)):
        for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
            # Adam's first step is the sign of the gradient times 2e-4.
            assert torch.allclose(a, b, atol=1e-5), name


def test_the_penalty_at_made_images_is_the_mean_over_both() -> None:
    real = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    _, alone = _after_a_step(real)
    _, both = _after_a_step(real, penalize_made=True)
    assert torch.allclose(alone["discriminator"], both["discriminator"], atol=1e-5)
    assert both["penalty"] > 0
    assert not torch.allclose(alone["penalty"], both["penalty"])


def test_the_discriminator_may_have_its_own_width() -> None:
    wide, _ = _after_a_step(torch.rand(2, 3, 32, 32), discriminator_width=4)
    narrow, _ = _after_a_step(torch.rand(2, 3, 32, 32))
    assert wide.judge.module.discriminator.start[0].out_channels == 8
    assert narrow.judge.module.discriminator.start[0].out_channels == 4


def test_the_shares_of_processes_are_the_draws_of_one() -> None:
    def draws(rank: int = 0, processes: int = 1) -> Draws:
        return Draws(torch.Generator().manual_seed(3), rank, processes)

    for draw in (
        lambda d, n: d.uniform(2, n),
        lambda d, n: d.integers(0, 9, 2, n),
        lambda d, n: d.normal(n, 3).T,
    ):
        shares = [draw(draws(rank, 2), 4) for rank in range(2)]
        assert torch.equal(torch.cat(shares, dim=1), draw(draws(), 8))
    assert torch.equal(draws(0, 2).whole_number(9, 4), draws(1, 2).whole_number(9, 4))


def test_conditions_count_for_more_as_the_run_goes_on() -> None:
    settings = GanSettings(
        image_size=32,
        width=2,
        max_channels=8,
        latent=4,
        images=100,
        batch=2,
        condition_from=0.2,
        condition_fully=0.6,
    )
    players = make_players(settings, [3], make_fabric("cpu", "fp32"))
    latents = torch.randn(2, players.length)
    other, same = torch.tensor([[0], [2]]), torch.tensor([[1], [1]])
    model = players.ema.model
    found: dict[int, float] = {}
    for images in (0, 20, 40, 60, 100):
        set_strength(players, settings, images)
        found[images] = float(model.embedding.strength)
        drawn = model(latents, other), model(latents, same)
        assert torch.equal(*drawn) == (images <= 20)
        assert float(players.judge.module.discriminator.projection.strength) == found[images]
    assert found == pytest.approx({0: 0, 20: 0, 40: 0.5, 60: 1, 100: 1})
