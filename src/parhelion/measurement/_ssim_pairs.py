"""SSIM of pairs of prepared images, compiled: the most similar of many, with exact pruning.

A pair is compared strip by strip from the top. Before it begins, and after each strip, what is
left is bounded from above by the images' blocks; a pair that can no longer be among the best is
dropped, which changes no result. A pair's SSIM does not depend on what it is computed beside.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parhelion.measurement._jit import compiled
from parhelion.measurement._ssim_prepare import (
    BLOCK,
    C1,
    C2,
    FLOOR,
    ONE_49TH,
    WINDOW,
    Floats,
    Prepared,
)

#: References that are compared side by side: their strips stay in the second cache.
_GROUP = 4
#: What a computed SSIM may lie above its bound by rounding, and more.
_MARGIN = 5e-4
_U = np.uintp


class Plan(NamedTuple):
    """How a search goes, the same for all its parts.

    Attributes
    ----------
    height, width : int
        Of the images.
    rows : int
        Rows of windows in a strip, a multiple of `BLOCK`.
    sizes : ndarray
        ``(blocks,)`` float32: windows in each block.
    turns : int
        Images that stand for one query, one after the other: itself, turned and mirrored.
    prune : bool
        Whether to drop pairs that cannot be among the best.
    """

    height: int
    width: int
    rows: int
    sizes: Floats
    turns: int
    prune: bool


class Best(NamedTuple):
    """The k most similar references of each of Q queries so far, best first: ``(Q, k)``.

    Attributes
    ----------
    indices : ndarray
        int64, -1 where there is none yet.
    scores : ndarray
        float64 SSIM, ``-inf`` where there is none yet.
    turns : ndarray
        int64: which of its turned images the query is most similar in.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    turns: NDArray[np.int64]


@compiled
def search(
    plan: Plan,
    queries: Prepared,
    own: NDArray[np.int64],
    references: Prepared,
    groups: NDArray[np.int64],
    start: int,
    best: Best,
) -> int:
    """Merge the most similar of some references into the best so far, in place.

    Parameters
    ----------
    plan : Plan
        What holds for the whole search.
    queries : Prepared
        ``plan.turns`` images for each of Q queries.
    own : ndarray
        ``(Q,)`` int64: references of this group are left out.
    references : Prepared
        K or more images, of which the first K count.
    groups : ndarray
        ``(K,)`` int64: group of each reference.
    start : int
        Index of the first reference.
    best : Best
        What is merged into.

    Returns
    -------
    strips : int
        How many were compared.
    """
    windows = (plan.height - WINDOW + 1) * (plan.width - WINDOW + 1)
    across = (plan.width - WINDOW + BLOCK) // BLOCK
    rest = np.zeros(plan.sizes.size // across + 1, np.float64)
    waiting = np.empty((own.size, groups.size), np.bool_)
    limits = np.empty(groups.size, np.float64)
    strips = 0
    for o in range(own.size):
        for k in range(groups.size):
            waiting[o, k] = groups[k] != own[o]
        if not plan.prune:
            continue
        for k in range(groups.size):
            limits[k] = -np.inf
            if waiting[o, k]:
                for q in range(o * plan.turns, (o + 1) * plan.turns):
                    _bound(queries.blocks[q], references.blocks[k], plan.sizes, across, rest)
                    limits[k] = max(limits[k], rest[0] / windows)
        # The most promising first: a high score early lets more of the others be dropped.
        for k in np.argsort(-limits)[: best.scores.shape[1]]:
            if limits[k] + _MARGIN >= best.scores[o, -1]:
                strips += _compare(
                    plan, queries, o, o + 1, references, k, k + 1, waiting, start, best
                )
            waiting[o, k] = False
        for k in range(groups.size):
            waiting[o, k] &= limits[k] + _MARGIN >= best.scores[o, -1]
    for k in range(0, groups.size, _GROUP):
        end = min(k + _GROUP, groups.size)
        strips += _compare(plan, queries, 0, own.size, references, k, end, waiting, start, best)
    return strips


@compiled
def _compare(
    plan: Plan,
    queries: Prepared,
    first: int,
    last: int,
    references: Prepared,
    begin: int,
    end: int,
    waiting: NDArray[np.bool_],
    start: int,
    best: Best,
) -> int:
    """Compare queries `first` to `last` with references `begin` to `end`, where they wait."""
    turns = plan.turns
    stride = queries.x.shape[1] // (plan.height + 1)
    across = (plan.width - WINDOW + BLOCK) // BLOCK
    down = plan.height - WINDOW + 1
    windows = down * (plan.width - WINDOW + 1)
    shape = ((last - first) * turns, end - begin)
    alive = np.zeros(shape, np.bool_)
    value = np.zeros(shape, np.float64)
    rest = np.zeros((*shape, plan.sizes.size // across + 1), np.float64)
    carry = np.empty((*shape, stride), np.float32)
    sums = np.zeros(plan.rows * stride + 16, np.float32)
    living = 0
    for q in range(shape[0]):
        for k in range(shape[1]):
            if not waiting[first + q // turns, begin + k]:
                continue
            one, other = first * turns + q, begin + k
            if plan.prune:
                _bound(
                    queries.blocks[one], references.blocks[other], plan.sizes, across, rest[q, k]
                )
                if rest[q, k, 0] / windows + _MARGIN < best.scores[first + q // turns, -1]:
                    continue
            alive[q, k] = True
            living += 1
            _first_rows(queries.x[one], references.x[other], stride, carry[q, k])
    strips = 0
    for top in range(0, down, plan.rows):
        if living == 0:
            break
        rows = min(plan.rows, down - top)
        below = (top + rows + BLOCK - 1) // BLOCK
        for k in range(shape[1]):
            other = begin + k
            for q in range(shape[0]):
                if not alive[q, k]:
                    continue
                one = first * turns + q
                value[q, k] += _strip(
                    queries.x[one],
                    references.x[other],
                    queries.m[one],
                    references.m[other],
                    queries.v[one],
                    references.v[other],
                    queries.level[one],
                    references.level[other],
                    top,
                    rows,
                    stride,
                    carry[q, k],
                    sums,
                )
                strips += 1
                if plan.prune:
                    limit = (value[q, k] + rest[q, k, below]) / windows + _MARGIN
                    if limit < best.scores[first + q // turns, -1]:
                        alive[q, k] = False
                        living -= 1
    for k in range(shape[1]):
        for o in range(first, last):
            score, turn = -np.inf, 0
            for t in range(turns):
                q = (o - first) * turns + t
                if alive[q, k] and value[q, k] / windows > score:
                    score, turn = value[q, k] / windows, t
            if score > -np.inf:
                _insert(best, o, start + begin + k, score, turn)
    return strips


@compiled
def _insert(best: Best, o: int, index: int, score: float, turn: int) -> None:
    """Put a reference in its place among the best of query `o`; equals are in order of index."""
    place = best.scores.shape[1]
    while place > 0 and (
        score > best.scores[o, place - 1]
        or (score == best.scores[o, place - 1] and index < best.indices[o, place - 1])
    ):
        place -= 1
        if place + 1 < best.scores.shape[1]:
            best.indices[o, place + 1] = best.indices[o, place]
            best.scores[o, place + 1] = best.scores[o, place]
            best.turns[o, place + 1] = best.turns[o, place]
    if place < best.scores.shape[1]:
        best.indices[o, place], best.scores[o, place], best.turns[o, place] = index, score, turn


@compiled
def _bound(
    one: Floats, other: Floats, sizes: Floats, across: int, rest: NDArray[np.float64]
) -> None:
    """Bound the sum of SSIM over what lies below each row of blocks, from both images' blocks.

    SSIM is at most ``(1 - a) (1 - b)``, with ``a = (m - m')**2 / (m**2 + m'**2 + C1)`` of
    the local means and ``b`` alike of the deviations, C2 instead (covariance is at most their
    product). Over a block, ``a`` is at least what the intervals' gap says, and its mean at
    least what the means say (Jensen), each over the greatest denominator.

    Parameters
    ----------
    one, other : ndarray
        ``(6, blocks)`` float32, of `Prepared`.
    sizes : ndarray
        ``(blocks,)`` float32: windows per block.
    across : int
        Blocks in a row.
    rest : ndarray
        ``(rows of blocks + 1,)`` float64, filled: entry r bounds the sum over row r and all
        below it.
    """
    down = rest.size - 1
    rest[down] = 0.0
    count = _U(across)
    one_f, c1, c2, zero = np.float32(1), np.float32(C1), np.float32(C2), np.float32(0)
    for r in range(down):
        start = _U(down - 1 - r) * count
        total = np.float32(0)
        for i in range(count):
            b = start + i
            share = one_f / (one[2, b] * one[2, b] + other[2, b] * other[2, b] + c1)
            mean = one[0, b] - other[0, b]
            gap = max(zero, max(one[1, b] - other[2, b], other[1, b] - one[2, b]))
            light, least_light = mean * mean * share, gap * gap * share
            share = one_f / (one[5, b] * one[5, b] + other[5, b] * other[5, b] + c2)
            mean = one[3, b] - other[3, b]
            gap = max(zero, max(one[4, b] - other[5, b], other[4, b] - one[5, b]))
            spread, least_spread = mean * mean * share, gap * gap * share
            total += sizes[b] * min(
                (one_f - max(light, least_light)) * (one_f - least_spread),
                (one_f - least_light) * (one_f - max(spread, least_spread)),
            )
        rest[down - 1 - r] = rest[down - r] + np.float64(total)


@compiled
def _first_rows(x: Floats, y: Floats, stride: int, carry: Floats) -> None:
    """Sum the products of the first six rows, column by column, into `carry`."""
    width = _U(stride)
    for c in range(width):
        carry[c] = x[width + c] * y[width + c]
    for r in range(_U(2), _U(WINDOW)):
        row = r * width
        for c in range(width):
            carry[c] += x[row + c] * y[row + c]


@compiled
def _strip(
    x: Floats,
    y: Floats,
    m: Floats,
    n: Floats,
    v: Floats,
    u: Floats,
    level: np.float32,
    other: np.float32,
    top: int,
    rows: int,
    stride: int,
    carry: Floats,
    sums: Floats,
) -> float:
    """Return the sum of SSIM over some rows of windows of one pair.

    `carry` has the column sums of products for the row above, less its first row of pixels,
    and is moved on; `sums` is scratch space of ``rows * stride + 16``.
    """
    width = _U(stride)
    above, below = _U(top) * width, _U(top + WINDOW) * width
    for c in range(width):
        sums[c] = carry[c] + x[below + c] * y[below + c] - x[above + c] * y[above + c]
    for r in range(_U(1), _U(rows)):
        here = r * width
        before = here - width
        above += width
        below += width
        for c in range(width):
            sums[here + c] = (
                sums[before + c] + x[below + c] * y[below + c] - x[above + c] * y[above + c]
            )
    end = _U(rows - 1) * width
    for c in range(width):
        carry[c] = sums[end + c]
    start = _U(top) * width
    c1, floor, two = np.float32(C1), np.float32(FLOOR), np.float32(2)
    total = np.float32(0)
    for i in range(_U(rows) * width):
        seven = (
            (sums[i] + sums[i + _U(1)])
            + (sums[i + _U(2)] + sums[i + _U(3)])
            + (sums[i + _U(4)] + sums[i + _U(5)])
            + sums[i + _U(6)]
        )
        p, q = m[start + i], n[start + i]
        covariance = seven - p * (q * ONE_49TH) + floor
        bright, dim = p * ONE_49TH + level, q * ONE_49TH + other
        light = two * bright * dim + c1
        total += (
            light
            * covariance
            / ((bright * bright + dim * dim + c1) * (v[start + i] + u[start + i]))
        )
    return np.float64(total)
