"""Nearest images by SSIM: equal to scikit-image, whole, in any number of parts."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from parhelion.errors import InputError
from parhelion.measurement import _memorisation, nearest_by_ssim


def images(
    seed: int, count: int, height: int = 20, width: int = 20, channels: int = 3
) -> NDArray[np.uint8]:
    """Blobs on noise: neither all alike nor all different."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centers = rng.uniform(0.3, 0.7, (count, 2)) * (height, width)
    square = (y - centers[:, 0, None, None]) ** 2 + (x - centers[:, 1, None, None]) ** 2
    blobs = 200 * np.exp(-square / rng.uniform(8, 40, (count, 1, 1)))
    noise = rng.normal(15, 6, (count, height, width, channels))
    return np.clip(blobs[..., None] + noise, 0, 255).astype(np.uint8)


def by_scikit_image(
    queries: NDArray[np.uint8], references: NDArray[np.uint8]
) -> NDArray[np.float64]:
    a, b = _memorisation.gray(queries), _memorisation.gray(references)
    return np.array([[structural_similarity(x, y, data_range=255) for y in b] for x in a])


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(20, 20, 3), (7, 7, 1), (9, 24, 3), (64, 64, 1)]
)
def test_equals_scikit_image(height: int, width: int, channels: int) -> None:
    queries, references = (images(seed, 4, height, width, channels) for seed in (0, 1))
    indices, scores = nearest_by_ssim(queries, references, 4)
    expected = by_scikit_image(queries, references)
    assert (indices == np.argsort(-expected, axis=1)).all()
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1), atol=1e-5)


def test_equals_scikit_image_on_saturated_and_empty_images() -> None:
    # The hardest for float32: large means with small or no variance.
    extremes = np.zeros((5, 16, 16, 1), np.uint8)
    extremes[1] = 255
    extremes[2, 8:] = 255
    extremes[3] = 250 + np.arange(16, dtype=np.uint8)[:, None, None] % 2
    extremes[4, 4:12, 4:12] = 253
    _, scores = nearest_by_ssim(extremes, extremes, 5)
    np.testing.assert_allclose(
        scores, -np.sort(-by_scikit_image(extremes, extremes), axis=1), atol=1e-4
    )


def test_a_copy_is_found_with_score_one() -> None:
    references = images(0, 12)
    indices, scores = nearest_by_ssim(references[[7, 3]], references, 2)
    assert indices[:, 0].tolist() == [7, 3]
    np.testing.assert_allclose(scores[:, 0], 1, atol=1e-6)
    assert (scores[:, 1] < 0.99).all()


def test_an_image_is_not_its_own_neighbor() -> None:
    references = images(0, 6)
    references[4] = references[1]
    indices, scores = nearest_by_ssim(references, references, 1, exclude_self=True)
    assert (indices[:, 0] != np.arange(6)).all()
    assert indices[[1, 4], 0].tolist() == [4, 1]
    assert scores[1, 0] == pytest.approx(1)


def test_images_of_the_own_group_are_left_out() -> None:
    references = images(0, 5)
    groups = np.array([0, 0, 0, 1, 1])
    indices, _ = nearest_by_ssim(
        references, references, 5, query_groups=groups, reference_groups=groups
    )
    assert sorted(indices[0, :2]) == [3, 4]
    assert indices[0, 2:].tolist() == [-1, -1, -1]
    assert sorted(indices[4, :3]) == [0, 1, 2]


def test_chunks_and_workers_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, references = images(0, 9), images(1, 11)
    whole = nearest_by_ssim(queries, references, 3, workers=1)
    monkeypatch.setattr(_memorisation, "_CHUNK_PIXELS", 4 * 400)
    monkeypatch.setattr(_memorisation, "_BLOCK_PIXELS", 3 * 400)
    parts = nearest_by_ssim(queries, references, 3, workers=3)
    assert (whole[0] == parts[0]).all()
    assert (whole[1] == parts[1]).all()


def test_equals_are_ordered_by_index() -> None:
    same = np.repeat(images(0, 1), 4, axis=0)
    assert nearest_by_ssim(same[:1], same, 3)[0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("queries", "references", "message"),
    [
        (images(0, 1), images(0, 0), "0 references"),
        (images(0, 1), images(0, 1, 20, 24), "one size"),
        (images(0, 1, 6, 20), images(0, 1, 6, 20), "--image-size"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    queries: NDArray[np.uint8], references: NDArray[np.uint8], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        nearest_by_ssim(queries, references)
