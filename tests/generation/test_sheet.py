"""Contact sheets: seeds, sweeps and their layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parhelion.errors import InputError, SettingsError
from parhelion.generation import SheetSettings, load_sampler, sheet
from parhelion.generation._layout import Layout
from parhelion.provenance import read_mark


def _find(pixels: np.ndarray, image: np.ndarray) -> list[tuple[int, int]]:
    """Return where `image` lies in `pixels`: row and column of its corner."""
    height, width = image.shape[:2]
    corners = (pixels[: -height + 1, : -width + 1] == image[0, 0]).all(axis=-1)
    return [
        (int(top), int(left))
        for top, left in np.argwhere(corners)
        if np.array_equal(pixels[top : top + height, left : left + width], image)
    ]


def _open(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_every_seed_is_on_the_sheet_once_row_by_row(model: Path, tmp_path: Path) -> None:
    settings = SheetSettings(scale=1, columns=3)
    path = sheet(model, tmp_path / "sheet.png", settings, seeds=[5, 0, 77, 12])
    pixels = _open(path)
    places = []
    for image, _ in load_sampler(model).draw([5, 0, 77, 12]):
        (place,) = _find(pixels, image)
        places.append(place)
    assert places[0][0] == places[1][0] == places[2][0] < places[3][0]
    assert places[0][1] == places[3][1] < places[1][1] < places[2][1]
    mark = read_mark(path)
    assert mark is not None
    assert mark.made
    assert mark.recipe is not None
    assert mark.recipe["seeds"] == [5, 0, 77, 12]


def test_the_text_under_an_image_is_its_own() -> None:
    """The same sheet but for one caption differs under that picture only."""
    images = np.full((4, 20, 20, 1), 90, np.uint8)

    def drawn(seeds: list[int]) -> np.ndarray:
        captions = [(str(seed), "") for seed in seeds]
        return Layout((40, 40), captions, 2, "title").draw(images)

    first, second = drawn([11, 12, 13, 14]), drawn([11, 12, 13, 99])
    changed = np.argwhere((first != second).any(axis=-1))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    below = np.argwhere((first == 90).all(axis=-1)).max(axis=0)  # end of the last picture
    assert below[0] < top <= bottom < len(first)
    assert below[1] - 40 < left <= right <= below[1]


def test_the_same_sheet_has_the_same_bytes(model: Path, tmp_path: Path) -> None:
    settings = SheetSettings(count=5, truncation=0.5)
    one = sheet(model, tmp_path / "a.png", settings).read_bytes()
    assert sheet(model, tmp_path / "b.png", settings).read_bytes() == one
    assert sheet(model, tmp_path / "c.png", SheetSettings(count=5)).read_bytes() != one


def test_a_sweep_has_one_latent_in_a_row_and_a_class_in_a_column(
    model: Path, tmp_path: Path
) -> None:
    """Atlas has three of the four labels; edge was only seen by Zoo."""
    settings = SheetSettings(sweep="label", count=2, seed=6, scale=1)
    pixels = _open(sheet(model, tmp_path / "sheet.png", settings))
    sampler = load_sampler(model)
    surveys = {"edge": "Zoo", "flat": "Atlas", "lens": "Atlas", "round": "Atlas"}
    places = {}
    for label, source in surveys.items():
        for image, recipe in sampler.draw([6, 7], label=label, source=source):
            (places[recipe["seed"], label],) = _find(pixels, image)
    for seed in (6, 7):
        assert len({places[seed, label][0] for label in surveys}) == 1
        lefts = [places[seed, label][1] for label in surveys]
        assert lefts == sorted(lefts)
    for label in surveys:
        assert places[6, label][1] == places[7, label][1]


def test_a_sweep_beside_a_survey_has_the_classes_seen_with_it(model: Path, tmp_path: Path) -> None:
    """Zoo has edge and flat; Atlas has flat, lens and round."""
    two, three = (
        sheet(
            model,
            tmp_path / f"{source}.png",
            SheetSettings(sweep="label", source=source, count=1, scale=8),
        )
        for source in ("Zoo", "Atlas")
    )
    assert _open(three).shape[1] - _open(two).shape[1] == 256 + 8


def test_a_title_that_is_wider_than_the_images_is_whole() -> None:
    def width(title: str) -> int:
        return Layout((40, 40), [("1", "")], 1, title).width

    assert width("m") == 16 + 40 + 16
    assert width("galaxies-64 · 0123456789abcdef") > 16 + 200 + 16


def test_a_sweep_over_truncation_ends_at_the_mean(plain: Path, tmp_path: Path) -> None:
    settings = SheetSettings(sweep="truncation", count=3, scale=1)
    pixels = _open(sheet(plain, tmp_path / "sheet.png", settings))
    (mean, _) = next(load_sampler(plain).draw([0], 0.0))
    assert len(_find(pixels, np.repeat(mean, 3, axis=2))) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sweep": "label", "columns": 3}, r"--columns \(=3\)"),
        ({"sweep": "label", "label": "flat"}, r"--label \(=flat\)"),
        ({"sweep": "truncation", "truncation": 0.5}, r"--truncation \(=0.5\)"),
        ({"truncation": 1.5}, r"--truncation \(=1.5\) must be in \[0, 1\]"),
        ({"count": 0}, r"--count \(=0\)"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SheetSettings(**settings)  # type: ignore[arg-type]


def test_what_a_sheet_cannot_show(model: Path, plain: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be one of \.png"):
        sheet(model, tmp_path / "x.gif")
    with pytest.raises(SettingsError, match=r"--count \(=3\) must not be given with --seeds"):
        sheet(model, tmp_path / "x.png", SheetSettings(count=3), seeds=[1])
    with pytest.raises(SettingsError, match=r"--sweep \(=label\).*it has none"):
        sheet(plain, tmp_path / "x.png", SheetSettings(sweep="label"))
    with pytest.raises(InputError, match=r"\.webp takes 16383 a side"):
        sheet(model, tmp_path / "x.webp", SheetSettings(count=200, columns=200))
    assert list(tmp_path.glob("x.*")) == []
