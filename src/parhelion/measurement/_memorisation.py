"""Memorisation: the nearest real image of every made one, by structural similarity (SSIM).

SSIM (Wang et al. 2004, eq. 13) as `skimage.metrics.structural_similarity` defines it by
default for a data range of 255: means, variances and covariance in 7 x 7 uniform windows,
sample covariance, K1 = 0.01, K2 = 0.03, averaged over the windows that lie inside the image.
Images are compared in gray: ITU-R 601 luma, not rounded.

Of each pair only the covariance is new. All else is computed once per image, and scaled so
that SSIM = (u u' + C1) (2 cov + C2) / ((a + a') (v + v')) with ``2 cov = box(x x') - m m'``.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion.errors import InputError

T = TypeVar("T", np.float32, np.float64)

WINDOW = 7

_PIXELS = WINDOW**2
_SAMPLE = _PIXELS / (_PIXELS - 1)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_LUMA = np.array([0.299, 0.587, 0.114])
#: Pixels compared in one go: they and their scratch space fit a processor's own cache.
_BLOCK_PIXELS = 1 << 16
#: Queries that one thread takes at a time.
_TILE = 16
#: Pixels of prepared references held at once: 5 float32 each, so 320 MB.
_CHUNK_PIXELS = 1 << 24


@dataclass(frozen=True)
class _Prepared:
    """What SSIM needs of each image, flat: ``(N, H * W)`` or, per window, ``(N, windows)``."""

    x: NDArray[np.float32]
    m: NDArray[np.float32]
    u: NDArray[np.float32]
    a: NDArray[np.float32]
    v: NDArray[np.float32]


def gray(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ITU-R 601 luma ``(N, H, W)`` float64 in [0, 255] of ``(N, H, W, 1 or 3)`` uint8."""
    if images.shape[-1] == 1:
        return images[..., 0].astype(np.float64)
    luma: NDArray[np.float64] = images @ _LUMA
    return luma


def nearest_by_ssim(
    queries: NDArray[np.uint8],
    references: NDArray[np.uint8],
    k: int = 5,
    *,
    exclude_self: bool = False,
    query_groups: NDArray[np.int64] | None = None,
    reference_groups: NDArray[np.int64] | None = None,
    workers: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the `k` references that are most alike each query, over all pairs.

    Parameters
    ----------
    queries : ndarray
        ``(N, H, W, C)`` uint8, C = 1 or 3.
    references : ndarray
        ``(M, H, W, C)`` uint8, of the same height and width, at least 7 pixels.
    k : int
        How many to return; fewer where there are fewer references.
    exclude_self : bool
        The two sets are the same: no image is its own neighbor.
    query_groups, reference_groups : ndarray, optional
        ``(N,)`` and ``(M,)`` int64: references of the query's own group are left out.
    workers : int, optional
        Threads; the result does not depend on it.

    Returns
    -------
    indices : ndarray
        ``(N, k)`` int64, best first, equals by index; -1 where no reference is left.
    scores : ndarray
        ``(N, k)`` float64 SSIM in [-1, 1], ``-inf`` where no reference is left; within 1e-4
        of scikit-image's.

    Raises
    ------
    InputError
        If a set is empty, or the images differ in size or are smaller than the window.
    """
    _check(queries, references)
    if exclude_self and query_groups is None:
        query_groups = reference_groups = np.arange(len(queries))
    count, k = len(queries), min(k, len(references))
    indices = np.full((count, k), -1, np.int64)
    scores = np.full((count, k), -np.inf)
    workers = workers or os.cpu_count() or 1
    tile = min(_TILE, -(-count // workers))
    shape = queries.shape[1:3]

    def search(start: int, at: slice, prepared: _Prepared) -> int:
        """Compare a few queries with prepared references; each query is one thread's alone."""
        asked = _prepare(gray(queries[start : start + tile]))
        values = _all_pairs(asked, prepared, shape)
        for query, row in enumerate(values, start):
            if query_groups is not None and reference_groups is not None:
                row[reference_groups[at] == query_groups[query]] = -np.inf
            _keep_best(indices[query], scores[query], row, at.start)
        return values.size

    with (
        ThreadPoolExecutor(workers) as pool,
        bar(total=count * len(references), what="nearest images", unit="pairs") as progress,
    ):
        for at in _chunks(len(references), shape):
            job = partial(search, at=at, prepared=_prepare(gray(references[at])))
            for done in pool.map(job, range(0, count, tile)):
                progress.update(done)
    return indices, scores


def _check(queries: NDArray[np.uint8], references: NDArray[np.uint8]) -> None:
    if not len(queries) or not len(references):
        raise InputError(
            f"no nearest images among {len(queries)} queries and {len(references)} references; "
            "give at least one of each"
        )
    if queries.shape[1:3] != references.shape[1:3]:
        raise InputError(
            f"images of {queries.shape[1:3]} and {references.shape[1:3]} pixels cannot be "
            "compared; resize them to one size"
        )
    if min(queries.shape[1:3]) < WINDOW:
        raise InputError(
            f"images of {queries.shape[1:3]} pixels are smaller than the {WINDOW} x {WINDOW} "
            "windows of SSIM; use a larger --image-size"
        )


def _chunks(count: int, shape: tuple[int, ...]) -> Iterator[slice]:
    size = max(1, _CHUNK_PIXELS // (shape[0] * shape[1]))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _keep_best(
    indices: NDArray[np.int64], scores: NDArray[np.float64], values: NDArray[np.float64], start: int
) -> None:
    """Merge new `values`, of references from `start` on, into the best so far, in place."""
    everything = np.concatenate([scores, values])
    names = np.concatenate([indices, np.arange(start, start + len(values))])
    names[np.isneginf(everything)] = -1
    best = np.argsort(-everything, kind="stable")[: len(scores)]
    indices[:], scores[:] = names[best], everything[best]


def _prepare(images: NDArray[np.float64]) -> _Prepared:
    """Compute, in float64, what SSIM needs of each of ``(N, H, W)`` images."""
    count, height, width = images.shape
    flat = images.reshape(count, -1)
    # Covariance does not see a constant; without it float32 keeps the digits that matter.
    level = flat.mean(1, keepdims=True)
    x = flat - level
    mean = _box(x, height, width) / _PIXELS
    square = _box(x * x, height, width) / _PIXELS
    variance = _SAMPLE * (square - mean**2)
    brightness = mean + level
    return _Prepared(
        x=(x * np.sqrt(2 * _SAMPLE / _PIXELS)).astype(np.float32),
        m=(mean * np.sqrt(2 * _SAMPLE)).astype(np.float32),
        u=(brightness * np.sqrt(2)).astype(np.float32),
        a=(brightness**2 + _C1 / 2).astype(np.float32),
        v=(variance + _C2 / 2).astype(np.float32),
    )


def _all_pairs(
    queries: _Prepared, references: _Prepared, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the SSIM of every query with every reference: ``(N, M)`` float64.

    A block of references stays in the processor's cache while all queries pass over it.
    """
    height, width = shape
    block = max(1, _BLOCK_PIXELS // (height * width))
    scratch = np.empty((3, block, height * width), np.float32)
    scores = np.empty((len(queries.x), len(references.x)))
    for start in range(0, len(references.x), block):
        at = slice(start, start + block)
        for row in range(len(queries.x)):
            scores[row, at] = _ssim(queries, row, references, at, shape, scratch)
    return scores


def _ssim(
    queries: _Prepared,
    row: int,
    references: _Prepared,
    at: slice,
    shape: tuple[int, ...],
    scratch: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the SSIM of one query with a block of references; memory is reused throughout."""
    height, width = shape
    product, one, two = scratch[:, : len(references.x[at])]
    np.multiply(queries.x[row], references.x[at], out=product)
    ratio = _box(product, height, width, (one, two, product))  # 2 E[x x'], lies in `product`
    windows = ratio.shape[1]
    term, other = one[:, :windows], two[:, :windows]
    ratio -= np.multiply(queries.m[row], references.m[at], out=term)
    ratio += np.float32(_C2)
    np.multiply(queries.u[row], references.u[at], out=term)
    term += np.float32(_C1)
    ratio *= term
    np.add(queries.a[row], references.a[at], out=term)
    term *= np.add(queries.v[row], references.v[at], out=other)
    ratio /= term
    means: NDArray[np.float32] = np.einsum("nw,w->n", ratio, _share(height, width))
    return means


@cache
def _share(height: int, width: int) -> NDArray[np.float32]:
    """Weight of each window in the mean: none for those that run over the end of a row."""
    rows, columns = height - WINDOW + 1, width - WINDOW + 1
    share = np.zeros((rows, width), np.float32)
    share[:, :columns] = 1 / (rows * columns)
    return share.ravel()[: rows * width - WINDOW + 1]


def _box(
    x: NDArray[T],
    height: int,
    width: int,
    out: tuple[NDArray[T], NDArray[T], NDArray[T]] | None = None,
) -> NDArray[T]:
    """Sum over 7 x 7 windows of flat images ``(N, H * W)``: ``(N, (H - 6) * W - 6)``.

    Rows stay `width` long, so that each sum runs over whole images at once; the last 6 of
    each row mix two rows and are to be ignored. `out` may end with `x` itself, which is
    overwritten. Seven terms are added as 4 + 2 + 1.
    """
    one, two, three = out or (np.empty_like(x), np.empty_like(x), np.empty_like(x))
    tall = _sum_seven(x, width, (height - WINDOW + 1) * width, one, two)
    return _sum_seven(tall, 1, tall.shape[1] - WINDOW + 1, one, three)


def _sum_seven(
    x: NDArray[T], step: int, length: int, scratch: NDArray[T], out: NDArray[T]
) -> NDArray[T]:
    """Return ``x[i] + x[i + step] + ... + x[i + 6 step]`` for the first `length` i, in `out`."""
    last = length + 5 * step
    pairs = np.add(x[:, :last], x[:, step : last + step], out=scratch[:, :last])
    total = np.add(pairs[:, :length], pairs[:, 2 * step : length + 2 * step], out=out[:, :length])
    total += pairs[:, 4 * step : length + 4 * step]
    total += x[:, 6 * step : length + 6 * step]
    return total
