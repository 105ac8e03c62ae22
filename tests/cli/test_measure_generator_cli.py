"""``parhelion measure generator``: flags that may come several times, figures and a page."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parhelion.catalog import row, write_catalog
from parhelion.cli import main
from parhelion.measurement import save_features, train_features


def write(root: Path, seed: int, count: int, origin: str) -> Path:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        path = root / f"{i}.png"
        root.mkdir(exist_ok=True)
        y, x = np.mgrid[:16, :16] - rng.uniform(6, 9)
        light = 150 * np.exp(-(x**2 + y**2) / rng.uniform(6, 20))
        image = np.clip(light[..., None] + rng.normal(15, 4, (16, 16, 3)), 0, 255)
        Image.fromarray(image.astype(np.uint8)).save(path)
        recipe = None if origin == "observed" else {"seed": i}
        rows.append(
            row(
                image_id=f"{seed}-{i}",
                path=path.name,
                width=16,
                height=16,
                format="PNG",
                origin=origin,
                recipe=recipe,
            )
        )
    write_catalog(root, rows)
    return root


def test_figures_as_json_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = write(tmp_path / "real", 0, 40, "observed")
    one, two = (write(tmp_path / f"made{i}", i, 20, "gan") for i in (1, 2))
    networks = []
    for seed in (0, 1):
        networks.append(tmp_path / f"network{seed}")
        images = np.random.default_rng(seed).integers(0, 255, (8, 16, 16, 3), np.uint8)
        save_features(train_features(images, seed=seed, steps=2), networks[-1])
    arguments = ["measure", "generator", "--real", str(real), "--image-size", "16", "--json"]
    for flag, values in (
        ("--generated", (one, two)),
        ("--features", networks),
        ("--crop-generated", (1.0, 0.75)),
    ):
        for value in values:
            arguments += [flag, str(value)]
    arguments += ["--crop-real", "0.875", "--bootstrap", "20", "--device", "cpu"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [network["network"] for network in figures["networks"]] == [
        f"parhelion self-supervised (trained on 8 real images, seed {seed})" for seed in (0, 1)
    ]
    assert figures["real_crop"] == 0.875
    assert [figures["crop"], figures["others"][0]["crop"]] == [1.0, 0.75]
    assert figures == json.loads((tmp_path / "out" / "figures.json").read_text())
    assert "made1, made2 against real" in (tmp_path / "out" / "index.html").read_text()


def test_a_missing_network_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = write(tmp_path / "real", 0, 40, "observed")
    made = write(tmp_path / "made", 1, 20, "gan")
    arguments = ["measure", "generator", "--real", str(real), "--generated", str(made)]
    assert main([*arguments, "--features", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--features takes" in error
