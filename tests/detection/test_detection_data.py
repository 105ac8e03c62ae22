"""The data: catalogs that do not fit together are refused; images are judged alike."""

import dataclasses
from collections.abc import Callable

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
)
from parhelion.errors import CatalogError, InputError

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
