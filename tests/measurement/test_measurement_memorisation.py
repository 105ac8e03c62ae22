"""The search for copies, from catalogs to figures, files and what is left."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from drawn_blobs import by_scikit_image
from numpy.typing import NDArray
from PIL import Image

from parhelion.catalog import Catalog, open_catalog, row, write_catalog
from parhelion.cli import main
from parhelion.errors import CatalogError, InputError, SettingsError
from parhelion.measurement import MeasureMemorisationSettings, measure_memorisation
from parhelion.provenance import encode_image, read_mark


def textures(seed: int, count: int) -> NDArray[np.uint8]:
    """Images without anything in common: ``(count, 24, 24, 3)``."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(120, 50, (count, 6, 6, 1)).repeat(4, axis=1).repeat(4, axis=2)
    noise = rng.normal(0, 8, (count, 24, 24, 3))
    return np.clip(coarse + noise, 0, 255).astype(np.uint8)


def pixels_of(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def catalog(
    root: Path,
    images: NDArray[np.uint8],
    *,
    origin: str = "observed",
    groups: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
) -> Catalog:
    (root / "images").mkdir(parents=True)
    rows = []
    for i, pixels in enumerate(images):
        path = f"images/{i:02d}.png"
        data = encode_image(pixels, "PNG", recipe={"seed": i}, made=origin != "observed")
        (root / path).write_bytes(data)
        rows.append(
            row(
                image_id=str(i),
                path=path,
                width=pixels.shape[1],
                height=pixels.shape[0],
                format="PNG",
                origin=origin,
                recipe=None if origin == "observed" else {"seed": i},
                group_id=groups[i] if groups else None,
                split=splits[i] if splits else None,
            )
        )
    return write_catalog(root, rows)


def settings(**changes: Any) -> MeasureMemorisationSettings:
    return MeasureMemorisationSettings(**{"workers": 1, **changes})


@pytest.fixture
def real(tmp_path: Path) -> Catalog:
    return catalog(tmp_path / "real", textures(0, 30))


@pytest.fixture
def made(tmp_path: Path) -> Catalog:
    """Ten images: number 4 copies real 7 with other noise, number 8 is real 20 turned."""
    images, originals = textures(1, 10), textures(0, 30)
    noise = np.random.default_rng(5).normal(0, 6, originals[7].shape)
    images[4] = np.clip(originals[7] + noise, 0, 255).astype(np.uint8)
    images[8] = np.rot90(originals[20])
    return catalog(tmp_path / "made", images, origin="gan")


def test_copies_are_flagged_shown_and_dropped(real: Catalog, made: Catalog, tmp_path: Path) -> None:
    out, keep = tmp_path / "out", tmp_path / "kept"
    figures = measure_memorisation(real.root, made.root, out, settings(rows=3), keep=keep)
    assert figures["generated"] == 10
    assert figures["searched"] == figures["null"]["count"] == 30
    assert figures["image_size"] == 24
    assert figures["flagged"] == 1
    assert figures["flagged_share"] == pytest.approx(0.1)
    first = figures["rows"][0]
    assert first["generated"] == "images/04.png"
    assert first["flagged"]
    assert first["exceeding"]
    assert first["distinctness"] < figures["distinct"] <= 0.67
    assert first["nearest"][0]["real"] == "images/07.png"
    assert first["nearest"][0]["turn"] == "as it is"
    assert len(first["nearest"]) == 5
    assert [r["flagged"] for r in figures["rows"]] == [True, False, False]
    assert json.loads((out / "memorisation.json").read_text()) == figures

    table = pq.read_table(out / "neighbors.parquet").to_pylist()
    assert len(table) == 50
    assert [r["rank"] for r in table[:5]] == [1, 2, 3, 4, 5]
    assert {r["generated"] for r in table if r["flagged"]} == {"images/04.png"}

    kept = open_catalog(keep)
    assert figures["kept"] == len(kept) == 9
    assert "images/04.png" not in kept.column("path")
    for file in kept.files():  # byte for byte, marks and all
        assert file.read_bytes() == (made.root / "images" / file.name).read_bytes()
    with pytest.raises(CatalogError, match="--keep"):
        measure_memorisation(real, made, None, settings(), keep=keep)

    # Images of 24 pixels are shown at 64: six columns, three rows.
    assert pixels_of(out / "memorisation.png").shape == (22 + 3 * 88 + 6, 6 * 70 + 12, 3)
    mark = read_mark(out / "memorisation.png")
    assert mark is not None
    assert mark.made
    saved = json.loads((out / "settings.json").read_text())
    assert saved["verb"] == "measure memorisation"


def test_the_five_nearest_are_scikit_image_s(real: Catalog, made: Catalog) -> None:
    figures = measure_memorisation(real, made, None, settings(rows=10))
    a, b = (np.stack([pixels_of(file) for file in each.files()]) for each in (made, real))
    expected = by_scikit_image(a, b)
    assert len(figures["rows"]) == 10
    for shown in figures["rows"]:
        scores = expected[int(shown["generated"][7:9])]
        best = np.argsort(-scores)[:5]
        assert [item["real"] for item in shown["nearest"]] == [f"images/{j:02d}.png" for j in best]
        np.testing.assert_allclose(
            [item["ssim"] for item in shown["nearest"]], scores[best], atol=1e-6
        )


def test_turned_copies_are_found_on_request(real: Catalog, made: Catalog, tmp_path: Path) -> None:
    figures = measure_memorisation(real, made, tmp_path / "out", settings(dihedral=True))
    flagged = {r["generated"]: r["nearest"][0] for r in figures["rows"] if r["flagged"]}
    assert set(flagged) == {"images/04.png", "images/08.png"}
    assert flagged["images/08.png"]["real"] == "images/20.png"
    assert flagged["images/08.png"]["turn"] == "turned by 270°"
    # The figure shows the real one as the made one lies: equal pictures beside each other, up
    # to the order in which a resize rounds rows and columns.
    sheet = pixels_of(tmp_path / "out" / "memorisation.png")
    row = [r["generated"] for r in figures["rows"]].index("images/08.png")
    top = 22 + 88 * row
    beside = sheet[top : top + 64].astype(int)
    assert np.abs(beside[:, 6:70] - beside[:, 82:146]).max() <= 4


def test_less_memory_and_more_threads_change_nothing(real: Catalog, made: Catalog) -> None:
    one = measure_memorisation(real, made, None, settings())
    other = measure_memorisation(real, made, None, settings(memory=16, workers=3))
    for figures in (one, other):
        del figures["seconds"]
    assert one == other


def test_duplicates_of_the_copied_image_hide_nothing(tmp_path: Path, made: Catalog) -> None:
    """Real 7 six times over, one group: the next ones are sought outside of it."""
    images = textures(0, 30)
    images[10:16] = images[7]
    groups = ["seven" if i in (7, *range(10, 16)) else str(i) for i in range(30)]
    real = catalog(tmp_path / "real", images, groups=groups)
    figures = measure_memorisation(real, made, None, settings())
    assert figures["flagged"] == 1
    assert figures["rows"][0]["generated"] == "images/04.png"
    assert figures["null"]["twins"] == 0


def test_an_unknown_pair_of_duplicates_does_not_set_the_threshold(
    tmp_path: Path, made: Catalog
) -> None:
    images = textures(0, 230)
    images[100] = images[200]
    real = catalog(tmp_path / "real", images)
    figures = measure_memorisation(real, made, None, settings())
    assert figures["null"]["twins"] == 2
    assert figures["null"]["least_distinctness"] == pytest.approx(0, abs=1e-6)
    assert figures["threshold"] < 0.9
    assert figures["flagged"] == figures["exceeding"] == 1


def test_the_null_is_a_seeded_draw(real: Catalog, made: Catalog) -> None:
    draws = [
        measure_memorisation(real, made, None, settings(null_count=5, seed=seed))["null"]
        for seed in (1, 1, 2)
    ]
    assert draws[0]["count"] == 5
    assert draws[0]["of"] == 30
    assert draws[0] == draws[1] != draws[2]


def test_a_part_of_the_real_catalog(tmp_path: Path, made: Catalog) -> None:
    splits = ["test" if i < 10 else "train" for i in range(30)]
    real = catalog(tmp_path / "real", textures(0, 30), splits=splits)
    figures = measure_memorisation(real, made, None, settings(split="train"))
    assert figures["searched"] == 20
    assert figures["flagged"] == 0  # what is copied, real 7, is of the other part
    with pytest.raises(InputError, match="no observed images of split 'validation'"):
        measure_memorisation(real, made, None, settings(split="validation"))


def test_made_images_are_not_searched(made: Catalog) -> None:
    with pytest.raises(InputError, match="no observed images in"):
        measure_memorisation(made, made, None, settings())


def test_one_group_of_real_images_is_refused(tmp_path: Path, made: Catalog) -> None:
    real = catalog(tmp_path / "real", textures(0, 4), groups=["a"] * 4)
    with pytest.raises(InputError, match="of one group"):
        measure_memorisation(real, made, None, settings())


def test_the_verb(
    real: Catalog, made: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["measure", "memorisation", "--real", str(real.root), "--generated", str(made.root)]
    assert main([*common, "--json", "--neighbors", "3", "--keep", str(tmp_path / "kept")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["neighbors"], figures["flagged"], figures["kept"]) == (3, 1, 9)
    assert len(figures["rows"][0]["nearest"]) == 3
    assert main([*common, "--image-size", "16"]) == 0
    assert "flagged: 1" in capsys.readouterr().out
    assert main([*common, "--neighbors", "1"]) == 2
    assert "--neighbors (=1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"neighbors": 1}, "--neighbors"),
        ({"image_size": 7}, "--image-size"),
        ({"null_count": 1}, "--null-count"),
        ({"distinct": 1.0}, "--distinct"),
        ({"rows": 0}, "--rows"),
        ({"memory": 8}, "--memory"),
        ({"workers": 0}, "--workers"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_bad_settings_name_the_flag(changes: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        MeasureMemorisationSettings(**changes)
