import json
from pathlib import Path

import numpy as np
import pytest

from drawn_galaxy import draw_galaxy
from parhelion.augmentation import UpscalerSettings
from parhelion.augmentation._upscaler import build
from parhelion.catalog import Catalog
from parhelion.cli import main
from parhelion.errors import InputError, SettingsError
from parhelion.measurement import measure_upscaler
from parhelion.measurement._measure_upscaler import FIGURES, _compared, _mean
from parhelion.training import save_model


@pytest.fixture
def bilinear(tmp_path: Path) -> Path:
    """An upscaler that has learned nothing yet."""
    settings = UpscalerSettings(patch=16, width=8, depths=(2,), heads=2)
    save_model(tmp_path / "upscaler", "upscaler", build(settings).state_dict(), {"scale": 2})
    return tmp_path / "upscaler"


def test_an_equal_image_has_its_flux_at_its_place() -> None:
    galaxy = draw_galaxy(0)
    psnr, ssim, ms_ssim, lpips, flux, centroid = _compared(galaxy, galaxy)
    assert psnr > 60
    assert (ssim, ms_ssim, flux, centroid) == pytest.approx((1, 1, 1, 0), abs=1e-5)
    assert np.isnan(lpips)


def test_what_is_brighter_or_moved_is_told() -> None:
    aim = np.full((40, 40, 3), 10, np.uint8)
    aim[16:24, 16:24] = 110
    brighter = aim.copy()
    brighter[16:24, 16:24] = 120
    assert _compared(brighter, aim)[4] == pytest.approx(1.1, abs=0.02)
    moved = np.roll(aim, 1, axis=1)
    assert _compared(moved, aim)[5] == pytest.approx(1, abs=0.1)
    # One gray level everywhere: 20 log10 255.
    assert _compared(aim + np.uint8(1), aim)[0] == pytest.approx(48.13, abs=0.01)


def test_images_without_an_object_have_no_flux() -> None:
    blank = np.full((32, 32, 3), 7, np.uint8)
    assert np.isnan(_compared(blank, blank)[3:]).all()
    assert _mean(np.array([np.nan, np.nan]), [np.ones(2)]) == {"mean": None, "interval": None}
    assert _mean(np.array([1.0, np.nan]), [np.ones(2)])["mean"] == 1


def test_what_has_learned_nothing_is_near_bicubic(bilinear: Path, parts: Catalog) -> None:
    figures = measure_upscaler(bilinear, [parts], split="test")
    assert figures["images"] == 4
    for name in ("ours", "bicubic", "lanczos"):
        assert set(figures[name]) == set(FIGURES)
    assert abs(figures["gain"]["over_bicubic"]["mean"]) < 1.5
    assert figures["ours"]["flux"]["mean"] == pytest.approx(1, abs=0.1)
    stored = figures["stored"]
    assert stored["jpeg"]["images"] + stored["exact"]["images"] == 4
    gains = [part["images"] * part["mean"] for part in stored.values() if part["images"]]
    assert sum(gains) == pytest.approx(4 * figures["gain"]["over_bicubic"]["mean"], abs=0.01)
    again = measure_upscaler(bilinear, [parts], split="test")
    assert again == figures


def test_too_small_images_are_refused(bilinear: Path, galaxies: Catalog, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in the test part of"):
        measure_upscaler(bilinear, [galaxies])


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_of_none_is_refused(bilinear: Path, parts: Catalog, count: int) -> None:
    with pytest.raises(SettingsError, match=rf"--count \(={count}\) must be at least 1"):
        measure_upscaler(bilinear, [parts], count=count)


def test_the_verb(
    bilinear: Path, parts: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["measure", "upscaler", "--model", str(bilinear), "--data", str(parts.root)]
    assert main([*command, "--split", "all", "--count", "3", "--plain"]) == 0
    assert "gain over bicubic" in capsys.readouterr().out
    assert main([*command, "--out", str(tmp_path / "figures"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "figures" / "upscaler.json").read_text()) == told
