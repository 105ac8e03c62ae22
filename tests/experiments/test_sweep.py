import json
from dataclasses import replace
from pathlib import Path

import pytest

from parhelion import sweep_mix
from parhelion.augmentation import AugmentSettings, augment
from parhelion.catalog import Catalog, write_catalog
from parhelion.classification import ClassifierSettings
from parhelion.cli import main
from parhelion.errors import InputError, SettingsError
from parhelion.generation import GenerateSettings, generate
from parhelion.mixing import MixSettings

_QUICK = ClassifierSettings(
    image_size=32, images=32, batch=16, validate_every=16, warmup=0, workers=1, precision="fp32"
)


@pytest.fixture
def more(parts: Catalog, tmp_path: Path) -> Catalog:
    return augment(parts, tmp_path / "more", AugmentSettings(changes=("flip",)))


@pytest.fixture
def made(parts: Catalog, tmp_path: Path) -> Catalog:
    drawn = generate("galaxies-64", tmp_path / "made", GenerateSettings(count=8))
    rows = drawn.rows()
    labels = [item | {"label": ("round", "flat")[n % 2]} for n, item in enumerate(rows)]
    return write_catalog(drawn.root, labels)


def test_a_grid_is_trained_once_and_drawn(
    parts: Catalog, more: Catalog, made: Catalog, tmp_path: Path
) -> None:
    out = tmp_path / "grid"
    found = sweep_mix([parts, more], [made], out, None, _QUICK, alphas=(0, 1), betas=(0, 0.5))
    assert [(case["alpha"], case["beta"]) for case in found["cases"]] == [
        (0, 0),
        (0, 0.5),
        (1, 0),
        (1, 0.5),
    ]
    # 16 real images, 16 flipped, 8 made.
    assert [case["images"] for case in found["cases"]] == [16, 20, 32, 36]
    assert found["best"] in found["cases"]
    page = (out / "index.html").read_text()
    assert "Which mixture learns best" in page
    weights = sorted(out.glob("runs/*/model.safetensors"))
    assert len(weights) == 4
    times = [path.stat().st_mtime_ns for path in weights]
    again = sweep_mix([parts, more], [made], out, None, _QUICK, alphas=(0, 1), betas=(0, 0.5))
    assert again["cases"] == found["cases"]
    assert [path.stat().st_mtime_ns for path in weights] == times
    assert not list(out.glob("runs/*/checkpoints"))
    # What no figure depends on may differ.
    grid = {"alphas": (0, 1), "betas": (0, 0.5)}
    unused, other = MixSettings(alpha=0.1, overwrite=True), replace(_QUICK, cache_mb=10)
    sweep_mix([parts, more], [made], out, unused, other, **grid)
    with pytest.raises(InputError, match="holds a mix --sweep with other settings"):
        sweep_mix([parts, more], [made], out, MixSettings(seed=1), _QUICK)
    with pytest.raises(InputError, match=r"\(train.batch is 16 there and 8 here\)"):
        sweep_mix([parts, more], [made], out, None, replace(_QUICK, batch=8), **grid)
    fewer = write_catalog(made.root, made.rows()[:6])
    with pytest.raises(InputError, match="of other images than --synthetic has now"):
        sweep_mix([parts, more], [fewer], out, None, _QUICK, **grid)


def test_shares_are_shares(parts: Catalog, made: Catalog, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--alphas \(=\(0.5, 2\)\) must be shares"):
        sweep_mix([parts], [made], tmp_path / "grid", None, _QUICK, alphas=(0.5, 2))


def test_the_verb(
    parts: Catalog, made: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "quick.toml"
    recipe.write_text(
        "[train.classifier]\nimage_size = 32\nimages = 16\nbatch = 16\nwarmup = 0\nworkers = 1\n"
    )
    command = ["mix", "--real", str(parts.root), "--synthetic", str(made.root), "--sweep"]
    command += ["--train", str(recipe), "--alphas", "1", "--betas", "0", "1"]
    assert main([*command, "--out", str(tmp_path / "grid"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["cases"]) == 2


def test_several_trainings_at_once_agree_with_one_by_one(
    parts: Catalog, more: Catalog, made: Catalog, tmp_path: Path
) -> None:
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    one = sweep_mix([parts, more], [made], alone, None, _QUICK, alphas=(1,), betas=(0, 1))
    two = replace(_QUICK, workers=2)
    both = sweep_mix([parts, more], [made], beside, None, two, alphas=(1,), betas=(0, 1))
    assert both["cases"] == one["cases"]
    for name in ("alpha-1-beta-0-seed-0", "alpha-1-beta-1-seed-0"):
        first, second = (folder / "runs" / name / "model.safetensors" for folder in (alone, beside))
        assert first.read_bytes() == second.read_bytes()
