"""Pretrained pipelines, end to end on tiny ones: real loading code, random weights."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from safetensors.torch import load_file, save_file
from tiny_pipelines import SIDE, stable_diffusion, unidiffuser

from parhelion.catalog import Catalog, decode, write_catalog
from parhelion.cli import main
from parhelion.errors import InputError, ModelError, SettingsError
from parhelion.generation import (
    GenerateSettings,
    LoraSettings,
    PipelineSampler,
    VarySettings,
    generate,
    train_lora,
    vary,
)
from parhelion.generation._pipelines import load_pipeline, pipeline_folder
from parhelion.generation._train_lora import _loss
from parhelion.provenance import read_mark
from parhelion.training import Checkpoints, load_model, read_card, read_log

_LORA = LoraSettings(
    images=8, batch=2, rank=2, checkpoint_every=4, log_every=2, learning_rate=1e-2, precision="fp32"
)


@pytest.fixture(scope="module", params=[stable_diffusion, unidiffuser])
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = request.param(tmp_path_factory.mktemp("tiny"))
    return folder


@pytest.fixture(scope="module")
def stable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stable_diffusion(tmp_path_factory.mktemp("stable"))


def _labeled(catalog: Catalog) -> Catalog:
    rows = [item | {"split": "train" if n < 4 else "test"} for n, item in enumerate(catalog.rows())]
    return write_catalog(catalog.root, rows)


def _change(pipeline: Path) -> None:
    """Change one tensor of a pipeline."""
    file = pipeline / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights[next(iter(weights))] += 1
    save_file(weights, file, metadata={"format": "pt"})


def test_a_class_is_drawn_by_its_text(pipeline: Path, tmp_path: Path) -> None:
    settings = GenerateSettings(count=2, seed=5, label="star_cluster", steps=2)
    made = generate(pipeline, tmp_path / "made", settings)
    assert made.column("origin") == ["text_to_image"] * 2
    assert made.column("label") == ["star_cluster"] * 2
    assert made.column("width") == [SIDE] * 2
    recipe = made.recipes()[1]
    assert recipe["prompt"] == "A realistic image of star cluster in space"
    assert (recipe["seed"], recipe["steps"], recipe["guidance"]) == (6, 2, 8.0)
    assert read_mark(made.files()[0]).made
    one = generate(pipeline, tmp_path / "one", replace(settings, seed=6, count=1))
    assert one.files()[0].read_bytes() == made.files()[1].read_bytes()
    other = generate(pipeline, tmp_path / "other", replace(settings, label="comet"))
    assert other.files()[0].read_bytes() != made.files()[0].read_bytes()


def test_published_settings_are_the_default(stable: Path) -> None:
    recipe = PipelineSampler(stable).recipes([0], label="galaxy")[0]
    assert (recipe["steps"], recipe["guidance"]) == (50, 8.0)
    assert "DPMSolver" in type(PipelineSampler(stable)._pipe.scheduler).__name__


def test_variations_keep_lineage(pipeline: Path, galaxies: Catalog, tmp_path: Path) -> None:
    parts = _labeled(galaxies)
    settings = VarySettings(steps=2, strength=0.5)
    varied = vary(pipeline, parts, tmp_path / "varied", settings)
    assert varied.column("origin") == ["image_to_image"] * 4
    assert varied.column("group_id") == parts.column("group_id")[:4]
    assert varied.column("label") == parts.column("label")[:4]
    recipes = varied.recipes()
    assert all("strength" in recipe for recipe in recipes) == ("prompt" in recipes[0])
    before = [path.read_bytes() for path in varied.files()]
    (varied.root / "catalog.parquet").unlink()
    varied.files()[1].unlink()
    again = vary(pipeline, parts, varied.root, settings)
    assert [path.read_bytes() for path in again.files()] == before


def test_more_strength_goes_further(stable: Path, galaxies: Catalog, tmp_path: Path) -> None:
    parts = _labeled(galaxies)

    def varied(strength: float) -> Any:
        found = vary(
            stable, parts, tmp_path / str(strength), VarySettings(steps=10, strength=strength)
        )
        return np.stack([decode(path)[0].pixels.astype(float) for path in found.files()])

    still, some, much = varied(0.01), varied(0.3), varied(0.9)
    assert np.abs(some - still).mean() < np.abs(much - still).mean()


def test_what_cannot_be_asked_is_named(stable: Path, tmp_path: Path, galaxies: Catalog) -> None:
    out = tmp_path / "out"
    with pytest.raises(SettingsError, match=r"names a \{label\}, and none is given"):
        generate(stable, out, GenerateSettings(count=1))
    with pytest.raises(SettingsError, match=r"--truncation \(=0.5\)"):
        generate(stable, out, GenerateSettings(count=1, label="comet", truncation=0.5))
    with pytest.raises(SettingsError, match=r"--source \(=SDSS\)"):
        generate(stable, out, GenerateSettings(count=1, label="comet", source="SDSS"))
    with pytest.raises(SettingsError, match=r"--prompt \(=A star\) is of text-to-image"):
        generate("galaxies-64", out, GenerateSettings(count=1, prompt="A star"))
    made = generate(stable, out, GenerateSettings(count=1, prompt="A star", steps=1))
    assert made.column("label") == [None]


def test_a_damaged_pipeline_is_one_line(stable: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(stable, tmp_path / "broken")
    (broken / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be read as a pipeline"):
        PipelineSampler(broken)
    with pytest.raises(ModelError, match=r"is not a pipeline: it has no model_index\.json"):
        pipeline_folder(tmp_path)
    index = stable / "model_index.json"
    other = shutil.copytree(stable, tmp_path / "other")
    text = json.loads(index.read_text()) | {"_class_name": "StableDiffusionUpscalePipeline"}
    (other / "model_index.json").write_text(json.dumps(text))
    with pytest.raises(ModelError, match="cannot be read as a pipeline"):
        PipelineSampler(other)


def test_other_weights_have_another_id(stable: Path, tmp_path: Path) -> None:
    other = shutil.copytree(stable, tmp_path / "other")
    _change(other)
    assert PipelineSampler(other).model_id != PipelineSampler(stable).model_id


def test_a_lora_changes_what_is_drawn(stable: Path, galaxies: Catalog, tmp_path: Path) -> None:
    run = train_lora([_labeled(galaxies)], stable, tmp_path / "run", _LORA)
    card, weights = load_model(run, "lora")
    assert card["labels"] == ["flat", "round"]
    assert card["data"]["images"] == 4
    assert card["images_seen"] == 8
    assert all("lora" in name for name in weights)
    assert any(float(w.abs().sum()) > 0 for name, w in weights.items() if "lora_B" in name)
    settings = GenerateSettings(count=1, label="round", steps=2)
    plain = generate(stable, tmp_path / "plain", settings)
    tuned = generate(run, tmp_path / "tuned", settings)
    assert tuned.recipes()[0]["model_id"] != plain.recipes()[0]["model_id"]
    assert tuned.files()[0].read_bytes() != plain.files()[0].read_bytes()


def test_a_lora_draws_as_it_was_taught(stable: Path, galaxies: Catalog, tmp_path: Path) -> None:
    parts = _labeled(galaxies)
    settings = replace(_LORA, images=2, prompt="A {label} galaxy", image_size=2 * SIDE)
    run = train_lora([parts], stable, tmp_path / "run", settings)
    asked = GenerateSettings(count=1, label="round", steps=1)
    made = generate(run, tmp_path / "made", asked)
    assert made.recipes()[0]["prompt"] == "A round galaxy"
    assert decode(made.files()[0])[0].pixels.shape == (2 * SIDE, 2 * SIDE, 3)
    varied = vary(run, parts, tmp_path / "varied", VarySettings(steps=2))
    assert {recipe["prompt"] for recipe in varied.recipes()} == {"A round galaxy", "A flat galaxy"}
    assert decode(varied.files()[0])[0].pixels.shape == (2 * SIDE, 2 * SIDE, 3)
    other = generate(run, tmp_path / "other", replace(asked, prompt="A {label} cloud"))
    assert other.recipes()[0]["prompt"] == "A round cloud"
    with pytest.raises(SettingsError, match=r"--image-size \(=20\) must be a multiple of 8"):
        replace(settings, image_size=20)


def test_a_lora_of_a_pipeline_that_changed_is_refused(galaxies: Catalog, tmp_path: Path) -> None:
    base = stable_diffusion(tmp_path)
    run = train_lora([_labeled(galaxies)], base, tmp_path / "run", replace(_LORA, images=2))
    _change(base)
    with pytest.raises(ModelError, match="has changed since"):
        PipelineSampler(run)


def test_a_resumed_lora_ends_as_an_undisturbed_one(
    stable: Path, galaxies: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _labeled(galaxies)
    whole = train_lora([parts], stable, tmp_path / "whole", _LORA)
    half = _killed_lora(monkeypatch, parts, stable, tmp_path / "half")
    train_lora([parts], stable, half, _LORA, resume=True)
    assert (half / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    with pytest.raises(InputError):
        train_lora([parts], stable, half, replace(_LORA, rank=4), resume=True)


def test_a_resumed_lora_learns_at_the_rate_that_is_asked_for(
    stable: Path, galaxies: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _labeled(galaxies)
    early = train_lora([parts], stable, tmp_path / "early", replace(_LORA, images=4))
    half = _killed_lora(monkeypatch, parts, stable, tmp_path / "half")
    train_lora([parts], stable, half, replace(_LORA, learning_rate=1e-12), resume=True)
    before, after = (load_model(run, "lora")[1] for run in (early, half))
    assert all(torch.allclose(after[name], weight, atol=1e-8) for name, weight in before.items())


def _killed_lora(monkeypatch: pytest.MonkeyPatch, parts: Catalog, base: Path, run: Path) -> Path:
    """Return a run that ended at its first checkpoint, of 4 images."""

    class Killed(Exception):
        pass

    real = Checkpoints.save

    def save(self: Checkpoints, images: int, **facts: Any) -> None:
        real(self, images, **facts)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Checkpoints, "save", save)
        train_lora([parts], base, run, _LORA)
    return run


@pytest.mark.parametrize("aim", ["epsilon", "v_prediction"])
def test_the_loss_of_a_perfect_u_net_is_nothing(stable: Path, aim: str) -> None:
    """It knows the images, and the share of them that its time says; so it knows the noise."""
    # As the pipeline is saved, not as it is loaded: that is what its U-Net was taught with.
    levels = DDIMScheduler.from_pretrained(stable, subfolder="scheduler").alphas_cumprod
    maps = torch.randn(64, 4, 2, 2, generator=torch.Generator().manual_seed(0))

    def perfect(noisy: Any, times: Any, encoder_hidden_states: Any) -> Any:
        signal = levels[times].reshape(-1, 1, 1, 1)
        noise = (noisy - signal.sqrt() * maps) / (1 - signal).sqrt()
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * maps
        return SimpleNamespace(sample=noise if aim == "epsilon" else velocity)

    scheduler = load_pipeline(stable, torch.float32)[0].scheduler
    scheduler.register_to_config(prediction_type=aim)
    numbers = torch.Generator().manual_seed(1)
    loss = _loss(perfect, scheduler, maps, torch.zeros(64, 1, 16), numbers)
    assert float(loss) == pytest.approx(0, abs=1e-6)


def test_a_pipeline_of_another_aim_is_refused(galaxies: Catalog, tmp_path: Path) -> None:
    base = stable_diffusion(tmp_path)
    file = base / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"prediction_type": "sample"}))
    with pytest.raises(ModelError, match="its U-Net predicts sample, and what is known is epsilon"):
        train_lora([_labeled(galaxies)], base, tmp_path / "run", _LORA)
    assert not (tmp_path / "run").exists()


def test_a_lora_learns(stable: Path, galaxies: Catalog, tmp_path: Path) -> None:
    settings = replace(_LORA, images=600, batch=4, log_every=4, rank=8)
    lines = read_log(train_lora([_labeled(galaxies)], stable, tmp_path / "run", settings))
    losses = [line["loss"] for line in lines if "loss" in line]
    assert np.mean(losses[-50:]) < np.mean(losses[:50])


def test_only_stable_diffusion_is_fine_tuned(galaxies: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be fine-tuned here"):
        train_lora([_labeled(galaxies)], unidiffuser(tmp_path), tmp_path / "run", _LORA)


def test_the_verb(
    stable: Path, galaxies: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    command = f"train lora --data {galaxies.root} --base {stable} --images 4 --batch 2 --rank 2"
    assert main([*command.split(), "--out", str(run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["images_seen"] == 4
    assert read_card(run, "lora")["base_id"] == said["base_id"]
    assert (
        main(["generate", "--model", str(run), "--count", "1", "--out", str(tmp_path / "a")]) == 2
    )
    assert "names a {label}" in capsys.readouterr().err
