"""Stars: counts by a power law, cores and spikes."""

import dataclasses

import numpy as np
import pytest

from parhelion.sky import WidefieldSettings
from parhelion.sky._stars import draw_stars


def stars(model, **changes):
    options = {"stars": 3000, "size": 500, "seed": 1}
    return draw_stars(WidefieldSettings(**(options | changes)), model)


def test_counts_fall_by_the_law_and_places_are_uniform(model):
    drawn = stars(model, star_law=0.7)
    faintest = 5 * model.rms
    assert drawn.peak.min() >= faintest
    assert (drawn.peak > 10 * faintest).mean() == pytest.approx(10**-0.7, abs=0.03)
    assert np.histogram(drawn.x, 5, (-0.5, 499.5))[0] == pytest.approx([600] * 5, abs=90)


def bright(model, **changes):
    drawn = stars(model, stars=1, spike_angle=0.0, **changes)
    one = np.ones(1)
    return dataclasses.replace(
        drawn, x=100.25 * one, y=80 * one, peak=5000 * one, reach=80 * one,
        tint=np.ones((1, 3), np.float32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spikes", "lit", "dark"), [(4, (0, 40), (28, 28)), (6, (35, 20), (40, 0)), (0, None, (0, 40))]
)
def test_spikes_are_where_they_belong(model, spikes, lit, dark):
    # Offsets (dy, dx) at some 40 pixels: of 4 spikes at 0 and 90 degrees, of 6 at 60 too.
    drawn = bright(model, spikes=spikes).draw(0)
    light = drawn.light[..., 0]
    y, x = 80 - drawn.y0, 100 - drawn.x0
    if lit is not None:
        near = light[y + lit[0] - 1 : y + lit[0] + 2, x + lit[1] - 1 : x + lit[1] + 2]
        assert near.max() > 1
    assert light[y + dark[0], x + dark[1]] < 0.3
    assert light[y, x] == pytest.approx(5000, rel=0.1)
    assert max(light[[0, -1]].max(), light[:, [0, -1]].max()) < 1e-3


def test_the_reach_holds_all_that_shows(model):
    drawn = stars(model, stars=200)
    for index in np.argsort(drawn.peak)[[0, 100, 199]]:
        light = drawn.draw(int(index)).light
        # Past nine tenths of the reach nothing would change a pixel.
        cut = int(0.05 * len(light))
        light[cut:-cut, cut:-cut] = 0
        assert light.max() < 0.5


def test_gray_stars(model):
    gray = dataclasses.replace(model, level=model.level[:1])
    assert draw_stars(WidefieldSettings(stars=2, size=50), gray).tint.tolist() == [[1], [1]]
