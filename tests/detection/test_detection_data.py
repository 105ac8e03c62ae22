"""The data: catalogs that do not fit together are refused; batches depend on position alone."""

import dataclasses
from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

from parhelion.catalog import Catalog, write_catalog
from parhelion.detection import DetectorSettings
from parhelion.detection._data import (
    check_classes,
    counts,
    gather,
    judged_views,
    pixel_store,
    some,
    training_batches,
)
from parhelion.errors import CatalogError, InputError
from parhelion.training import PixelStore

Make = Callable[..., Catalog]
SETTINGS = DetectorSettings(image_size=32, batch=4, workers=2)


def _rewrite(catalog: Catalog, **values: object) -> Catalog:
    return write_catalog(catalog.root, [{**item, **values} for item in catalog.rows()])


def test_samples_know_what_a_model_made(make_catalog: Make) -> None:
    catalogs = [make_catalog("real", made=False), make_catalog("fake", made=True)]
    samples = gather([catalogs[0], catalogs[1].root])
    assert [sample.is_made for sample in samples] == [False] * 8 + [True] * 8
    assert counts(samples)["train"] == {"observed": 4, "made": 4}
    check_classes(samples)


def test_an_augmented_image_is_not_a_made_one(make_catalog: Make) -> None:
    catalog = make_catalog("real", made=False)
    samples = gather([_rewrite(catalog, origin="augmented", recipe="{}")])
    assert not any(sample.is_made for sample in samples)


def test_without_a_split_the_command_is_named(make_catalog: Make) -> None:
    catalog = _rewrite(make_catalog("real", made=False), split=None)
    with pytest.raises(CatalogError, match=f"8 of 8 .*`parhelion split {catalog.root}`"):
        gather([catalog])
    assert len(gather([catalog], split_needed=False)) == 8


def test_a_group_must_not_span_splits_across_catalogs(make_catalog: Make) -> None:
    real, fake = make_catalog("real", made=False), make_catalog("fake", made=True)
    rows = fake.rows()
    rows[-1]["group_id"] = "real-0"  # in the train part there, in the test part here
    with pytest.raises(CatalogError, match="'real-0' spans two splits"):
        gather([real, write_catalog(fake.root, rows)])


def test_a_catalog_given_twice_is_refused(make_catalog: Make) -> None:
    catalog = make_catalog("real", made=False)
    with pytest.raises(CatalogError, match="given twice"):
        gather([catalog, catalog])


def test_no_catalog_is_refused() -> None:
    with pytest.raises(InputError, match="no catalog"):
        gather([])


def test_both_classes_are_needed_in_every_part(make_catalog: Make) -> None:
    real, fake = make_catalog("real", made=False), make_catalog("fake", made=True)
    with pytest.raises(CatalogError, match="no made image in the train part"):
        check_classes(gather([real]))
    rows = [item for item in fake.rows() if item["split"] != "test"]
    samples = gather([real, write_catalog(fake.root, rows)])
    with pytest.raises(CatalogError, match="no made image in the test part"):
        check_classes(samples)
    check_classes(samples, ("validation",))


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


@pytest.mark.parametrize("chain", [None, "random", "plain", "resize-70-jpeg-75"])
def test_images_are_judged_alike_each_time(make_catalog: Make, chain: str | None) -> None:
    samples = gather([make_catalog("real", made=False)])
    settings = dataclasses.replace(SETTINGS, view="patches", image_size=16, patches=2)
    store = pixel_store(settings)
    first, again = (list(judged_views(samples, store, settings, chain)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.patches, other.patches)
        assert one.patches.shape[1:] == (16, 16, 3)


def test_some_are_evenly_spaced(make_catalog: Make) -> None:
    samples = gather([make_catalog("real", made=False)])
    train = some(samples, "train", False, 100)
    assert len(train) == 4
    assert some(samples, "train", False, 2) == train[::2]
    assert some(samples, "train", True, 2) == []
