"""Keeping the decoders' own warnings quiet, also when several threads decode."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Where Pillow, tifffile and astropy issue a warning, or attribute one to.
_WHERE = r"(PIL|astropy|tifffile|parhelion\.catalog)\b"

_lock = threading.Lock()
_inside = 0
_saved: warnings.catch_warnings[None] | None = None

for _name in ("PIL", "tifffile"):
    # Without a handler of its own, a logger's warnings end up on standard error.
    logging.getLogger(_name).addHandler(logging.NullHandler())


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings about a file's contents while it is decoded.

    `warnings.catch_warnings` restores what it saw at entry, so that two threads that overlap
    would leave the wrong filters behind. Here the first to enter sets, the last to leave restores.
    """
    global _inside, _saved
    with _lock:
        _inside += 1
        if _inside == 1:
            _saved = warnings.catch_warnings()
            _saved.__enter__()
            warnings.filterwarnings("ignore", module=_WHERE)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _saved is not None:
                _saved.__exit__(None, None, None)
                _saved = None
