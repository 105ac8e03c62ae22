"""Untrained generators for the tests of sampling, walks and sheets."""

from pathlib import Path

import pytest
import torch

from parhelion._settings import settings_dict
from parhelion.generation import GanSettings
from parhelion.generation._sample import make_generator
from parhelion.training import save_model

#: Label and survey: Atlas has all but edge, Zoo only edge and flat.
CONDITIONS = {"label": ["edge", "flat", "lens", "round"], "source": ["Atlas", "Zoo"]}
PROPORTIONS = [[0, 1, 5], [1, 0, 3], [1, 1, 4], [2, 0, 2], [3, 0, 6]]


def _save(
    folder: Path,
    conditions: dict[str, list[str]],
    proportions: list[list[int]],
    channels: int = 3,
    half: bool = False,
) -> Path:
    """Write a generator of 32 pixels with random weights; `half` stores them as float16."""
    torch.manual_seed(0)
    settings = GanSettings(
        image_size=32,
        width=4,
        max_channels=16,
        latent=8,
        channels=channels,  # type: ignore[arg-type]
        condition_on=tuple(conditions),  # type: ignore[arg-type]
    )
    network = make_generator(settings, tuple(len(names) for names in conditions.values()))
    for block in network.blocks.values():
        torch.nn.init.normal_(block.strength, std=0.1)  # it starts at zero, and training changes it
    state = network.state_dict()
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    card = {
        "settings": settings_dict(settings),
        "conditions": conditions,
        "proportions": proportions,
    }
    save_model(folder, "gan", state, card)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained generator of 32 pixels, conditioned on label and source."""
    return _save(tmp_path / "model", CONDITIONS, PROPORTIONS)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """An untrained unconditional generator of 32 gray pixels."""
    return _save(tmp_path / "plain", {}, [[7]], channels=1)


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """As `model`, with weights stored as float16."""
    return _save(tmp_path / "half", CONDITIONS, PROPORTIONS, half=True)
