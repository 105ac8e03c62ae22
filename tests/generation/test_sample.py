"""Sampling by seed: classes, truncation, and models by name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from parhelion._settings import settings_from_dict
from parhelion.errors import ModelError, SettingsError
from parhelion.generation import GanSettings, load_sampler
from parhelion.generation._sample import make_generator, seed_latent
from parhelion.training import _weights, load_model, to_pixels


def test_a_seed_s_image_does_not_depend_on_its_neighbors(model: Path) -> None:
    sampler = load_sampler(model)
    together = {r["seed"]: p for p, r in sampler.draw(list(range(20)))}
    for seeds in ([7], [19, 7, 3], list(range(19, -1, -1))):
        for pixels, recipe in sampler.draw(seeds):
            assert np.array_equal(pixels, together[recipe["seed"]])


def test_the_sampler_draws_what_the_network_does(model: Path) -> None:
    """The classes are added to the latent outside of the network: the sum is the same."""
    sampler = load_sampler(model)
    card, weights = load_model(model, "gan")
    settings = settings_from_dict(GanSettings, card["settings"], where="test")
    network = make_generator(settings, (4, 2))
    network.load_state_dict(weights)
    network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    seeds = list(range(8))
    classes = torch.tensor(sampler.classes(seeds))
    latents = torch.stack([seed_latent(seed, network.inputs) for seed in seeds])
    with torch.inference_mode():
        expected = to_pixels(network(latents, classes))
    drawn = np.stack([pixels for pixels, _ in sampler.draw(seeds)])
    assert np.array_equal(drawn, expected)


def test_truncation_draws_images_to_the_mean_of_their_class(model: Path) -> None:
    sampler = load_sampler(model)
    seeds = list(range(12))

    def spread(truncation: float) -> float:
        drawn = sampler.draw(seeds, truncation, label="flat", source="Zoo")
        return float(np.stack([pixels for pixels, _ in drawn]).astype(float).std(axis=0).mean())

    full, half, none = spread(1.0), spread(0.5), spread(0.0)
    assert none == 0
    assert 0 < half < full
    means = {
        label: next(sampler.draw([0], 0.0, label=label))[0].tobytes()
        for label in sampler.conditions["label"]
    }
    assert len(set(means.values())) == 4


def test_the_latents_are_the_seeds_normals_times_the_truncation(model: Path) -> None:
    sampler = load_sampler(model)
    assert sampler.length == 8 + 8**2 + 16**2 + 32**2  # and a map of noise at each doubling
    three, four = (seed_latent(seed, sampler.length) for seed in (3, 4))
    assert torch.equal(sampler.latents([3, 4]), torch.stack([three, four]))
    assert torch.equal(sampler.latents([3], 0.5), 0.5 * three[None])


def test_noise_changes_the_details_only(model: Path) -> None:
    sampler = load_sampler(model)
    first, other = sampler.latents([3, 4])
    mixed = torch.cat([first[:8], other[8:]])
    pixels = np.stack(list(sampler.decode(torch.stack([first, mixed, other])))).astype(float)
    same, changed = (np.abs(pixels[0] - pixels[k]).mean() for k in (1, 2))
    assert 0 < same < changed


def test_classes_that_occur_together(model: Path) -> None:
    sampler = load_sampler(model)
    assert sampler.known("label") == ["edge", "flat", "lens", "round"]
    assert sampler.known("label", source="Zoo") == ["edge", "flat"]
    assert sampler.name_classes([2, 0]) == {"label": "lens", "source": "Atlas"}
    with pytest.raises(SettingsError, match="never occur together"):
        sampler.known("label", source="Zoo", label="lens")


def test_weights_stored_at_half_precision_are_computed_at_full(half: Path) -> None:
    sampler = load_sampler(half)
    assert {p.dtype for p in sampler._model.parameters()} == {torch.float32}
    assert next(sampler.draw([0]))[0].shape == (32, 32, 3)


def test_a_model_by_the_name_of_one_that_ships(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_weights, "_SHIPPED", tmp_path)
    monkeypatch.chdir("/")
    assert load_sampler("model").model_id == load_sampler(model).model_id
    with pytest.raises(ModelError, match=r"other is not a model: .*what ships is model"):
        load_sampler("other")
