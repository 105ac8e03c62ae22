"""AstroSpy's experiments at paper scale, on a handful of drawn images: every row, once, shown."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion._settings import load_recipe
from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.errors import InputError, ModelError, SettingsError
from parhelion.experiments import _astrospy_runs, _astrospy_tables
from parhelion.experiments._astrospy import reproduce_astrospy
from parhelion.experiments._settings import ReproduceAstrospySettings
from parhelion.measurement import seed_difference, seed_figures

_PARTS = ("train", "train", "validation", "test")
#: 25 passes over 16 + 16 images are 800, of which 4 are seen.
_QUICK = ReproduceAstrospySettings(
    scale="paper", share=4 / 800, seeds=2, device="cpu", precision="fp32", workers=1
)


def _write(root: Path, first: int, *, made: bool) -> Catalog:
    root.mkdir(parents=True)
    rows = []
    for number in range(32):
        pixels = draw_galaxy(first + number)
        Image.fromarray(pixels).save(root / f"{number}.png")
        rows.append(
            row(
                image_id=image_id(pixels),
                path=f"{number}.png",
                width=32,
                height=32,
                format="PNG",
                origin="gan" if made else "observed",
                split=_PARTS[number % 4],
                recipe={"seed": number} if made else None,
            )
        )
    return write_catalog(root, rows, rejected=[])


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Observed and made images, then an observed catalog from elsewhere."""
    root = tmp_path_factory.mktemp("catalogs")
    kinds = (("survey", False), ("fakes", True), ("elsewhere", False))
    return [
        _write(root / name, 100 * place, made=made).root for place, (name, made) in enumerate(kinds)
    ]


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """The paper's recipe and path, but small images, small batches and a small trunk."""

    def smaller(*arguments: Any) -> Any:
        recipe = load_recipe(*arguments)
        assert (recipe.image_size, recipe.backbone) == (224, "resnet50")
        return replace(recipe, image_size=32, batch=4, backbone="test_resnet")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_astrospy_tables, "load_recipe", smaller)
        patch.setattr(_astrospy_runs, "seed_figures", partial(seed_figures, bootstrap=20))
        patch.setattr(_astrospy_runs, "seed_difference", partial(seed_difference, bootstrap=20))
        scale = replace(_astrospy_tables.SCALES["paper"], one_seed=True)
        patch.setitem(_astrospy_tables.SCALES, "paper", scale)
        real = _astrospy_tables.tables

        def fewer(scale: Any) -> Any:
            # DenseNet-121 and ResNet-50 are built in the tests of the tables.
            plan = real(scale)
            return {**plan, "2": [item for item in plan["2"] if item.name == "CNN"]}

        patch.setattr("parhelion.experiments._astrospy.tables", fewer)
        yield


@pytest.fixture(scope="module")
def done(
    quick: None, catalogs: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("astrospy") / "out"
    return out, reproduce_astrospy(catalogs[:2], out, _QUICK, elsewhere=[catalogs[2:]])


def test_every_row_has_its_figures(done: tuple[Path, dict[str, Any]]) -> None:
    out, summary = done
    tables = summary["tables"]
    assert [len(tables[number]) for number in "123"] == [5, 1, 7]
    for table in tables.values():
        for item in table:
            figures = item["in_domain"]
            assert figures["count"] == 16
            assert 0 <= figures["accuracy"] <= 1
            assert item["images_seen"] == [4] * figures["seeds"]
    assert [item["in_domain"]["seeds"] for item in tables["1"]] == [2] * 5
    assert [item["in_domain"]["seeds"] for item in tables["3"]] == [*[1] * 6, 2]
    abroad = [item["elsewhere"]["elsewhere"] for item in tables["1"]]
    assert all((item["observed"], item["made"]) == (32, 0) for item in abroad)
    assert tables["3"][0]["elsewhere"] == {}
    assert tables["1"][3]["in_domain"] == tables["3"][-1]["in_domain"]
    assert set(summary["order"]) == {"joint over image", "image over Fourier"}
    assert 0 <= summary["format_only_accuracy"] <= 1
    assert json.loads((out / "summary.json").read_text())["paper"] == "astrospy"


def test_trainings_keep_their_models_and_not_their_checkpoints(
    done: tuple[Path, dict[str, Any]],
) -> None:
    runs = sorted((done[0] / "runs").iterdir())
    assert len(runs) == 2 * 5 + 1 + 6
    for run in runs:
        assert (run / "model.safetensors").is_file()
        assert not (run / "checkpoints").exists()
        card = json.loads((run / "model.json").read_text())
        assert run.name.endswith(f"-{card['settings']['seed']}")


def test_pictures_are_there_for_the_page(done: tuple[Path, dict[str, Any]]) -> None:
    out, summary = done
    with np.load(out / "spectra.npz") as arrays:
        assert arrays["made_spectrum"].shape == (32, 32)
        assert arrays["observed_profiles"].shape == (3, 16)
    table = pq.read_table(out / "embedding.parquet")
    assert table.num_rows == summary["embedding"]["images"] == 16
    assert set(table["source"].to_pylist()) == {"survey", "fakes"}
    assert np.isfinite(table["joint_x"].to_numpy()).all()
    assert table["thumbnail"][0].as_py().startswith(b"\xff\xd8")  # a JPEG


def test_the_page_holds_the_paper_s_beside_ours(done: tuple[Path, dict[str, Any]]) -> None:
    page = (done[0] / "index.html").read_text()
    for text in ("the order found", "Table 1", "Table 2", "Table 3", "t-SNE", "What it cost"):
        assert text in page
    assert "0.98, 0.94, 0.69" in page


def test_nothing_is_done_twice(
    done: tuple[Path, dict[str, Any]], catalogs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("trained again")

    out, summary = done
    monkeypatch.setattr(_astrospy_runs, "train_detector", refuse)
    again = reproduce_astrospy(catalogs[:2], out, _QUICK, elsewhere=[catalogs[2:]])
    assert again["stages"] == summary["stages"]
    assert again["tables"] == summary["tables"]
    # As if the last training had been interrupted: that one is done again, and no other.
    progress = json.loads((out / "progress.json").read_text())
    del progress["stages"]["train augment-blur-0"]
    (out / "progress.json").write_text(json.dumps(progress))
    with pytest.raises(RuntimeError, match="trained again"):
        reproduce_astrospy(catalogs[:2], out, _QUICK, elsewhere=[catalogs[2:]])


def test_other_data_or_settings_are_refused(
    done: tuple[Path, dict[str, Any]], catalogs: list[Path]
) -> None:
    with pytest.raises(InputError, match="reproduce astrospy with other settings"):
        reproduce_astrospy(catalogs[:2], done[0], _QUICK)
    with pytest.raises(InputError, match="is no test elsewhere"):
        reproduce_astrospy(catalogs[:2], done[0], _QUICK, elsewhere=[catalogs[:1]])


def test_a_catalog_without_a_split_is_refused(
    quick: None, catalogs: list[Path], tmp_path: Path
) -> None:
    bare = _write(tmp_path / "bare", 300, made=False)
    write_catalog(bare.root, [{**item, "split": None} for item in bare.rows()])
    with pytest.raises(InputError, match="have no split; run `parhelion split"):
        reproduce_astrospy([bare.root, catalogs[1]], tmp_path / "out", _QUICK)


def test_pretrained_weights_are_a_folder_with_one_file_for_each(tmp_path: Path) -> None:
    start = _astrospy_runs._start
    (tmp_path / "resnet50.safetensors").touch()
    assert start(tmp_path, "resnet50") == tmp_path / "resnet50.safetensors"
    assert start("hub", "densenet121") == "hub"
    assert start(tmp_path, "cnn") is start(None, "resnet50") is None
    with pytest.raises(ModelError, match=r"a folder that holds densenet121\.safetensors"):
        start(tmp_path, "densenet121")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 0.0}, "--share"),
        ({"seeds": 0}, r"--seeds \(=0\)"),
        ({"seed": -1}, "--seed"),
        ({"scale": "large"}, "--scale"),
        ({"cache_mb": -1}, "--cache-mb"),
        ({"workers": 0}, "--workers"),
    ],
)
def test_bad_settings_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ReproduceAstrospySettings(**values)
