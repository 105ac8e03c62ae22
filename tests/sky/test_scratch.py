"""Arrays on disk."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from parhelion.sky._scratch import scratch_array


def test_space_is_taken_before_anything_is_written(tmp_path: Path):
    array = scratch_array(tmp_path / "a", (300, 200, 3))
    assert (array.shape, array.dtype) == ((300, 200, 3), np.uint8)
    assert not array.any()
    held = os.stat(tmp_path / "a")
    assert held.st_size == 180_000
    assert held.st_blocks * 512 >= 180_000
    array[7, 8, 2] = 9
    # The file is taken anew: nothing of an earlier array is in it.
    assert not scratch_array(tmp_path / "a", (300, 200, 3)).any()


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left on device") as caught:
        scratch_array(tmp_path / "a", (4, 4, 1))
    assert caught.value.filename == str(tmp_path / "a")
