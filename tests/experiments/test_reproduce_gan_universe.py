"""The paper's experiments: every stage runs, none twice, and the page holds them side by side."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion.catalog import Catalog, image_id, row, write_catalog
from parhelion.errors import InputError, SettingsError
from parhelion.experiments import _gan_universe
from parhelion.experiments._gan_universe import reproduce_gan_universe
from parhelion.experiments._settings import ReproduceSettings
from parhelion.measurement import _generator, train_features

_QUICK = ReproduceSettings(share=16 / 60_000)


@pytest.fixture
def sky(tmp_path: Path) -> Catalog:
    """64 drawn galaxies of 64 pixels; half of them to train on, half to compare with."""
    root = tmp_path / "catalog"
    (root / "images").mkdir(parents=True)
    rows = []
    for seed in range(64):
        pixels = draw_galaxy(seed, 64)
        path = f"images/{seed:03d}.png"
        Image.fromarray(pixels).save(root / path)
        rows.append(
            row(
                image_id=image_id(pixels),
                path=path,
                width=64,
                height=64,
                format="PNG",
                split=("train", "test")[seed % 2],
            )
        )
    return write_catalog(root, rows, rejected=[])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = _gan_universe._Scale("gan-universe-small", "gan-universe-small", 40, 12, 512, (2.0,))
    monkeypatch.setitem(_gan_universe._SCALES, "small", scale)
    monkeypatch.setattr(_generator, "train_features", partial(train_features, steps=2))


def test_every_experiment_is_done_once_and_shown(sky: Catalog, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = reproduce_gan_universe(sky.root, out, _QUICK)
    assert json.loads((out / "summary.json").read_text())["paper"] == "gan-universe"
    assert summary["galaxies"]["images_seen"] == 16
    assert summary["measures"]["count"] == 32
    assert summary["memorisation"]["generated"] == 40
    assert summary["memorisation"]["searched"] == 32
    assert summary["widefield"]["galaxies"] == summary["field"]["galaxies"] == 12
    page = (out / "index.html").read_text()
    for title in ("beside ours", "Memorized images", "The paper&#39;s universe", "What it cost"):
        assert title in page
    assert "61,577 real ones" in page
    again = reproduce_gan_universe(sky.root, out, _QUICK)
    assert again["stages"] == summary["stages"]  # nothing was done again


def test_what_would_end_it_hours_from_now_is_looked_at_first(
    sky: Catalog, galaxies: Catalog, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"is not split"):
        reproduce_gan_universe(sky.root, out, _QUICK, bodies=galaxies.root)
    with pytest.raises(InputError, match="nowhere"):
        reproduce_gan_universe(sky.root, out, replace(_QUICK, classifier=Path("nowhere")))
    with pytest.raises(InputError, match="there is no nowhere; --features"):
        reproduce_gan_universe(sky.root, out, replace(_QUICK, features=(Path("nowhere"),)))
    rows = sky.rows()
    fewer = write_catalog(sky.root, [*rows[:62:2], *rows[1:62:2]])
    with pytest.raises(InputError, match="has 31 observed images in its test part, and 32 are"):
        reproduce_gan_universe(fewer.root, out, _QUICK)
    assert not out.exists()


def test_a_catalog_without_a_split_is_refused(galaxies: Catalog, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not split.*`parhelion split"):
        reproduce_gan_universe(galaxies.root, tmp_path / "out", _QUICK)


def test_a_folder_of_other_data_is_refused(sky: Catalog, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "progress.json").write_text(json.dumps({"settings": {"data": "other"}, "stages": {}}))
    with pytest.raises(InputError, match="reproduce gan-universe with other settings"):
        reproduce_gan_universe(sky.root, out, _QUICK)


@pytest.mark.parametrize(
    ("values", "message"), [({"share": 0.0}, "--share"), ({"seed": -1}, "--seed")]
)
def test_bad_settings_are_named(values: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ReproduceSettings(**values)  # type: ignore[arg-type]
