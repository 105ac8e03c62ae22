"""Progress bars: count, rate and time left, on standard error, only where a person looks."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
_silent = False


def silence() -> None:
    """Show no bar in this process any more: it is one of many."""
    global _silent
    _silent = True


def progress(
    items: Iterable[T], *, total: int | None = None, what: str, unit: str = "images"
) -> Iterator[T]:
    """Yield `items`, with a bar named `what` when standard error is a terminal."""
    yield from bar(items, total=total, what=what, unit=unit)


def bar(
    items: Iterable[Any] | None = None,
    *,
    total: int | None = None,
    initial: int = 0,
    what: str,
    unit: str = "images",
    silent: bool = False,
) -> Any:
    """Return a tqdm bar that the caller moves with `update` (or iterates)."""
    from tqdm import tqdm

    return tqdm(
        items,
        total=total,
        initial=initial,
        desc=what,
        unit=f" {unit}",
        file=sys.stderr,
        disable=silent or _silent or not sys.stderr.isatty(),
        dynamic_ncols=True,
        smoothing=0.1,
        mininterval=0.25,
    )
