"""Keeping the decoders' own warnings and limits out of the way, in any number of threads."""

import logging
import threading
import warnings

from PIL import Image

# Where Pillow, tifffile and astropy issue a warning, or attribute one to.
_WHERE = r"(PIL|astropy|tifffile|parhelion\.catalog)\b"

_lock = threading.Lock()
_inside = 0
_saved: "tuple[warnings.catch_warnings[None], int | None] | None" = None

for _name in ("PIL", "tifffile"):
    # Without a handler of its own, a logger's warnings end up on standard error.
    logging.getLogger(_name).addHandler(logging.NullHandler())


class quiet:
    """Ignore warnings about a file's contents while it is decoded, and Pillow's pixel limit.

    Sizes are checked against the limit of the settings before, which may be above Pillow's.
    Both are states of the process: two threads that overlap would leave wrong ones behind if
    each restored what it saw at entry. Here the first to enter sets, the last to leave restores.
    """

    def __enter__(self) -> None:
        global _inside, _saved
        with _lock:
            _inside += 1
            if _inside == 1:
                filters = warnings.catch_warnings()
                filters.__enter__()
                warnings.filterwarnings("ignore", module=_WHERE)
                _saved = filters, Image.MAX_IMAGE_PIXELS
                Image.MAX_IMAGE_PIXELS = None

    def __exit__(self, *error: object) -> None:
        global _inside, _saved
        with _lock:
            _inside -= 1
            if _inside == 0 and _saved is not None:
                filters, Image.MAX_IMAGE_PIXELS = _saved
                filters.__exit__(None, None, None)
                _saved = None
