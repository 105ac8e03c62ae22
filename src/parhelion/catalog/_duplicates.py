"""Groups of images that are the same: by pixels, and nearly, in any of the eight orientations.

A small galaxy on black sky looks like any other to a hash of its gray levels. So thumbnails are
first flattened: fine structure only, divided by its local strength, which gives faint neighbors
and noise as much say as the bright core. A hash of that picks pairs, and its local correlation
decides.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._progress import bar
from parhelion.catalog._thumbnail import ROOT, SIDE

_BITS = 16  # cosine terms along each axis that are hashed
_TILE = 256, 4096  # rows and columns of hashes that are compared at a time
_BATCH = 512  # thumbnails, or pairs of them, that are held as floats
# Bits that may differ, of the 63 that no mirroring changes, and of all 255. Re-encoding at JPEG
# quality 40 and resizing by 0.73 stay below in 98 of 100 images of all kinds tried.
_NEAR, _NEAR_ALL = 14, 76
# Mean correlation over the blocks of the flattened thumbnails, and correlation of the thumbnails.
_ALIKE, _ALIKE_WHOLE = 0.67, 0.95
_BLOCK = 8
_WEAK = 2.0  # norm of a block that counts half; what rounding alone leaves has about 1
_FEATURELESS = 0.05  # mean strength of the structure (in square roots of gray levels)


Flattened = NDArray[np.float32]


def near_duplicates(thumbnails: NDArray[np.uint8]) -> Iterator[NDArray[np.intp]]:
    """Yield pairs of images that are nearly the same, with no regard to turns and flips.

    Parameters
    ----------
    thumbnails : ndarray
        ``(N, SIDE, SIDE)`` uint8.

    Yields
    ------
    pairs : ndarray
        ``(M, 2)`` indices, the first of a pair below the second.
    """
    with ThreadPoolExecutor(min(4, cores())) as pool:
        keep, words, turned = _hashes(thumbnails, pool)
        rows, columns = _TILE
        tiles = [
            (top, left)
            for top in range(0, len(keep), rows)
            for left in range(top, len(keep), columns)
        ]
        # In order, whichever thread is first.
        found = pool.map(lambda tile: _candidates(words, turned, *tile), tiles)
        for pairs in bar(found, total=len(tiles), what="comparing", unit="tiles"):
            for start in range(0, len(pairs), _BATCH):
                chosen = pairs[start : start + _BATCH]
                first, second = keep[chosen[:, 0]], keep[chosen[:, 1]]
                alike = _alike(thumbnails[first], _turn(thumbnails[second], chosen[:, 2]))
                if alike.any():
                    yield np.stack([first[alike], second[alike]], axis=1)


def _candidates(
    words: NDArray[np.uint64], turned: NDArray[np.uint64], top: int, left: int
) -> NDArray[np.intp]:
    """Return the pairs of one tile whose hashes are near in some orientation.

    Returns
    -------
    candidates : ndarray
        ``(M, 3)``: the two, and how the second is turned to be as the first; see `_turn`.
    """
    rows, columns = _TILE
    here = words[top : top + rows, None, 0]
    near = np.bitwise_count(here ^ words[None, left : left + columns, 0]) <= _NEAR
    near |= np.bitwise_count(here ^ turned[None, left : left + columns, 0]) <= _NEAR
    first, second = np.divmod(np.flatnonzero(near), near.shape[1])
    first, second = first + top, second + left
    below = first < second
    first, second = first[below], second[below]
    # The least distance first: hardly any of the pairs are left for a second look.
    straight = _distances(words[first], words[second])
    transposed = _distances(words[first], turned[second])
    close = np.minimum(straight.min(axis=0), transposed.min(axis=0)) <= _NEAR_ALL
    both = np.concatenate([straight[:, close], transposed[:, close]])
    return np.stack([first[close], second[close], both.argmin(axis=0)], axis=1)


def _turn(thumbnails: NDArray[np.uint8], orientations: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Turn each thumbnail: by 4 it is transposed, then by 2 mirrored, by 1 upended."""
    turned = np.empty_like(thumbnails)
    for orientation in np.unique(orientations):
        which = orientations == orientation
        part = thumbnails[which]
        part = part.transpose(0, 2, 1) if orientation & 4 else part
        part = part[:, :, ::-1] if orientation & 2 else part
        turned[which] = part[:, ::-1] if orientation & 1 else part
    return turned


def group_images(
    image_ids: Sequence[str],
    thumbnails: NDArray[np.uint8] | None = None,
    families: Sequence[Sequence[int]] = (),
) -> list[str]:
    """Return the `group_id` of every image: the smallest `image_id` of those it belongs with.

    Parameters
    ----------
    image_ids : sequence of str
        Equal for equal pixels.
    thumbnails : ndarray, optional
        ``(N, SIDE, SIDE)`` uint8; without them only equal pixels make a group.
    families : sequence of sequences of int
        Indices of images that belong together for another reason.
    """
    unique: dict[str, int] = {}
    parents = list(range(len(image_ids)))
    for index, name in enumerate(image_ids):
        _union(parents, unique.setdefault(name, index), index)
    for family in families:
        for index in family[1:]:
            _union(parents, family[0], index)
    if thumbnails is not None:
        # Equal images once: a thousand copies would make half a million pairs.
        chosen = np.fromiter(unique.values(), np.intp, len(unique))
        for pairs in near_duplicates(thumbnails[chosen]):
            for first, second in chosen[pairs].tolist():
                _union(parents, first, second)
    roots = [_find(parents, index) for index in range(len(parents))]
    smallest: dict[int, str] = {}
    for root, name in zip(roots, image_ids, strict=True):
        smallest[root] = min(smallest.get(root, name), name)
    return [smallest[root] for root in roots]


def _hashes(
    thumbnails: NDArray[np.uint8], pool: ThreadPoolExecutor
) -> tuple[NDArray[np.intp], NDArray[np.uint64], NDArray[np.uint64]]:
    """Return which images have structure, their hash, and that of the transposed image.

    A hash is four words ``(N, 4)``: the signs of the cosine terms whose row and column orders
    are even-even, even-odd, odd-even and odd-odd. A flip changes all signs of two words or none;
    the transposed image has the transposed terms. So all eight orientations come from one.
    """
    cosines = _cosines()[:_BITS]

    def batch(start: int) -> tuple[NDArray[np.intp], NDArray[np.uint64], NDArray[np.uint64]]:
        flat = _flatten(thumbnails[start : start + _BATCH])
        featured = np.abs(flat).mean(axis=(1, 2)) > _FEATURELESS
        terms = cosines @ flat[featured] @ cosines.T
        return start + np.flatnonzero(featured), _signs(terms), _signs(terms.transpose(0, 2, 1))

    parts = list(pool.map(batch, range(0, max(1, len(thumbnails)), _BATCH)))
    keep, words, turned = (np.concatenate(column) for column in zip(*parts, strict=True))
    return keep, words, turned


def _signs(terms: Flattened) -> NDArray[np.uint64]:
    words = []
    for row, column in product((0, 1), (0, 1)):
        bits = (terms[:, row::2, column::2] > 0).reshape(len(terms), _BITS * _BITS // 4)
        if row == column == 0:
            bits[:, 0] = False  # the mean
        words.append(np.packbits(bits, axis=1).view(np.uint64)[:, 0])
    return np.stack(words, axis=1)


def _distances(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int16]:
    """Return the bits that differ, ``(4, M)``: as it is, upended, mirrored, both."""
    counts = np.bitwise_count(a ^ b).astype(np.int16)
    even, columns, rows, both = np.ascontiguousarray(counts.T)
    distances = np.empty((4, len(a)), np.int16)
    distances[0] = even + columns + rows + both
    distances[1] = even + columns + (128 - rows - both)
    distances[2] = even + rows + (128 - columns - both)
    distances[3] = even + both + (128 - columns - rows)
    return distances


def _alike(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether thumbnails ``(M, SIDE, SIDE)`` show the same, pair by pair."""
    whole = (_unit(a.astype(np.float32)) * _unit(b.astype(np.float32))).sum(axis=(1, 2))
    blocks, strength = _blocks(_flatten(a))
    others, other_strength = _blocks(_flatten(b))
    # Blocks in which neither shows more than rounding have little to say.
    weight = np.maximum(strength, other_strength) ** 2
    weight = weight / (weight + _WEAK**2)
    local = ((blocks * others).sum(axis=(2, 4)) * weight).sum(axis=(1, 2))
    local /= np.maximum(weight.sum(axis=(1, 2)), 1e-6)
    alike: NDArray[np.bool_] = (local >= _ALIKE) & (whole >= _ALIKE_WHOLE)
    return alike


def _flatten(thumbnails: NDArray[np.uint8]) -> Flattened:
    """Return fine structure divided by its local strength, ``(N, SIDE, SIDE)`` float32."""
    blur = _blur(2.0)  # as a matrix product, which is fast
    levels = thumbnails.astype(np.float32)
    levels /= ROOT
    levels -= blur @ levels @ blur.T
    strength = np.sqrt(blur @ (levels * levels) @ blur.T)
    levels /= strength + np.float32(0.3)
    return levels


def _unit(images: Flattened) -> Flattened:
    centered = images - images.mean(axis=(1, 2), keepdims=True)
    norm = np.sqrt((centered * centered).sum(axis=(1, 2), keepdims=True))
    unit: Flattened = centered / np.maximum(norm, 1e-6)
    return unit


def _blocks(images: Flattened) -> tuple[Flattened, Flattened]:
    """Return blocks of mean 0 and norm 1, ``(N, rows, _BLOCK, columns, _BLOCK)``, and the norms."""
    count = SIDE // _BLOCK
    blocks = images.reshape(len(images), count, _BLOCK, count, _BLOCK)
    blocks = blocks - blocks.mean(axis=(2, 4), keepdims=True)
    norm = np.sqrt((blocks * blocks).sum(axis=(2, 4), keepdims=True))
    return blocks / np.maximum(norm, 1e-3), norm[:, :, 0, :, 0]


def _blur(sigma: float) -> Flattened:
    """Return the matrix of a Gaussian blur along one axis of a thumbnail, edges mirrored."""
    index = np.arange(-SIDE, 2 * SIDE)
    kernel = np.exp(-((index[None, :] - np.arange(SIDE)[:, None]) ** 2) / (2 * sigma**2))
    left, middle, right = np.split(kernel, 3, axis=1)
    matrix = middle + left[:, ::-1] + right[:, ::-1]
    blur: Flattened = (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
    return blur


def _cosines() -> Flattened:
    """Return the cosine transform (type II) of a thumbnail's axis: order by position."""
    order, position = np.arange(SIDE)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * order * (2 * position + 1) / (2 * SIDE)).astype(np.float32)


def _find(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _union(parents: list[int], first: int, second: int) -> None:
    a, b = _find(parents, first), _find(parents, second)
    # The lower index becomes the root, whatever the order of the pairs.
    parents[max(a, b)] = min(a, b)
