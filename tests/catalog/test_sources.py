"""The sources of an image, with answers that can be worked out by hand."""

import threading

import numpy as np
import pytest

from parhelion.catalog import ROUNDING_RMS, extract_sources, find_sources, luma


def blob(shape: tuple[int, int], x: float, y: float, a: float, b: float, theta: float, peak: float):
    """An elliptical Gaussian with RMS axes `a` and `b`, turned from +x towards +y."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    along = (xx - x) * np.cos(theta) + (yy - y) * np.sin(theta)
    across = (yy - y) * np.cos(theta) - (xx - x) * np.sin(theta)
    return (peak * np.exp(-0.5 * ((along / a) ** 2 + (across / b) ** 2))).astype(np.float32)


def test_luma_is_the_weighted_sum_of_color_and_gray_as_it_is():
    color = np.array([[[100, 0, 0], [0, 100, 0], [0, 0, 100]]], np.uint8)
    np.testing.assert_allclose(luma(color), [[29.9, 58.7, 11.4]], rtol=1e-5)
    gray = np.array([[[7], [9]]], np.uint8)
    assert luma(gray).tolist() == [[7.0, 9.0]]


def test_extract_finds_place_shape_and_flux_of_a_gaussian():
    light = blob((64, 64), 30.25, 20.5, 4, 2, 0.6, 100)
    table, labels = extract_sources(light, 0.2, threshold=1.5, min_area=5)
    assert len(table) == 1
    source = table[0]
    assert (source["x"], source["y"]) == pytest.approx((30.25, 20.5), abs=0.01)
    assert (source["a"], source["b"]) == pytest.approx((4, 2), rel=0.06)
    assert source["theta"] == pytest.approx(0.6, abs=0.01)
    assert source["flux"] == pytest.approx(2 * np.pi * 4 * 2 * 100, rel=0.02)
    assert set(np.unique(labels)) == {0, 1}
    assert (labels == 1).sum() == source["npix"]


def test_find_sources_measures_the_sky_and_what_is_above_it():
    rng = np.random.default_rng(1)
    image = rng.normal(20, 3, (200, 220)).astype(np.float32)
    places = [(50.0, 40.0), (150.0, 60.0), (100.0, 150.0)]
    for x, y in places:
        image += blob(image.shape, x, y, 3, 3, 0, 120)
    found = find_sources(image, threshold=3, min_area=20)
    assert len(found) == 3
    found_places = sorted(zip(found.table["x"], found.table["y"], strict=True))
    np.testing.assert_allclose(found_places, sorted(places), atol=0.2)
    assert found.background.mean() == pytest.approx(20, abs=0.3)
    assert found.rms.mean() == pytest.approx(3, rel=0.05)
    np.testing.assert_array_equal(found.light, image - found.background)
    assert found.labels[40, 50] > 0
    assert found.labels[5, 5] == 0


def test_a_sky_without_noise_has_that_of_rounding():
    image = np.full((80, 80), 10, np.float32) + blob((80, 80), 40, 40, 3, 3, 0, 50)
    found = find_sources(image)
    assert found.rms.min() == pytest.approx(ROUNDING_RMS)
    assert len(found) == 1


def test_deblending_is_a_setting():
    light = blob((64, 64), 26, 32, 3, 3, 0, 100) + blob((64, 64), 37, 32, 3, 3, 0, 60)
    apart, _ = extract_sources(light, 0.5, threshold=1.5, min_area=5, deblend_contrast=0.005)
    joined, _ = extract_sources(light, 0.5, threshold=1.5, min_area=5, deblend_contrast=1.0)
    assert (len(apart), len(joined)) == (2, 1)


def test_sizes_of_buffers_do_not_race_between_threads():
    # Every pixel of the large image is above the isophote: a small image's buffer overflows.
    large = np.full((300, 300), 100, np.float32)
    small = blob((32, 32), 16, 16, 2, 2, 0, 50)
    failures: list[Exception] = []

    def work(image: np.ndarray) -> None:
        try:
            for _ in range(20):
                extract_sources(image, 1.0, threshold=1.5, min_area=5)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(image,)) for image in (large, small)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
