"""Work in several processes: complete, the same as in one, and its errors come back."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parhelion.catalog._helpers import Helpers, _Helper
from parhelion.errors import ParhelionError


def numbers(count: int) -> Iterator[str]:
    yield from (f"folder/{index}.txt" for index in range(count))


@pytest.mark.parametrize("helpers", [0, 2])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_everything_is_done_once(helpers: int, count: int) -> None:
    with Helpers(stem_of, helpers) as pool:
        results = dict(pool.work_through(numbers(count), ()))
    assert results == {index: str(index) for index in range(count)}


def test_errors_of_a_helper_are_raised_here() -> None:
    with Helpers(os.stat, 1) as pool, pytest.raises(FileNotFoundError):
        list(pool.work_through(numbers(500), ()))


def test_a_helper_that_dies_is_noticed() -> None:
    chunks = iter([(0, [7])])
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    helper = _Helper(os._exit)
    helper.start(lambda: next(chunks, None), done, ())
    error = done.get(timeout=30)
    helper.stop()
    assert isinstance(error, ParhelionError)
    assert str(error) == "a helper process ended with code 7; try --workers 1"


def test_helpers_end_when_the_caller_stops_early() -> None:
    before = threading.active_count()
    with Helpers(stem_of, 1) as pool:
        next(pool.work_through(numbers(100_000), ()))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from parhelion.catalog._helpers import Helpers\n"
        "from parhelion.catalog._walk import stem_of\n"
        "with Helpers(stem_of, 2) as pool:\n"
        "    print(len(list(pool.work_through((str(i) for i in range(500)), ()))))\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("500\n", "")
