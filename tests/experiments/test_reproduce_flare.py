"""FLARE's experiments on a handful of drawn images: every row, the audit, the curve, the page."""

import json
import runpy
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion._settings import load_recipe
from parhelion.augmentation import UpscalerSettings, train_upscaler
from parhelion.catalog import Catalog, image_id, open_catalog, row, write_catalog
from parhelion.classification import load_classes
from parhelion.errors import InputError, ModelError, SettingsError
from parhelion.experiments import _flare_rows, _flare_runs, _flare_train
from parhelion.experiments._flare import reproduce_flare
from parhelion.experiments._flare_data import Sets
from parhelion.experiments._flare_pictures import write_samples
from parhelion.experiments._flare_rows import ROWS, SCALES
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.generation import DiffusionSettings, train_diffusion
from parhelion.measurement import class_seed_difference, class_seed_figures

_RECIPES = Path(__file__).parents[2] / "recipes"
_PARTS = ("train", "train", "train", "validation", "test", "train")
_LABELS = ("galaxy", "planet")
_IMAGES = 8  # of a training


def _write(root: Path, first: int, count: int) -> Catalog:
    root.mkdir(parents=True)
    rows = []
    for number in range(count):
        pixels = draw_galaxy(first + number)
        Image.fromarray(pixels).save(root / f"{number}.png")
        rows.append(
            row(
                image_id=image_id(pixels),
                path=f"{number}.png",
                width=32,
                height=32,
                format="PNG",
                label=_LABELS[number % 2],
                split=_PARTS[number // 2 % 6],
            )
        )
    return write_catalog(root, rows, rejected=[])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 labeled images, of two classes: 24 to learn from, 6 to watch, 6 to test on."""
    return _write(tmp_path_factory.mktemp("real") / "objects", 0, 36).root


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("abroad") / "zoo", 500, 6).root


@pytest.fixture(scope="module")
def generator(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = DiffusionSettings(
        image_size=16, widths=(8, 16), attention=8, batch=4, images=8, condition_on=("label",)
    )
    return train_diffusion([real], tmp_path_factory.mktemp("generator") / "run", settings)


@pytest.fixture(scope="module")
def upscaler(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = UpscalerSettings(
        patch=16, width=8, depths=(1,), heads=2, images=4, batch=2, workers=1, precision="fp32"
    )
    return train_upscaler([real], tmp_path_factory.mktemp("upscaler") / "run", settings)


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """The small scale, but smaller still."""

    def smaller(*arguments: Any) -> Any:
        recipe = load_recipe(*arguments)
        return replace(recipe, image_size=32, batch=4, images=_IMAGES, warmup=0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_flare_runs, "load_recipe", smaller)
        patch.setattr(_flare_runs, "class_seed_figures", partial(class_seed_figures, bootstrap=20))
        patch.setattr(
            _flare_runs, "class_seed_difference", partial(class_seed_difference, bootstrap=20)
        )
        scale = replace(
            SCALES["small"], backbones=("small",), side=24, drawn=2, sizes=(2,), passes=1, alpha=0.5
        )
        patch.setitem(_flare_rows.SCALES, "small", scale)
        yield


@pytest.fixture(scope="module")
def settings(generator: Path, upscaler: Path) -> ReproduceFlareSettings:
    return ReproduceFlareSettings(
        seeds=2,
        beta=1.0,
        generator=str(generator),
        upscaler=str(upscaler),
        device="cpu",
        precision="fp32",
        workers=1,
    )


@pytest.fixture(scope="module")
def done(
    quick: None,
    real: Path,
    abroad: Path,
    settings: ReproduceFlareSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("flare") / "out"
    return out, reproduce_flare(real, out, settings, elsewhere=[f"{abroad}=galaxy"])


def test_every_row_has_its_figures(done: tuple[Path, dict[str, Any]]) -> None:
    out, summary = done
    for labels in ("fine", "macro"):
        table = summary["tables"][labels]
        assert [item["name"] for item in table] == list(ROWS.values())
        for item in table:
            assert item["in_domain"]["count"] == 6
            assert item["in_domain"]["seeds"] == 2
            assert item["images_seen"] == [_IMAGES, _IMAGES]
            assert item["elsewhere"]["zoo"]["count"] == 6
    # 24 images; six alterations of each; 2 x 2 drawn and 24 varied, and six alterations of these.
    images = {item["row"]: item["images"] for item in summary["tables"]["fine"]}
    assert images == {
        "raw": 24,
        "raw-augmented": 24 * 7,
        "high": 24,
        "high-augmented": 24 * 7,
        "made": 28 * 7,
        "flare": 24 + 24 * 3 + 28 * 7,
    }
    # The share of augmented images is the scale's own, that of made ones the settings'.
    mixture = summary["mixture"]
    assert (mixture["alpha"], mixture["beta"]) == (0.5, 1.0)
    assert (mixture["images"], mixture["made"]) == (images["flare"], 28 * 7)
    assert json.loads((out / "summary.json").read_text())["paper"] == "flare"


def test_gains_are_differences_of_the_table(done: tuple[Path, dict[str, Any]]) -> None:
    _, summary = done
    fine = {item["name"]: item["in_domain"]["accuracy"] for item in summary["tables"]["fine"]}
    gains = [gain for gain in summary["gains"] if gain["labels"] == "fine"]
    assert len(gains) == 6
    for gain in gains:
        wanted = fine[gain["better"]] - fine[gain["than"]]
        assert gain["difference"] == pytest.approx(wanted)
        assert gain["interval"][0] <= gain["difference"] <= gain["interval"][1]


def test_judges_are_real_and_no_kin_of_them_is_learned_from(
    done: tuple[Path, dict[str, Any]], real: Path
) -> None:
    out, _ = done
    judged = set(open_catalog(real).select(split=("validation", "test")).column("group_id"))
    for name in ("drawn-0", "varied", "synthetic", "synthetic-augmented"):
        assert judged.isdisjoint(open_catalog(out / "data" / name).column("group_id"))
    for run in ("small-fine-raw-0", "small-fine-flare-0"):
        groups = pq.read_table(out / "runs" / run / "calls.parquet")["group_id"].to_pylist()
        assert set(groups) < judged


def test_the_published_split_leaks(done: tuple[Path, dict[str, Any]]) -> None:
    _, summary = done
    shares = {leak["row"]: leak["with_kin"] for leak in summary["leaks"]}
    assert shares["raw"] == 0  # no image has a sibling yet
    assert shares["raw-augmented"] > 0.9
    assert all(len(leak["accuracy_of_seeds"]) == 2 for leak in summary["leaks"])


def test_as_many_passes_are_longer_trainings_where_there_are_more_images(
    done: tuple[Path, dict[str, Any]],
) -> None:
    _, summary = done
    lengths = summary["lengths"]
    assert lengths["passes"] == 1
    rows = {item["row"]: item for item in lengths["rows"]}
    assert rows["raw"]["images_seen"] == [24, 24]
    assert rows["raw-augmented"]["images_seen"] == [24 * 7] * 2
    assert rows["flare"]["images_seen"] == [24 + 24 * 3 + 28 * 7] * 2
    accuracy = {item["name"]: item["in_domain"]["accuracy"] for item in lengths["rows"]}
    assert [(gain["better"], gain["than"]) for gain in lengths["gains"]] == [
        ("raw + augmentation", "raw"),
        ("FLARE", "raw"),
        ("FLARE", "raw + augmentation"),
    ]
    for gain in lengths["gains"]:
        wanted = accuracy[gain["better"]] - accuracy[gain["than"]]
        assert gain["difference"] == pytest.approx(wanted)


def test_the_curve_goes_from_few_images_to_all(done: tuple[Path, dict[str, Any]]) -> None:
    _, summary = done
    curves = {curve["row"]: curve["points"] for curve in summary["scarcity"]["curves"]}
    assert set(curves) == {"high-augmented", "flare"}
    assert [point["images"] for point in curves["high-augmented"]] == [4 * 7, 24 * 7]
    # What was drawn from classes stays: 4 images; of 24 varied ones the 4 kin, all augmented.
    assert [point["images"] for point in curves["flare"]] == [4 + 12 + 8 * 7, 24 + 72 + 28 * 7]


def test_pictures_and_page_are_there(done: tuple[Path, dict[str, Any]]) -> None:
    out, summary = done
    with Image.open(out / "samples.png") as sheet:
        assert sheet.width == 15 * 96 + 14 * 2
        assert np.asarray(sheet).std() > 0
    table = pq.read_table(out / "features.parquet")
    assert table.num_rows == summary["features"]["images"]
    assert set(table["kind"].to_pylist()) == {"real", "augmented", "made"}
    page = (out / "index.html").read_text()
    for text in ("What is gained", "Fine classes", "Macro classes", "leak audit", "What it cost"):
        assert text in page
    assert "length audit" in page


def test_nothing_is_done_twice(
    done: tuple[Path, dict[str, Any]],
    real: Path,
    abroad: Path,
    settings: ReproduceFlareSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("trained again")

    out, summary = done
    monkeypatch.setattr(_flare_train, "train_classifier", refuse)
    again = reproduce_flare(real, out, settings, elsewhere=[f"{abroad}=galaxy"])
    assert again["tables"] == summary["tables"]
    assert again["stages"] == summary["stages"]
    # As if one training, and the record of one catalog, had been lost to a kill.
    progress = json.loads((out / "progress.json").read_text())
    del progress["stages"]["enlarge them"]
    del progress["stages"]["train small-fine-high-1"]
    (out / "progress.json").write_text(json.dumps(progress))
    with pytest.raises(RuntimeError, match="trained again"):
        reproduce_flare(real, out, settings, elsewhere=[f"{abroad}=galaxy"])
    assert "enlarge them" in json.loads((out / "progress.json").read_text())["stages"]


def test_the_recipe_trains_for_longer_on_what_a_run_made(
    done: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flare, _ = done
    out = tmp_path / "lengths"
    command = ["flare_lengths.py", "--flare", str(flare), "--out", str(out), "--share", "2"]
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(str(_RECIPES / "flare_lengths.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert f"| small | raw + augmentation | {2 * _IMAGES} | 0." in told
    assert "small: FLARE over raw + augmentation " in told
    card = json.loads((out / "runs" / "small-fine-flare-1" / "model.json").read_text())
    made = 24 + 24 * 3 + 28 * 7
    assert sum(card["data"]["counts"]["train"].values()) == made


def test_macro_classes_are_called_by_the_sum_of_fine_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {"labels": ["asteroid", "galaxy", "planet", "unheard_of"]}
    monkeypatch.setattr(_flare_runs, "read_card", lambda *_: card)
    table = {
        "group_id": ["a", "b", "c"],
        "truth": ["planet", "unheard_of", "galaxy"],
        "probability": [[0.3, 0.4, 0.2, 0.1], [0.2, 0.2, 0.2, 0.4], [0.3, 0.4, 0.3, 0.0]],
    }
    pq.write_table(pa.table(table), tmp_path / "calls.parquet")
    calls, truth, groups = _flare_runs._calls([tmp_path], "calls.parquet", None)
    assert [calls[0].tolist(), truth.tolist()] == [[1, 3, 1], [2, 3, 1]]
    merged = load_classes("flare-macro")
    calls, truth, groups = _flare_runs._calls([tmp_path], "calls.parquet", merged)
    # Of celestial bodies and stellar objects: 0.5 against 0.4, 0.6 against 0.4.
    assert [calls[0].tolist(), truth.tolist()] == [[0, 0], [0, 1]]
    assert groups.tolist() == ["a", "c"]


def test_macro_classes_are_trained_for_where_the_scale_says_so(
    quick: None,
    real: Path,
    done: tuple[Path, dict[str, Any]],
    settings: ReproduceFlareSettings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    before, _ = done
    out = tmp_path / "out"
    shutil.copytree(before, out)
    progress = json.loads((out / "progress.json").read_text())
    progress["settings"]["elsewhere"] = []
    (out / "progress.json").write_text(json.dumps(progress))
    monkeypatch.setitem(_flare_rows.SCALES, "small", replace(SCALES["small"], apart=True))
    reproduce_flare(real, out, settings)
    card = json.loads((out / "runs" / "small-macro-flare-0" / "model.json").read_text())
    assert card["labels"] == ["celestial bodies", "stellar objects"]


def test_several_processes_agree_with_one_bit_for_bit(
    quick: None,
    real: Path,
    done: tuple[Path, dict[str, Any]],
    settings: ReproduceFlareSettings,
    tmp_path: Path,
) -> None:
    before, alone = done
    out = tmp_path / "out"
    shutil.copytree(before, out, ignore=shutil.ignore_patterns("runs"))
    # As if it had been begun with two processes, and were stopped before the trainings.
    progress = json.loads((out / "progress.json").read_text())
    progress["settings"] |= {"workers": 2, "elsewhere": []}
    stages = progress["stages"].items()
    progress["stages"] = {name: kept for name, kept in stages if not name.startswith("train ")}
    (out / "progress.json").write_text(json.dumps(progress))
    together = reproduce_flare(real, out, replace(settings, workers=2))
    for name in ("small-fine-flare-0", "small-fine-flare-2-images-1", "small-fine-raw-leaky-0"):
        for file in ("model.safetensors", "calls.parquet"):
            first, second = (folder / "runs" / name / file for folder in (before, out))
            assert first.read_bytes() == second.read_bytes()
    assert together["gains"] == alone["gains"]
    kept = together["stages"]["train small-fine-flare-0"]
    assert kept["peak_memory_mb"] > 2 * 100


def test_a_generator_that_knows_more_is_refused(
    quick: None,
    settings: ReproduceFlareSettings,
    tmp_path: Path,
) -> None:
    other = _write(tmp_path / "other", 0, 36)
    swap = {"test": "train", "train": "test"}
    parts = [swap.get(part, part) for part in other.column("split")]
    write_catalog(other.root, other.replaced(split=parts).table)
    with pytest.raises(ModelError, match="did not learn from the train part"):
        reproduce_flare(other.root, tmp_path / "out", settings)


def test_a_generator_or_upscaler_of_another_kind_is_refused(
    real: Path, settings: ReproduceFlareSettings, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="must be a diffusion model conditioned on labels"):
        reproduce_flare(real, tmp_path / "a", replace(settings, generator="galaxies-64"))
    with pytest.raises(ModelError, match="nowhere is not a model"):
        reproduce_flare(real, tmp_path / "b", replace(settings, upscaler="nowhere"))


def test_bad_tests_elsewhere_are_refused(
    real: Path, abroad: Path, settings: ReproduceFlareSettings, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="is no test elsewhere"):
        reproduce_flare(real, tmp_path / "out", settings, elsewhere=[str(real)])
    with pytest.raises(InputError, match=r"--elsewhere \(=zoo\) has images of galaxxy alone"):
        reproduce_flare(real, tmp_path / "out", settings, elsewhere=[f"{abroad}=galaxxy"])
    assert not (tmp_path / "out").exists()  # a run with the right name is not refused


def test_images_that_changed_since_are_noticed(
    quick: None,
    real: Path,
    done: tuple[Path, dict[str, Any]],
    settings: ReproduceFlareSettings,
    tmp_path: Path,
) -> None:
    before, _ = done
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(before / "progress.json", out)
    progress = json.loads((out / "progress.json").read_text())
    progress["settings"]["elsewhere"] = []
    progress["images"]["--data"] = "others"
    (out / "progress.json").write_text(json.dumps(progress))
    with pytest.raises(InputError, match="of other images than --data has now"):
        reproduce_flare(real, out, settings)


def test_an_image_that_cannot_be_read_is_named_at_once(
    quick: None, settings: ReproduceFlareSettings, tmp_path: Path
) -> None:
    damaged = _write(tmp_path / "damaged", 0, 36)
    damaged.files()[3].write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1 images of .*damaged cannot be read \(3.png: "):
        reproduce_flare(damaged.root, tmp_path / "out", settings)


def test_images_of_a_pretrained_pipeline_are_on_the_sheet(tmp_path: Path) -> None:
    """A pretrained pipeline's images are of another origin."""
    real = _write(tmp_path / "real", 0, 36)
    made = _write(tmp_path / "made", 100, 8)
    recipe = json.dumps({"operation": "generate"})
    drawn = made.replaced(origin="text_to_image", recipe=recipe, split="train")
    sets = Sets(real, real, real, real, drawn, {})
    write_samples(tmp_path, sets, seed=0)
    with Image.open(tmp_path / "samples.png") as sheet:
        pixels = np.asarray(sheet)
    # Of five places for drawn images four are taken; variations there are none.
    is_dark = [pixels[2:94, 98 * place + 2 : 98 * place + 94].max() == 0 for place in range(15)]
    assert is_dark == [False] * 9 + [True] * 6


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 0.0}, "--share"),
        ({"seeds": 0}, r"--seeds \(=0\)"),
        ({"alpha": 1.5}, "--alpha"),
        ({"beta": -0.1}, "--beta"),
        ({"strength": 1.5}, r"--strength \(=1.5\)"),
        ({"drawn": 0}, "--drawn"),
        ({"scale": "large"}, "--scale"),
    ],
)
def test_bad_settings_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ReproduceFlareSettings(**values)
