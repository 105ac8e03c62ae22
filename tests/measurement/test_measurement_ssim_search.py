"""Nearest images by SSIM: equal to scikit-image, pruned or not, in any number of parts."""

from collections.abc import Iterator

import numpy as np
import pytest
from drawn_blobs import blobs, by_scikit_image, extremes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from parhelion.errors import InputError
from parhelion.measurement import TURNS, most_similar, nearest_by_ssim
from parhelion.measurement._ssim_images import to_gray, turned
from parhelion.measurement._ssim_pairs import _bound
from parhelion.measurement._ssim_prepare import block_sizes, empty_prepared, prepare


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(20, 20, 3), (7, 7, 1), (9, 24, 3), (64, 64, 1), (50, 90, 1)]
)
@pytest.mark.parametrize("prune", [True, False])
def test_equals_scikit_image(height: int, width: int, channels: int, prune: bool) -> None:
    queries, references = (blobs(seed, 4, height, width, channels) for seed in (0, 1))
    found = most_similar(queries, references, 4, prune=prune)
    expected = by_scikit_image(queries, references)
    assert (found.indices == np.argsort(-expected, axis=1)).all()
    np.testing.assert_allclose(found.scores, -np.sort(-expected, axis=1), atol=1e-6)


def test_equals_scikit_image_on_saturated_and_empty_images() -> None:
    images = extremes()
    _, scores = nearest_by_ssim(images, images, len(images))
    np.testing.assert_allclose(
        scores, -np.sort(-by_scikit_image(images, images), axis=1), atol=1e-4
    )


def test_gray_is_pillow_s() -> None:
    colors = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), np.uint8)
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in colors]
    assert (to_gray(colors) == expected).all()
    assert (to_gray(colors[..., :1]) == colors[..., 0]).all()


@st.composite
def sets(draw: st.DrawFn) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two sets of one shape, of few levels or many, some of them flat, some repeated."""
    height, width = draw(st.integers(7, 40)), draw(st.integers(7, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(2, 14))
    levels = rng.uniform(0, 255, (count, 1, 1))
    spread = rng.choice([0.0, 1.0, 10.0, 120.0], (count, 1, 1))
    images = rng.normal(levels, spread, (count, height, width))
    images += rng.uniform(-3, 3, (count, 1, 1)) * np.arange(height)[:, None]
    pixels = np.clip(images, 0, 255).astype(np.uint8)
    pixels = pixels[rng.integers(0, count, count)]
    cut = draw(st.integers(1, count - 1))
    return pixels[:cut], pixels[cut:]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(both=sets(), k=st.integers(1, 4), whole=st.booleans())
def test_pruning_changes_no_result(
    both: tuple[NDArray[np.uint8], NDArray[np.uint8]], k: int, whole: bool
) -> None:
    memory = 1024 if whole else 0  # in parts of one image
    pruned = most_similar(*both, k, memory=memory, workers=1)
    plain = most_similar(*both, k, prune=False, workers=1)
    assert (pruned.indices == plain.indices).all()
    assert (pruned.scores == plain.scores).all()
    assert pruned.compared <= plain.compared == 1


@settings(deadline=None, max_examples=60, derandomize=True)
@given(both=sets())
def test_the_bound_is_never_below_what_it_bounds(
    both: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    one, other = both[0][:1], both[1][:1]
    _, height, width = one.shape
    across = -(-(width - 6) // 8)
    sizes = block_sizes(height, width)
    first, second = empty_prepared(1, height, width), empty_prepared(1, height, width)
    prepare(one, first)
    prepare(other, second)
    rest = np.zeros(len(sizes) // across + 1)
    _bound(first.blocks[0], second.blocks[0], sizes, across, rest)
    _, image = structural_similarity(one[0], other[0], data_range=255, full=True)
    for row, limit in enumerate(rest):
        below = image[3 + 8 * row : height - 3, 3 : width - 3]
        assert limit >= below.sum() - 5e-4 * below.size


def test_pruning_saves_work_where_images_differ() -> None:
    dark, bright = blobs(0, 20, 48, 48, 1) // 4, 255 - blobs(1, 20, 48, 48, 1) // 4
    references = np.concatenate([dark[10:], bright])
    assert most_similar(dark[:10], references, 2).compared < 0.7


def test_a_copy_is_found_with_score_one() -> None:
    references = blobs(0, 12)
    indices, scores = nearest_by_ssim(references[[7, 3]], references, 2)
    assert indices[:, 0].tolist() == [7, 3]
    np.testing.assert_allclose(scores[:, 0], 1, atol=1e-6)
    assert (scores[:, 1] < 0.99).all()


def test_a_turned_copy_is_found_and_its_turn_is_told() -> None:
    references = blobs(0, 9)
    gray = to_gray(references)
    queries = np.concatenate([turned(gray[i : i + 1], i) for i in range(8)])
    found = most_similar(queries, references, 2, dihedral=True)
    assert found.indices[:, 0].tolist() == list(range(8))
    np.testing.assert_allclose(found.scores[:, 0], 1, atol=1e-6)
    # A quarter turn is undone by three; a mirror image by itself.
    assert found.turns[:, 0].tolist() == [0, 3, 2, 1, 4, 5, 6, 7]
    assert len(TURNS) == 8
    every = np.max(
        [by_scikit_image(turned(queries, turn)[..., None], references) for turn in range(8)], axis=0
    )
    np.testing.assert_allclose(found.scores, -np.sort(-every, axis=1)[:, :2], atol=1e-6)
    plain = most_similar(queries, references, 2, dihedral=True, prune=False)
    assert (plain.scores == found.scores).all()
    assert (plain.turns == found.turns).all()


def test_an_image_is_not_its_own_neighbor() -> None:
    references = blobs(0, 6)
    references[4] = references[1]
    indices, scores = nearest_by_ssim(references, references, 1, exclude_self=True)
    assert (indices[:, 0] != np.arange(6)).all()
    assert indices[[1, 4], 0].tolist() == [4, 1]
    assert scores[1, 0] == pytest.approx(1)


def test_images_of_the_own_group_are_left_out() -> None:
    references = blobs(0, 5)
    groups = np.array([0, 0, 0, 1, 1])
    indices, scores = nearest_by_ssim(
        references, references, 5, query_groups=groups, reference_groups=groups
    )
    assert sorted(indices[0, :2]) == [3, 4]
    assert indices[0, 2:].tolist() == [-1, -1, -1]
    assert np.isneginf(scores[0, 2:]).all()
    assert sorted(indices[4, :3]) == [0, 1, 2]


@pytest.mark.parametrize("dihedral", [False, True])
def test_parts_and_workers_do_not_change_the_answer(dihedral: bool) -> None:
    queries, references = blobs(0, 19), blobs(1, 23)
    whole = most_similar(queries, references, 3, workers=1, dihedral=dihedral)
    asked = []

    def stream(size: int) -> Iterator[NDArray[np.uint8]]:
        asked.append(size)
        for start in range(0, 23, min(size, 4)):
            yield to_gray(references[start : start + min(size, 4)])

    parts = most_similar(queries, stream, 3, count=23, memory=0, workers=3, dihedral=dihedral)
    assert asked == [1] * 19  # one query and one reference at a time
    for name in ("indices", "scores", "turns"):
        assert (getattr(whole, name) == getattr(parts, name)).all()


def test_a_stream_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="are 3, not 4"):
        most_similar(blobs(0, 1), lambda size: [to_gray(blobs(0, 3))], count=4)


@pytest.mark.parametrize("prune", [True, False])
def test_equals_are_ordered_by_index(prune: bool) -> None:
    same = np.repeat(blobs(0, 1), 9, axis=0)
    assert most_similar(same[:1], same, 3, prune=prune).indices.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("queries", "references", "dihedral", "message"),
    [
        (blobs(0, 1), blobs(0, 0), False, "0 references"),
        (blobs(0, 1), blobs(0, 1, 20, 24), False, "one size"),
        (blobs(0, 1, 6, 20), blobs(0, 1, 6, 20), False, "--image-size"),
        (blobs(0, 1, 8, 20), blobs(0, 1, 8, 20), True, "make them square"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    queries: NDArray[np.uint8], references: NDArray[np.uint8], dihedral: bool, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        most_similar(queries, references, dihedral=dihedral)
