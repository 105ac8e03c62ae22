"""Images that arrive from top to bottom."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


def bands(
    strips: Iterable[NDArray[T]], height: int, *, total: int | None = None
) -> Iterator[NDArray[T]]:
    """Yield the rows of strips of any heights again, `height` at a time; the last may be fewer.

    Raises
    ------
    ValueError
        In the end, if the rows are not `total`, where that is given.
    """
    parts: list[NDArray[Any]] = []
    held = seen = 0
    for strip in strips:
        parts.append(strip)
        held, seen = held + len(strip), seen + len(strip)
        if held < height:
            continue
        rows = np.concatenate(parts) if len(parts) > 1 else strip
        whole = held // height * height
        for top in range(0, whole, height):
            yield rows[top : top + height]
        # A copy, so that the strip itself need not stay.
        parts, held = [rows[whole:].copy()], held - whole
    if held:
        yield np.concatenate(parts)
    if total is not None and seen != total:
        raise ValueError(f"strips have {seen} rows, not {total}")
