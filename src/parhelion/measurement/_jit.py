"""Compiling inner loops with numba, so that they run beside each other in threads."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])

#: Sums in any order and fused multiply-adds, which vectors need; infinities and NaN are kept.
_MATHS = {"contract", "reassoc", "nsz", "arcp"}


def compiled(function: F) -> F:
    """Compile `function` at its first call, without the interpreter's lock.

    The machine code is kept beside the module or, where that cannot be written, in the
    user's cache folder; where neither can, each process compiles anew. Indices that are to
    run at the speed of vectors must be unsigned: numba looks for negative ones otherwise.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": _MATHS, "error_model": "numpy"}
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError as error:  # raised by numba where no folder can be written
        logging.getLogger(__name__).info("%s: compiled code is not kept", error)
        return cast(F, numba.njit(**options)(function))
