"""Walks through latent space and between classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from parhelion.errors import InputError, SettingsError
from parhelion.generation import InterpolateSettings, interpolate, load_sampler
from parhelion.generation._interpolate import slerp, walk
from parhelion.provenance import read_mark


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_walk_is_a_marked_film(model: Path, tmp_path: Path, suffix: str) -> None:
    settings = InterpolateSettings(frames=3, scale=2)
    path = interpolate(model, [0, 5, 9], tmp_path / f"walk{suffix}", settings)
    mark = read_mark(path)
    assert mark is not None
    assert mark.made
    assert mark.recipe is not None
    assert mark.recipe["seeds"] == [0, 5, 9]
    assert len(set(mark.recipe["label"])) == 1
    if suffix == ".gif":
        with Image.open(path) as film:
            assert (film.n_frames, film.size) == (9, (64, 64))  # type: ignore[attr-defined]


def test_without_a_loop_a_film_ends_at_the_last_stop(plain: Path, tmp_path: Path) -> None:
    settings = InterpolateSettings(frames=3, scale=1, loop=False)
    with Image.open(interpolate(plain, [0, 5, 9], tmp_path / "walk.gif", settings)) as film:
        assert film.n_frames == 7  # type: ignore[attr-defined]


def test_a_strip_shows_generate_s_images_at_its_stops(model: Path, tmp_path: Path) -> None:
    path = interpolate(
        model,
        [4, 9, 2],
        tmp_path / "strip.png",
        InterpolateSettings(frames=4, scale=1, truncation=0.8),
        labels=["round", "lens", "edge"],
        sources=["Atlas", "Atlas", "Zoo"],
    )
    with Image.open(path) as image:
        strip = np.asarray(image)
    assert strip.shape == (32 + 2 + 32, 4 * 34 - 2, 3)
    sampler = load_sampler(model)

    def stop(seed: int, label: str, source: str) -> Any:
        return next(sampler.draw([seed], 0.8, label=label, source=source))[0]

    assert np.array_equal(strip[:32, :32], stop(4, "round", "Atlas"))
    assert np.array_equal(strip[:32, -32:], stop(9, "lens", "Atlas"))
    assert np.array_equal(strip[34:, :32], stop(9, "lens", "Atlas"))
    assert np.array_equal(strip[34:, -32:], stop(2, "edge", "Zoo"))
    mark = read_mark(path)
    assert mark is not None
    assert mark.recipe is not None
    assert mark.recipe["label"] == ["round", "lens", "edge"]
    assert mark.recipe["source"] == ["Atlas", "Atlas", "Zoo"]


def test_one_seed_goes_through_the_classes(model: Path, tmp_path: Path) -> None:
    """The survey stays the same where it was seen with every class that is asked for."""
    path = interpolate(
        model,
        [4],
        tmp_path / "morph.webp",
        InterpolateSettings(frames=3, loop=True),
        labels=["flat", "lens"],
    )
    mark = read_mark(path)
    assert mark is not None
    assert mark.recipe is not None
    assert mark.recipe["seeds"] == [4, 4]
    assert mark.recipe["source"] == ["Atlas", "Atlas"]
    with Image.open(path) as image:
        assert image.size == (3 * (128 + 2) - 2, 2 * (128 + 2) - 2)


@pytest.mark.parametrize(
    ("seeds", "given", "message"),
    [
        ([1], {}, r"--seeds \(=\[1\]\) must be two or more"),
        ([], {}, r"--seeds \(=\[\]\) must be one or more"),
        ([1, -2], {}, r"--seeds \(=\[1, -2\]\)"),
        ([1, 2, 3], {"labels": ["flat", "lens"]}, r"--labels \(=.*one to each of 3 stops"),
        ([1, 2], {"labels": ["flat", "lens", "edge"]}, r"--seeds \(=.*one to each of 3 stops"),
        ([1, 2], {"labels": ["flat", "blue"]}, r"--label \(=blue\) is not a label of the model"),
        ([1, 2], {"labels": ["lens"], "sources": ["Zoo"]}, "never occur together"),
    ],
)
def test_stops_that_make_no_walk(
    model: Path, tmp_path: Path, seeds: list[int], given: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        interpolate(model, seeds, tmp_path / "x.gif", **given)  # type: ignore[arg-type]


def test_suffix_and_length_are_checked_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be \.gif or \.mp4 for a film, or one of \.png"):
        interpolate("nowhere", [1, 2], tmp_path / "x.avi")
    with pytest.raises(SettingsError, match=r"--frames \(=1\) must be at least 2 in a strip"):
        interpolate("nowhere", [1, 2], tmp_path / "x.png", InterpolateSettings(frames=1))


def test_a_walk_has_its_points_where_it_should() -> None:
    latents = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    classes = torch.tensor([[0.0, 10.0], [0.0, 20.0]])
    half = 2**0.5
    film = walk(latents, classes, 2, loop=True, ease=False, whole=False)
    expected = [[2, 10], [half, half + 15], [0, 22], [half, half + 15]]
    assert torch.allclose(film, torch.tensor(expected))
    open_film = walk(latents, classes, 2, loop=False, ease=False, whole=False)
    assert torch.allclose(open_film, torch.tensor(expected[:3]))
    strip = walk(latents, classes, 3, loop=False, ease=False, whole=True)
    assert torch.allclose(strip, torch.tensor(expected[:3]))


def test_easing_slows_down_at_the_stops() -> None:
    zero = torch.zeros(2, 2)
    classes = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    eased = walk(zero, classes, 5, loop=False, ease=True, whole=True)[:, 1]
    assert torch.allclose(eased, torch.tensor([0, 0.15625, 0.5, 0.84375, 1]))


def test_slerp_meets_its_ends_and_keeps_the_length() -> None:
    here, there = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    assert torch.equal(slerp(here, there, 0), here)
    assert torch.equal(slerp(here, there, 1), there)
    assert torch.allclose(slerp(here, there, 0.5), torch.tensor([2**0.5, 2**0.5]))
    assert torch.equal(slerp(here, here, 0.3), here)
    zero = torch.zeros(2)  # a truncation of 0
    assert torch.equal(slerp(zero, zero, 0.3), zero)
