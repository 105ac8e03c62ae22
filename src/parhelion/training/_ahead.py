"""Work done ahead by threads, in order, and never far ahead: memory stays flat."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from parhelion._cores import cores

T = TypeVar("T")
R = TypeVar("R")


def map_ahead(
    function: Callable[[T], R], items: Iterable[T], *, workers: int | None, depth: int
) -> Generator[R, None, None]:
    """Yield ``function(item)`` for each item, in their order.

    Parameters
    ----------
    function : callable
        Called in a thread; what it raises is raised here, in its turn.
    items : iterable
        May be endless; at most `depth` are taken ahead of what has been yielded.
    workers : int or None
        Threads; one for each core when None.
    depth : int
        Results (finished or not) that may wait.
    """
    waiting: deque[Future[R]] = deque()
    source = iter(items)
    pool = ThreadPoolExecutor(workers or cores())
    try:
        waiting.extend(pool.submit(function, item) for item in islice(source, depth))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(source, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
