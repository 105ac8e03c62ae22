import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from parhelion.catalog import Catalog, decode, write_catalog
from parhelion.cli import main
from parhelion.errors import InputError, ModelError, SettingsError
from parhelion.generation import (
    DiffusionSettings,
    GenerateSettings,
    SheetSettings,
    VarySettings,
    _diffusion_sample,
    _train_autoencoder,
    _train_diffusion,
    generate,
    sheet,
    train_diffusion,
    trained_on,
    vary,
)
from parhelion.generation._diffusion import guided
from parhelion.generation._train_autoencoder import maps_of
from parhelion.provenance import carries, read_mark
from parhelion.training import Checkpoints, read_card, read_log

TINY = DiffusionSettings(
    image_size=16,
    widths=(8, 16),
    attention=8,
    condition_on=("label",),
    balance="classes",
    images=16,
    batch=4,
    warmup=0,
    checkpoint_every=8,
    sample_every=16,
    log_every=4,
    precision="fp32",
)
LATENT = replace(TINY, factor=4, autoencoder_width=8, autoencoder_images=64)

Kill = Callable[[Path, int], AbstractContextManager[None]]


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    """End a training without a word, once it has written the checkpoint of so many images."""

    class Killed(Exception):
        pass

    real = Checkpoints.save

    @contextmanager
    def killed(folder: Path, at: int) -> Iterator[None]:
        def save(self: Checkpoints, images: int, **facts: Any) -> None:
            real(self, images, **facts)
            if (self.folder, images) == (folder, at):
                raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Checkpoints, "save", save)
            yield

    return killed


@pytest.fixture(params=[TINY, LATENT], ids=["pixels", "latent"])
def tiny(request: pytest.FixtureRequest) -> DiffusionSettings:
    found: DiffusionSettings = request.param
    return found


@pytest.fixture
def run(galaxies: Catalog, tiny: DiffusionSettings, tmp_path: Path) -> Path:
    return train_diffusion([galaxies], tmp_path / "run", tiny)


def test_a_run_can_be_drawn_from(run: Path, tmp_path: Path) -> None:
    card = read_card(run, "diffusion")
    assert card["conditions"] == {"label": ["flat", "round"]}
    assert (run / "samples" / "000000016.png").is_file()
    made = generate(run, tmp_path / "made", GenerateSettings(count=3, label="flat", steps=3))
    assert made.column("origin") == ["diffusion"] * 3
    assert made.column("label") == ["flat"] * 3
    recipe = made.recipes()[1]
    assert (recipe["seed"], recipe["steps"], recipe["guidance"]) == (1, 3, 1.5)
    assert recipe["model_id"] == card["model_id"]
    assert read_mark(made.files()[0]).made


def test_a_seed_gives_its_image_whatever_stands_beside_it(run: Path, tmp_path: Path) -> None:
    settings = GenerateSettings(count=10, steps=2)
    many = generate(run, tmp_path / "many", settings)
    one = generate(run, tmp_path / "one", replace(settings, seed=9, count=1))
    assert one.files()[0].read_bytes() == many.files()[9].read_bytes()


def test_a_run_killed_before_its_rate_fell_ends_as_an_undisturbed_one(
    galaxies: Catalog, tiny: DiffusionSettings, tmp_path: Path, kill: Kill
) -> None:
    whole = train_diffusion([galaxies], tmp_path / "whole", tiny)
    half = tmp_path / "half"
    with kill(half / "checkpoints", 8):
        train_diffusion([galaxies], half, tiny)
    train_diffusion([galaxies], half, tiny, resume=True)
    assert (half / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


@pytest.mark.parametrize("killed_at", [32, 64])
def test_a_run_killed_in_its_autoencoder_ends_as_an_undisturbed_one(
    galaxies: Catalog, tmp_path: Path, kill: Kill, killed_at: int
) -> None:
    whole = train_diffusion([galaxies], tmp_path / "whole", LATENT)
    half = tmp_path / "half"
    with kill(half / "autoencoder" / "checkpoints", killed_at):
        train_diffusion([galaxies], half, LATENT)
    assert not (half / "model.json").exists()
    train_diffusion([galaxies], half, LATENT, resume=True)
    assert (half / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_run_killed_in_its_autoencoder_is_not_begun_anew_nor_as_another(
    galaxies: Catalog, tmp_path: Path, kill: Kill
) -> None:
    run = tmp_path / "run"
    with kill(run / "autoencoder" / "checkpoints", 8):
        train_diffusion([galaxies], run, LATENT)
    with pytest.raises(InputError, match=r"already holds a run; go on with --resume"):
        train_diffusion([galaxies], run, LATENT)
    with pytest.raises(SettingsError, match=r"--batch \(=8\) differs from the run"):
        train_diffusion([galaxies], run, replace(LATENT, batch=8), resume=True)


def test_grain_can_be_given_to_a_run_that_has_ended(galaxies: Catalog, tmp_path: Path) -> None:
    run = train_diffusion([galaxies], tmp_path / "run", replace(LATENT, grain=False))
    asked = GenerateSettings(count=2, steps=2)
    plain = generate(run, tmp_path / "plain", asked)
    before = load_file(run / "model.safetensors")
    train_diffusion([galaxies], run, LATENT, resume=True)
    grainy = generate(run, tmp_path / "grainy", asked)
    after = load_file(run / "model.safetensors")
    assert {name.split(".")[1] for name in after.keys() - before.keys()} == {"grain"}
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    for one, other in zip(plain.files(), grainy.files(), strict=True):
        assert (decode(one)[0].pixels != decode(other)[0].pixels).any()


def test_maps_and_grain_are_measured_once(
    galaxies: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train_diffusion([galaxies], tmp_path / "run", replace(LATENT, images=8))
    before = load_file(run / "model.safetensors")
    measured = [
        name for name in before if name.startswith(("space.mean", "space.spread", "space.g"))
    ]
    assert len(measured) == 6

    def elsewhere(*given: Any) -> Any:  # another device computes a little differently
        return 1.001 * maps_of(*given)

    monkeypatch.setattr(_train_autoencoder, "maps_of", elsewhere)
    train_diffusion([galaxies], run, LATENT, resume=True)
    after = load_file(run / "model.safetensors")
    assert all(torch.equal(after[name], before[name]) for name in measured)
    (run / "autoencoder" / "measured.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"measured\.safetensors is damaged .*; delete it"):
        train_diffusion([galaxies], run, replace(LATENT, images=24), resume=True)


def test_a_run_that_goes_on_from_its_cooldown_says_so(
    galaxies: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train_diffusion([galaxies], tmp_path / "run", replace(TINY, images=8))
    train_diffusion([galaxies], run, replace(TINY, images=12), resume=True)
    (said,) = caplog.messages
    assert "falling towards the end at 8 images (--cooldown 0.3); at 8 it jumps" in said


def test_a_model_of_before_there_was_grain_still_draws(galaxies: Catalog, tmp_path: Path) -> None:
    run = train_diffusion([galaxies], tmp_path / "run", replace(LATENT, grain=False))
    asked = GenerateSettings(count=1, steps=2)
    wanted = generate(run, tmp_path / "wanted", asked).files()[0].read_bytes()
    card = json.loads((run / "model.json").read_text())
    del card["settings"]["grain"]
    (run / "model.json").write_text(json.dumps(card))
    assert generate(run, tmp_path / "made", asked).files()[0].read_bytes() == wanted


def test_what_a_model_learned_from_is_known(galaxies: Catalog, run: Path) -> None:
    seen = read_card(run, "diffusion")["data"]["fingerprint"]
    assert trained_on([galaxies], ["label"]) == seen
    fewer = Catalog(galaxies.root, galaxies.table.slice(1))
    assert trained_on([fewer], ["label"]) != seen


def test_training_lowers_the_loss(galaxies: Catalog, tmp_path: Path) -> None:
    settings = replace(TINY, images=1200, dropout=0.0, learning_rate=2e-3, sample_every=1200)
    losses = [
        line["loss"]
        for line in read_log(train_diffusion([galaxies], tmp_path / "run", settings))
        if "loss" in line
    ]
    assert np.mean(losses[-50:]) < 0.7 * np.mean(losses[:50])


def test_variations_keep_lineage_and_go_on(galaxies: Catalog, run: Path, tmp_path: Path) -> None:
    rows = [
        item | {"split": "train" if n < 5 else "test"} for n, item in enumerate(galaxies.rows())
    ]
    parts = write_catalog(galaxies.root, rows)
    settings = VarySettings(copies=2, steps=4, strength=0.5)
    varied = vary(run, parts, tmp_path / "varied", settings)
    assert len(varied) == 10
    for number, item in enumerate(varied.rows()):
        parent = rows[number // 2]
        assert (item["parent_id"], item["group_id"], item["label"], item["split"]) == (
            parent["image_id"],
            parent["group_id"],
            parent["label"],
            "train",
        )
        assert item["origin"] == "image_to_image"
    before = [path.read_bytes() for path in varied.files()]
    (varied.root / "catalog.parquet").unlink()
    for path in varied.files()[3:6]:
        path.unlink()
    again = vary(run, parts, varied.root, settings)
    assert again.rows() == varied.rows()
    assert [path.read_bytes() for path in again.files()] == before


def test_a_damaged_variation_is_made_again(galaxies: Catalog, run: Path, tmp_path: Path) -> None:
    settings = VarySettings(steps=2)
    varied = vary(run, galaxies, tmp_path / "varied", settings)
    before = [path.read_bytes() for path in varied.files()]
    (varied.root / "catalog.parquet").unlink()
    varied.files()[1].write_bytes(before[1][:-50])  # its mark, which stands before, is whole
    assert carries(varied.files()[1], varied.recipes()[1])
    again = vary(run, galaxies, varied.root, settings)
    assert [path.read_bytes() for path in again.files()] == before
    assert pq.read_table(varied.root / "rejected.parquet").num_rows == 0


def test_more_strength_changes_more(galaxies: Catalog, run: Path, tmp_path: Path) -> None:
    def change(strength: float) -> float:
        settings = VarySettings(steps=10, strength=strength, guidance=1.0)
        varied = vary(run, galaxies, tmp_path / str(strength), settings)
        pairs = zip(galaxies.files(), varied.files(), strict=True)
        from parhelion.catalog import resize

        return float(
            np.mean(
                [
                    np.abs(
                        resize(decode(old)[0].pixels, 16).astype(float) - decode(new)[0].pixels
                    ).mean()
                    for old, new in pairs
                ]
            )
        )

    assert change(0.2) < change(0.9)


def test_a_sheet_shows_the_images_that_are_drawn(run: Path, tmp_path: Path) -> None:
    settings = SheetSettings(count=2, sweep="label", steps=2, guidance=2.0, scale=1)
    pixels = decode(sheet(run, tmp_path / "sheet.png", settings))[0].pixels
    for label in ("flat", "round"):
        asked = GenerateSettings(count=2, label=label, steps=2, guidance=2.0)
        for file in generate(run, tmp_path / label, asked).files():
            drawn = decode(file)[0].pixels
            windows = np.lib.stride_tricks.sliding_window_view(pixels, drawn.shape)
            assert (windows == drawn).all((-3, -2, -1)).any()
    recipe = read_mark(tmp_path / "sheet.png").recipe
    assert (recipe["steps"], recipe["guidance"], "precision" in recipe) == (2, 2.0, True)
    plain = sheet(run, tmp_path / "plain.png", SheetSettings(count=1))
    recipe = read_mark(plain).recipe
    assert (recipe["steps"], recipe["guidance"], "truncation" in recipe) == (25, 1.5, False)
    with pytest.raises(SettingsError, match=r"--sweep \(=truncation\) is of GANs; a diffusion"):
        sheet(run, tmp_path / "other.png", SheetSettings(sweep="truncation"))
    with pytest.raises(SettingsError, match=r"--truncation \(=0.5\) is of GANs; a diffusion"):
        sheet(run, tmp_path / "other.png", SheetSettings(truncation=0.5))


def test_flags_of_the_other_kind_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--truncation \(=0.5\) is of GANs"):
        generate(run, tmp_path / "made", GenerateSettings(count=1, truncation=0.5))
    with pytest.raises(SettingsError, match=r"--steps \(=9\) is of diffusion models"):
        generate("galaxies-64", tmp_path / "made", GenerateSettings(count=1, steps=9))


def test_what_cannot_be_guided_is_drawn_as_it_is(
    galaxies: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def noting(network: Any, labels: Any, guidance: float) -> Any:
        asked.append(guidance)
        return guided(network, labels, guidance)

    monkeypatch.setattr(_train_diffusion, "guided", noting)
    monkeypatch.setattr(_diffusion_sample, "guided", noting)
    shown = replace(TINY, images=4, unconditional=0.0)
    plain = replace(TINY, images=4, condition_on=(), balance="images")
    for name, settings, why in (
        ("shown", shown, "saw no images without one"),
        ("plain", plain, "knows none"),
    ):
        run = train_diffusion([galaxies], tmp_path / name, settings)
        out = tmp_path / f"made-{name}"
        with pytest.raises(SettingsError, match=rf"--guidance \(=2\) is towards .*{why}"):
            generate(run, out, GenerateSettings(count=1, guidance=2.0))
        made = generate(run, out, GenerateSettings(count=1, steps=2))
        assert made.recipes()[0]["guidance"] == 1
        generate(run, tmp_path / f"again-{name}", GenerateSettings(count=1, steps=2, guidance=1.0))
    assert set(asked) == {1.0}
    strange = write_catalog(galaxies.root, [item | {"label": "lens"} for item in galaxies.rows()])
    with pytest.raises(InputError, match=r"images/000.png has no label that the model knows"):
        vary(tmp_path / "shown", strange, tmp_path / "varied")
    assert len(vary(tmp_path / "plain", strange, tmp_path / "varied", VarySettings(steps=2))) == 24


def test_labels_must_be_there(galaxies: Catalog, tmp_path: Path) -> None:
    bare = write_catalog(galaxies.root, [item | {"label": None} for item in galaxies.rows()])
    with pytest.raises(InputError, match="has no label in any row"):
        train_diffusion([bare], tmp_path / "run", TINY)


def test_the_verbs(galaxies: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, data = str(tmp_path / "run"), str(galaxies.root)
    sizes = ["--image-size", "16", "--widths", "8", "--widths", "16", "--batch", "4"]
    assert main(["train", "diffusion", "--data", data, "--out", run, "--images", "4", *sizes]) == 0
    varied = str(tmp_path / "varied")
    assert main(["vary", data, "--model", run, "--steps", "2", "--out", varied]) == 0
    assert "24 images, 0 files rejected" in capsys.readouterr().out
