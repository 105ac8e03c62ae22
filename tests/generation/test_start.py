"""Fine-tuning starts where another model ended."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from parhelion._settings import settings_dict
from parhelion.errors import ModelError
from parhelion.generation import GanSettings
from parhelion.generation._networks import Discriminator
from parhelion.generation._sample import make_generator
from parhelion.generation._start import CRITIC_FILE, start_from
from parhelion.training import save_model

_SETTINGS = GanSettings(
    image_size=32, width=4, max_channels=16, latent=8, condition_on=("label", "source")
)
_KNOWN = {"label": ["disk", "round"], "source": ["EFIGI", "Zoo"]}
#: A quarter of the images are disks of EFIGI, the rest round ones of Zoo.
_SEEN = [[0, 0, 1], [1, 1, 3]]


def _networks(*classes: int) -> tuple[torch.nn.Module, Discriminator]:
    return make_generator(_SETTINGS, classes), Discriminator(32, 4, 16, 3, classes)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    generator, discriminator = _networks(2, 2)
    card = {
        "settings": settings_dict(_SETTINGS),
        "conditions": _KNOWN,
        "proportions": _SEEN,
        "images_seen": 640,
    }
    save_model(tmp_path, "gan", generator.state_dict(), card)
    save_file(discriminator.state_dict(), tmp_path / CRITIC_FILE)
    return tmp_path


def test_with_the_same_classes_it_is_the_same_generator(base: Path) -> None:
    torch.manual_seed(1)
    wanted, _ = _networks(2, 2)
    generator, discriminator = _networks(2, 2)
    assert start_from(base, generator, discriminator, _KNOWN)
    latents, labels = torch.randn(3, generator.inputs), torch.tensor([[0, 0], [1, 0], [1, 1]])
    assert torch.equal(generator(latents, labels), wanted(latents, labels))


def test_a_new_survey_starts_at_the_mean_of_what_was_known(base: Path) -> None:
    torch.manual_seed(1)
    old = _networks(2, 2)[0].embedding.table.weight  # disk, round, EFIGI, Zoo
    generator, discriminator = _networks(2, 1)
    start_from(base, generator, discriminator, {"label": ["round", "spiral"], "source": ["Hubble"]})
    new = generator.embedding.table.weight
    assert torch.allclose(new[0], old[1])
    assert torch.allclose(new[1], old[0] / 4 + old[1] * 3 / 4)
    assert torch.allclose(new[2], old[2] / 4 + old[3] * 3 / 4)


def test_a_condition_that_is_gone_is_kept_as_its_mean(base: Path) -> None:
    torch.manual_seed(1)
    old = _networks(2, 2)[0].embedding.table.weight
    generator, discriminator = _networks(1)
    start_from(base, generator, discriminator, {"source": ["Hubble"]})
    mean = (old[0] + old[2]) / 4 + (old[1] + old[3]) * 3 / 4
    assert torch.allclose(generator.embedding.table.weight[0], mean)


def test_without_its_critic_the_generator_starts_alone(base: Path) -> None:
    (base / CRITIC_FILE).unlink()
    generator, discriminator = _networks(2, 2)
    before = {n: t.clone() for n, t in discriminator.state_dict().items()}
    assert not start_from(base, generator, discriminator, _KNOWN)
    assert all(torch.equal(t, before[n]) for n, t in discriminator.state_dict().items())


def test_networks_of_another_width_are_refused(base: Path) -> None:
    wider = GanSettings(image_size=32, width=8, max_channels=16, latent=8)
    with pytest.raises(ModelError, match="do not fit the networks of this run"):
        start_from(base, make_generator(wider, (2, 2)), Discriminator(32, 8, 16), _KNOWN)


def test_a_conditional_model_does_not_start_an_unconditional_run(base: Path) -> None:
    generator, discriminator = _networks()
    with pytest.raises(ModelError, match="conditioned on label and source, the run on nothing"):
        start_from(base, generator, discriminator, {})


def test_a_damaged_critic_is_named(base: Path) -> None:
    (base / CRITIC_FILE).write_bytes(b"not weights")
    with pytest.raises(ModelError, match=r"critic\.safetensors is damaged"):
        start_from(base, *_networks(2, 2), _KNOWN)
