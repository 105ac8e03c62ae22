"""Training batches: a function of position alone, of one side, of both classes alike."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

from parhelion.catalog import Catalog, write_catalog
from parhelion.detection import DetectorSettings
from parhelion.detection._batches import _jobs, training_batches
from parhelion.detection._data import gather, pixel_store
from parhelion.training import PixelStore

Make = Callable[..., Catalog]
SETTINGS = DetectorSettings(image_size=32, batch=4, workers=2)


def test_batches_depend_on_position_alone(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    store = PixelStore(32, 16)

    def batches(start: int, number: int, store: PixelStore = store) -> list[np.ndarray]:
        made = training_batches(samples, store, SETTINGS, start)
        with_targets = list(islice(made, number))
        made.close()
        assert all(targets.tolist() == [0, 0, 1, 1] for _, targets in with_targets)
        return [pixels for pixels, _ in with_targets]

    whole = batches(0, 6)
    assert all(pixels.shape == (4, 32, 32, 3) for pixels in whole)
    assert np.array_equal(np.stack(whole[3:]), np.stack(batches(12, 3)))
    # Without memory every image is decoded at each use, to the same end.
    assert np.array_equal(np.stack(whole), np.stack(batches(0, 6, PixelStore(32, 0))))


def test_a_pass_shows_every_image_of_a_class_once(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    plain = dataclasses.replace(
        SETTINGS,
        horizontal_flip=False,
        vertical_flip=False,
        quarter_turns=False,
        augment_probability=0.0,
        quality=(100, 100),
    )
    batches = training_batches(samples, PixelStore(32, 16), plain)
    seen = np.concatenate([pixels[:2] for pixels, _ in islice(batches, 2)])
    batches.close()
    # The four observed training images differ, so that no two of them may come out alike.
    assert len({image.tobytes() for image in seen}) == 4


def test_catalogs_can_be_drawn_equally_often(make_catalog: Make) -> None:
    real, fake = make_catalog("real", made=False), make_catalog("fake", made=True)
    few = make_catalog("few", made=True)
    few = write_catalog(few.root, [item for item in few.rows() if item["path"] in ("000.png",)])
    settings = dataclasses.replace(SETTINGS, balance="catalogs", augment_probability=0.0)
    settings = dataclasses.replace(
        settings, horizontal_flip=False, vertical_flip=False, quarter_turns=False
    )
    settings = dataclasses.replace(settings, quality=(100, 100), recompress=0.0)
    samples = gather([real, fake, few])
    batches = training_batches(samples, PixelStore(32, 16), settings)
    made = np.concatenate([pixels[2:] for pixels, _ in islice(batches, 8)])
    batches.close()
    # Every other made image is the only one of its catalog, whatever codec it went through.
    assert len({image.tobytes() for image in made[1::2]}) <= 2 < 4
    assert len({image.tobytes() for image in made[::2]}) >= 4


def test_patches_depend_on_position_alone(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    settings = dataclasses.replace(SETTINGS, view="patches", image_size=16)

    def batches(start: int, number: int) -> np.ndarray:
        made = training_batches(samples, pixel_store(settings), settings, start)
        found = np.stack([pixels for pixels, _ in islice(made, number)])
        made.close()
        return found

    whole = batches(0, 6)
    assert whole.shape == (6, 4, 16, 16, 3)
    assert np.array_equal(whole[3:], batches(12, 3))


def test_a_batch_has_patches_of_one_side(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    settings = dataclasses.replace(SETTINGS, view="patches", image_size=32, smallest_patch=16)
    batches = training_batches(samples, pixel_store(settings), settings)
    sides = {pixels.shape[1:3] for pixels, _ in islice(batches, 24)}
    batches.close()
    assert sides == {(16, 16), (24, 24), (32, 32)}


def test_no_patch_is_larger_than_what_a_class_has(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    samples = [dataclasses.replace(s, side=24 if s.is_made else 48) for s in samples]
    settings = dataclasses.replace(SETTINGS, view="patches", image_size=40, smallest_patch=16)
    batches = training_batches(samples, pixel_store(settings), settings)
    sides = {len(pixels[0]) for pixels, _ in islice(batches, 16)}
    batches.close()
    assert sides == {16, 24}


def test_every_other_batch_has_patches_of_the_largest_side(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    settings = dataclasses.replace(SETTINGS, view="patches", image_size=32, smallest_patch=16)
    sides = Counter(job.side for job in islice(_jobs(samples, settings, 0), 4 * 300))
    assert sides[32] / sides.total() == pytest.approx(1 / 2 + 1 / 6, abs=0.08)
    assert sides[16] / sides.total() == pytest.approx(1 / 6, abs=0.08)


@pytest.mark.parametrize(("lossy", "alike"), [((), True), ((0,), False), ((1,), False)])
def test_both_or_neither_may_stay_without_loss(
    make_catalog: Make, lossy: tuple[int, ...], alike: bool
) -> None:
    samples = gather([make_catalog("real", made=False), make_catalog("fake", made=True)])
    samples = [
        dataclasses.replace(s, side=32, is_lossless=int(s.is_made) not in lossy) for s in samples
    ]
    settings = dataclasses.replace(SETTINGS, view="patches", smallest_patch=16)
    assert {job.alike for job in islice(_jobs(samples, settings, 0), 32)} == {alike}
    # A larger observed image is made smaller, which takes its codec's traces away.
    large = [s if s.is_made else dataclasses.replace(s, side=64) for s in samples]
    jobs = islice(_jobs(large, settings, 0), 32)
    assert {job.alike for job in jobs} == {1 not in lossy}


@pytest.mark.parametrize(("pairs", "alike"), [(1.0, True), (0.0, False)])
def test_a_made_image_may_stand_beside_its_source(
    make_catalog: Make, pairs: float, alike: bool
) -> None:
    observed = gather([make_catalog("real", made=False)])
    # The same files, said to be made: with one history for both nothing tells them apart.
    made = [dataclasses.replace(sample, is_made=True) for sample in observed[::-1]]
    settings = dataclasses.replace(SETTINGS, view="patches", image_size=16, pairs=pairs)
    batches = training_batches([*observed, *made], pixel_store(settings), settings)
    drawn = [pixels for pixels, _ in islice(batches, 8)]
    batches.close()
    assert all(np.array_equal(pixels[:2], pixels[2:]) for pixels in drawn) == alike


def test_folders_can_be_drawn_equally_often(make_catalog: Make) -> None:
    real = gather([make_catalog("real", made=False)])
    made = gather([make_catalog("fake", made=True)])
    names = ["gan/a"] * 2 + ["vae/a"] * 3 + ["vae/b"] * 3
    made = [dataclasses.replace(s, catalog=name) for s, name in zip(made, names, strict=True)]
    settings = dataclasses.replace(SETTINGS, view="patches", balance="folders")
    jobs = islice(_jobs([*real, *made], settings, 0), 64)
    drawn = Counter(job.sample.catalog for job in jobs if job.sample.is_made)
    assert drawn == {"gan/a": 16, "vae/a": 8, "vae/b": 8}


def test_an_observed_image_is_made_as_small_as_the_made_one(make_catalog: Make) -> None:
    real = gather([make_catalog("real", made=False)])
    made = [dataclasses.replace(s, side=24) for s in gather([make_catalog("fake", made=True)])]
    settings = dataclasses.replace(SETTINGS, view="patches", smallest_patch=16, framed=1.0)
    jobs = list(islice(_jobs([*real, *made], settings, 0), 32))
    assert {job.frame for job in jobs if not job.sample.is_made} == {24}
    assert {job.frame for job in jobs if job.sample.is_made} == {None}
    same = [dataclasses.replace(sample, side=32) for sample in made]
    assert not any(job.frame for job in islice(_jobs([*real, *same], settings, 0), 32))
    batches = training_batches([*real, *made], pixel_store(settings), settings)
    assert {pixels.shape[1] for pixels, _ in islice(batches, 16)} == {16, 24}
    batches.close()
