"""Shares and residuals that can be checked by hand."""

import numpy as np
import pytest

from parhelion._intervals import wilson_interval
from parhelion.measurement._field_figures import astrometry, photometry, shares_by
from parhelion.measurement._field_match import matched_by_chance


def test_bins_have_equally_many_and_their_own_share():
    values = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    hit = np.array([True, False, True, True, False])
    bins = shares_by(values, hit, 2, axis="a", count="detected", name="purity")
    assert [(b["a"], b["detected"], b["matched"], b["purity"]) for b in bins] == [
        ([1, 3], 3, 2, 2 / 3),
        ([4, 5], 2, 1, 1 / 2),
    ]
    assert bins[1]["purity_interval"] == wilson_interval(1, 2)
    assert shares_by(values[:0], hit[:0], 2, axis="a", count="n", name="purity") == []


def test_offsets_of_places():
    dx, dy = np.array([1.0, 3.0]), np.array([-1.0, 1.0])
    measured = astrometry(dx, dy, np.array([5.0, 4.0]), 2, (0.1 * dx, -0.1 * dy))
    assert measured["count"] == 2
    assert measured["dx"]["mean"] == 2
    assert measured["dx"]["mean_error"] == pytest.approx(1)  # sqrt(2) / sqrt(2)
    assert measured["dx"]["rms"] == pytest.approx(5**0.5)
    assert measured["dy"]["mean"] == 0
    assert measured["rms"] == pytest.approx(6**0.5)
    assert [b["rms"] for b in measured["by_flux"]] == pytest.approx([10**0.5, 2**0.5])
    assert measured["arcsec"]["east"]["mean"] == pytest.approx(0.2)
    assert measured["arcsec"]["rms"] == pytest.approx(0.1 * 6**0.5)


def test_ratios_of_fluxes():
    true = np.array([1.0, 2.0, 4.0, 10.0, 0.0])
    measured = photometry(np.array([1.0, 2.2, 4.8, 13.0, 7.0]), true, 2)
    assert measured["count"] == 4  # what has no true flux has no ratio
    assert measured["median"] == pytest.approx(1.15)
    assert measured["bias"] == pytest.approx(0.15)
    # Deviations 0.15, 0.05, 0.05, 0.15: their median is 0.1.
    assert measured["scatter"] == pytest.approx(0.14826)
    assert measured["median_interval"] == pytest.approx([1.0, 1.3])
    assert [b["median"] for b in measured["by_flux"]] == pytest.approx([1.05, 1.25])


def test_the_interval_of_a_median_narrows():
    ratio = np.linspace(0.5, 1.5, 101)
    # 50.5 -+ 1.96 * sqrt(101) / 2 are ranks 40 and 61 of 0 to 100.
    low, high = photometry(ratio, np.ones(101), 1)["median_interval"]
    assert (low, high) == pytest.approx((0.90, 1.11))


def test_nothing_found_has_no_residuals():
    empty = np.zeros(0)
    assert photometry(empty, empty, 4)["median"] is None
    assert astrometry(empty, empty, empty, 4, None)["dx"]["rms"] is None


def test_chance_matches_are_those_of_displaced_detections():
    truth = np.array([(0.0, 0.0), (48.0, 0.0)])
    radius = np.full(2, 2.0)
    # Displaced by 48 to the right the first meets the second; by 48 to the left the reverse.
    assert matched_by_chance(truth, truth, radius) == pytest.approx(2 / 4)
    assert matched_by_chance(truth, truth[:0], radius) == 0


def test_displaced_detections_do_not_match_their_own_objects():
    # 64 pixels, as at a zoom of 1/32: 48 to a side would leave each detection with its object.
    truth = np.array([(0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)])
    assert matched_by_chance(truth, truth + 30, np.full(3, 64.0)) == 0
    # By 129 to the right the first meets the second.
    truth = np.array([(0.0, 0.0), (129.0, 0.0)])
    assert matched_by_chance(truth, truth, np.full(2, 64.0)) == pytest.approx(2 / 4)
