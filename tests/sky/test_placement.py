"""Parameters of the objects: like the field's, and reproducible."""

import numpy as np
import pytest

from parhelion.sky._placement import place

STAMP_A = np.array([4.0, 8.0, 6.0, 10.0])
STAMP_FLUX = np.array([2e3, 6e4, 9e3, 2e4])


def draw(model, **changes):
    options = {"count": 4000, "size": 1000, "seed": 3, "max_enlarge": 1.5} | changes
    return place(model, STAMP_A, STAMP_FLUX, **options)


def test_the_same_seed_gives_the_same_and_places_do_not_depend_on_the_count(model):
    one, two, few = draw(model), draw(model), draw(model, count=10)
    np.testing.assert_array_equal(one.flux, two.flux)
    np.testing.assert_array_equal(one.x[:10], few.x)
    np.testing.assert_array_equal(one.angle[:10], few.angle)
    assert not np.array_equal(one.x, draw(model, seed=4).x)


def test_places_turns_and_flips_are_uniform(model):
    drawn = draw(model)
    for value, high in ((drawn.x + 0.5, 1000), (drawn.y + 0.5, 1000), (drawn.angle, 2 * np.pi)):
        assert value.min() >= 0
        assert value.max() < high
        counts, _ = np.histogram(value, 10, (0, high))
        assert counts.min() > 320
        assert counts.max() < 480
    assert drawn.flipped.mean() == pytest.approx(0.5, abs=0.05)


def test_sizes_and_fluxes_are_the_fields(model):
    drawn = draw(model, max_enlarge=100.0)
    assert np.median(drawn.a) == pytest.approx(np.median(model.a), rel=0.03)
    assert np.median(drawn.flux) == pytest.approx(np.median(model.flux), rel=0.05)


def test_every_stamp_is_used_and_bright_ones_where_bright_is_wanted(model):
    drawn = draw(model)
    assert np.bincount(drawn.stamp).tolist() == [1000] * 4
    brightness = drawn.flux / drawn.a**2
    given = (STAMP_FLUX / STAMP_A**2)[drawn.stamp]
    assert np.corrcoef(brightness.argsort().argsort(), given.argsort().argsort())[0, 1] > 0.7


def test_enlargement_is_capped_at_the_same_surface_brightness(model):
    free, capped = draw(model, max_enlarge=100.0), draw(model, max_enlarge=0.5)
    assert capped.zoom.max() == 0.5
    np.testing.assert_allclose(capped.flux / capped.a**2, free.flux / free.a**2)
