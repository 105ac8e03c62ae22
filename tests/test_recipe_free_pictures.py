"""The recipe that gathers free pictures: what is taken, and at what size."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RECIPE = Path(__file__).parents[1] / "recipes" / "free_pictures.py"
NEBULAE = "usr/share/stellarium/nebulae/default"


def gather(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [str(RECIPE), *map(str, arguments)])
    runpy.run_path(str(RECIPE), run_name="__main__")


def draw(path: Path, width: int, height: int, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    picture = Image.fromarray(pixels)
    (picture.quantize(16) if mode == "P" else picture.convert(mode)).save(path)


def look(path: Path) -> tuple[tuple[int, int], str]:
    with Image.open(path) as picture:
        return picture.size, picture.mode


def test_pictures_are_of_full_color_and_not_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / NEBULAE / "m1.png", 256, 256)
    draw(tmp_path / NEBULAE / "m2.png", 1024, 1024)
    draw(tmp_path / NEBULAE / "m3.png", 512, 512, "P")
    draw(tmp_path / NEBULAE / "m4.png", 256, 256, "P")
    draw(tmp_path / NEBULAE / "mask.png", 256, 256, "L")
    draw(tmp_path / "usr/share/stellarium/textures/mars.png", 512, 256)
    draw(tmp_path / "usr/share/backgrounds/Bridge_by_Somebody.jpg", 2048, 1024)
    draw(tmp_path / "usr/share/backgrounds/Painting-Colors_by_Somebody.jpg", 64, 64)
    draw(tmp_path / "usr/share/backgrounds/Fossa_by_Somebody.jpg", 64, 64)
    gather(monkeypatch, "--root", tmp_path, "--out", tmp_path / "out")
    sizes = {path.stem: look(path)[0] for path in (tmp_path / "out" / "free-sky").iterdir()}
    assert sizes == {"m1": (256, 256), "m2": (512, 512), "m3": (256, 256), "map-mars": (512, 256)}
    photographs = tmp_path / "out" / "free-photographs"
    assert look(photographs / "Bridge_by_Somebody.png")[0] == (1024, 512)
    assert (photographs / "astronaut.png").is_file()
    assert not (photographs / "Painting-Colors_by_Somebody.png").exists()
    assert not (photographs / "Fossa_by_Somebody.png").exists()
    assert {look(path)[1] for path in photographs.iterdir()} == {"RGB"}


def test_a_root_without_the_packages_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        gather(monkeypatch, "--root", tmp_path, "--out", tmp_path / "out")
    assert caught.value.code == 2
    assert f"--root (={tmp_path})" in capsys.readouterr().err
