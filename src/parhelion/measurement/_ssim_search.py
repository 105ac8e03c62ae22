"""The most similar of many images by SSIM, over all pairs, streamed and in threads."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._progress import bar
from parhelion.errors import InputError
from parhelion.measurement._ssim_images import TURNS, Gray, to_gray, turned
from parhelion.measurement._ssim_pairs import Best, Plan, search
from parhelion.measurement._ssim_prepare import (
    WINDOW,
    Prepared,
    block_sizes,
    bytes_per_image,
    empty_prepared,
    prepare,
    strip_rows,
)

#: Memory of prepared images, in MiB, unless asked.
MEMORY = 1024
#: Images that one thread asks for at a time.
_TILE = 8


@dataclass(frozen=True)
class Neighbors:
    """The most similar references of each of N queries, best first, equals by index.

    Attributes
    ----------
    indices : ndarray
        ``(N, k)`` int64: position among the references; -1 where none is left.
    scores : ndarray
        ``(N, k)`` float64: SSIM in [-1, 1]; ``-inf`` where none is left.
    turns : ndarray
        ``(N, k)`` int64: how the query lies when it is most similar, an index into `TURNS`.
    compared : float
        Share of the work that pruning left to do.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    turns: NDArray[np.int64]
    compared: float


def most_similar(
    queries: NDArray[np.uint8],
    references: NDArray[np.uint8] | Callable[[int], Iterable[Gray]],
    k: int = 5,
    *,
    dihedral: bool = False,
    query_groups: NDArray[np.int64] | None = None,
    reference_groups: NDArray[np.int64] | None = None,
    count: int | None = None,
    prune: bool = True,
    memory: int = MEMORY,
    workers: int | None = None,
    what: str = "nearest images",
) -> Neighbors:
    """Find the `k` references that are most alike each query by SSIM, over all pairs.

    Parameters
    ----------
    queries : ndarray
        ``(N, H, W, C)`` uint8, C = 1 or 3, or gray ``(N, H, W)``.
    references : ndarray or callable
        The same for the references; or a function that, given how many at most, yields them
        from the first on in parts of that many, gray. It may be called several times.
    k : int
        How many to return; fewer where there are fewer references.
    dihedral : bool
        Also compare the queries, which must be square, under the eight turns and reflections
        of `TURNS`; the best of them counts.
    query_groups, reference_groups : ndarray, optional
        ``(N,)`` and ``(M,)`` int64: references of the query's own group are left out.
    count : int, optional
        How many references a function yields in all.
    prune : bool
        Drop pairs whose upper bound is below the best so far. The result is the same.
    memory : int
        MiB of prepared images to hold at once, besides the queries as they are given and a
        part of the references: half for queries, half for references. At least one of each.
    workers : int, optional
        Threads; the result does not depend on it.
    what : str
        Name of the progress bar.

    Raises
    ------
    InputError
        If a set is empty, or the images differ in size or are smaller than the window.
    """
    queries = to_gray(queries)
    if callable(references):
        stream, total = references, count or 0
    else:
        known = to_gray(references)
        stream, total = partial(_parts, known), len(known)
        _check_sizes(queries.shape[1:], known.shape[1:])
    _check(queries, total, dihedral)
    height, width = queries.shape[1:]
    k = min(k, total)
    turns = len(TURNS) if dihedral else 1
    plan = Plan(height, width, strip_rows(width), block_sizes(height, width), turns, prune)
    groups = np.arange(total) if reference_groups is None else reference_groups
    own = np.full(len(queries), -1) if query_groups is None else query_groups
    own, groups = own.astype(np.int64), groups.astype(np.int64)
    best = Best(
        np.full((len(queries), k), -1, np.int64),
        np.full((len(queries), k), -np.inf),
        np.zeros((len(queries), k), np.int64),
    )
    workers = workers or cores()
    room = max(1, memory * 2**19 // bytes_per_image(height, width))
    strips = 0
    with (
        ThreadPoolExecutor(workers) as pool,
        bar(total=len(queries) * total, what=what, unit="pairs") as progress,
    ):
        job = _Job(plan, own, groups, best, pool, workers)
        space = empty_prepared(min(room, total), height, width)
        for asked in _spans(len(queries), max(1, room // turns)):
            prepared = job.prepare_queries(queries[asked])
            start = 0
            for part in stream(min(room, total)):
                _check_sizes((height, width), part.shape[1:])
                strips += job.search(prepared, asked, part, start, space)
                start += len(part)
                progress.update((asked.stop - asked.start) * len(part))
            if start != total:
                raise ValueError(f"the references are {start}, not {total}")
    whole = len(queries) * turns * total * -(-(height - WINDOW + 1) // plan.rows)
    return Neighbors(best.indices, best.scores, best.turns, strips / whole)


@dataclass(frozen=True)
class _Job:
    """What the threads of one search share."""

    plan: Plan
    own: NDArray[np.int64]
    groups: NDArray[np.int64]
    best: Best
    pool: ThreadPoolExecutor
    workers: int

    def prepare_queries(self, queries: Gray) -> Prepared:
        """Return the queries, each in all its turns."""
        if self.plan.turns > 1:
            queries = np.stack([turned(queries, turn) for turn in range(self.plan.turns)], 1)
            queries = queries.reshape(-1, self.plan.height, self.plan.width)
        space = empty_prepared(len(queries), self.plan.height, self.plan.width)
        self._prepare(queries, space)
        return space

    def search(
        self, queries: Prepared, asked: slice, part: Gray, start: int, space: Prepared
    ) -> int:
        """Merge a part of the references, the first of which is number `start`."""
        self._prepare(part, space)
        turns, best = self.plan.turns, self.best

        def compare(own: slice) -> int:
            """Search for a few queries; each is one thread's alone."""
            whole = slice(asked.start + own.start, asked.start + own.stop)
            return search(
                self.plan,
                _rows(queries, slice(own.start * turns, own.stop * turns)),
                self.own[whole],
                space,
                self.groups[start : start + len(part)],
                start,
                Best(best.indices[whole], best.scores[whole], best.turns[whole]),
            )

        count = asked.stop - asked.start
        jobs = -(-count // max(1, _TILE // turns))
        jobs = min(count, -(-jobs // self.workers) * self.workers)
        return sum(self.pool.map(compare, _spans(count, -(-count // jobs))))

    def _prepare(self, images: Gray, space: Prepared) -> None:
        images = np.ascontiguousarray(images)

        def fill(at: slice) -> None:
            prepare(images[at], _rows(space, at))

        for _ in self.pool.map(fill, _spans(len(images), -(-len(images) // self.workers))):
            pass


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
        ``(N, H, W, C)`` uint8, C = 1 or 3; compared in gray, as Pillow's mode ``L``.
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
    if exclude_self and query_groups is None:
        query_groups = reference_groups = np.arange(len(queries))
    found = most_similar(
        queries,
        references,
        k,
        query_groups=query_groups,
        reference_groups=reference_groups,
        workers=workers,
    )
    return found.indices, found.scores


def _rows(prepared: Prepared, at: slice) -> Prepared:
    return Prepared(*(values[at] for values in prepared))


def _parts(images: Gray, size: int) -> Iterator[Gray]:
    for at in _spans(len(images), size):
        yield images[at]


def _spans(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _check(queries: Gray, references: int, dihedral: bool) -> None:
    if not len(queries) or not references:
        raise InputError(
            f"no nearest images among {len(queries)} queries and {references} references; "
            "give at least one of each"
        )
    height, width = queries.shape[1:]
    if min(height, width) < WINDOW:
        raise InputError(
            f"images of {(height, width)} pixels are smaller than the {WINDOW} x {WINDOW} "
            "windows of SSIM; use a larger --image-size"
        )
    if dihedral and height != width:
        raise InputError(
            f"images of {(height, width)} pixels cannot be compared in eight turns; "
            "make them square, or leave --dihedral out"
        )


def _check_sizes(queries: tuple[int, ...], references: tuple[int, ...]) -> None:
    if queries != references:
        raise InputError(
            f"images of {queries} and {references} pixels cannot be compared; "
            "resize them to one size"
        )
