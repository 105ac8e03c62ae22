"""Arrays on disk for what need not stay in memory, their space taken beforehand."""

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def scratch_array(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a new array in a file, uint8 zeros.

    Raises
    ------
    OSError
        If the disk has no room for all of it. Were the space not taken here, a write to the mapped
        memory that finds no room would kill the process.
    """
    if not hasattr(os, "posix_fallocate"):
        return np.memmap(path, np.uint8, "w+", shape=shape)
    with path.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, math.prod(shape))
        except OSError as error:
            error.filename = str(path)
            raise
    return np.memmap(path, np.uint8, "r+", shape=shape)
