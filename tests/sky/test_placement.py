"""Parameters of the objects: like the field's, and reproducible."""

import numpy as np
import pytest

from parhelion.errors import InputError
from parhelion.sky._placement import Population, obey, place, tints
from parhelion.sky._positions import Given

STAMP_A = np.array([4.0, 8.0, 6.0, 10.0])
STAMP_FLUX = np.array([2e3, 6e4, 9e3, 2e4])


def draw(model, **changes):
    options = {"count": 4000, "size": 1000, "seed": 3, "max_enlarge": 1.5} | changes
    return place(Population(model.a, model.flux), STAMP_A, STAMP_FLUX, **options)


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


def test_a_power_law_has_its_slope_and_sizes_of_like_flux():
    flux = np.geomspace(100, 10_000, 50)
    population = Population(np.sqrt(flux), flux, law=1.5)
    share = (np.arange(20_000) + 0.5) / 20_000
    a, drawn = population.draw(share)
    assert drawn.min() >= 100
    assert drawn.max() <= 10_000 * (1 + 1e-9)
    # N(>S) = S**-1.5, less what is above the brightest.
    for limit in (200.0, 500.0, 2000.0):
        top = 100.0**-1.5 / (1 - 100.0**-1.5)
        expected = (limit / 100) ** -1.5 * (1 + top) - top
        assert (drawn > limit).mean() == pytest.approx(expected, abs=0.002)
    np.testing.assert_allclose(a**2 / drawn, 1, atol=0.06)


def test_a_table_is_obeyed_where_it_says_something(model):
    nan = np.nan
    given = Given(
        x=np.array([1.0, 2.0, 3.0]),
        y=np.array([4.0, 5.0, 6.0]),
        flux=np.array([nan, 500.0, nan]),
        size=np.array([nan, nan, 30.0]),
        angle=np.array([0.5, nan, nan]),
        image_id=["", "c", ""],
        outside=0,
    )
    drawn = draw(model, count=3, points=(given.x, given.y), max_gain=2.5)
    out = obey(drawn, given, ["a", "b", "c", "d"], STAMP_A)
    assert out.x.tolist() == [1, 2, 3]
    assert out.y.tolist() == [4, 5, 6]
    assert out.angle[0] == 0.5
    assert not out.flipped[0]
    assert out.angle[1:].tolist() == drawn.angle[1:].tolist()
    assert out.stamp.tolist() == [drawn.stamp[0], 2, drawn.stamp[2]]
    assert out.flux[1] == 500
    assert out.most_gain.tolist() == [2.5, np.inf, 2.5]
    assert out.a[2] == 30
    assert out.zoom[2] == pytest.approx(30 / STAMP_A[drawn.stamp[2]])
    with pytest.raises(InputError, match="image_id 'c' of object 1"):
        obey(drawn, given, ["a", "b"], STAMP_A)


def test_tints_move_colors_between_red_and_blue():
    factors = tints(4000, 3, seed=1, jitter=0.2)
    np.testing.assert_allclose(factors[:, 1], 1)
    np.testing.assert_allclose(factors[:, 0] * factors[:, 2], 1, rtol=1e-5)
    assert np.log(factors[:, 0]).std() == pytest.approx(0.2, rel=0.05)
    np.testing.assert_array_equal(tints(5, 3, seed=1, jitter=0.0), 1)
    np.testing.assert_array_equal(tints(5, 1, seed=1, jitter=0.5), 1)
    np.testing.assert_array_equal(tints(9, 3, seed=1, jitter=0.2), factors[:9])
