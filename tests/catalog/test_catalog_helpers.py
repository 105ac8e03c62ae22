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


# Functions of modules, from a list to a list, as helpers need them: `sorted` turns each chunk of
# falling numbers round, `list` leaves it.
def falling(count: int) -> Iterator[int]:
    yield from range(count, 0, -1)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_everything_is_done_once(count: int) -> None:
    results = []
    for helpers in (0, 2):
        with Helpers(sorted, helpers) as pool:
            results.append(dict(pool.work_through(falling(count), ())))
    assert sorted(results[0].values()) == list(range(1, count + 1))
    assert results[0] == results[1]
    assert count < 2 or results[0][0] < results[0][1]


def test_errors_of_a_helper_are_raised_here() -> None:
    with Helpers(os.stat, 1) as pool, pytest.raises(TypeError):
        list(pool.work_through(falling(500), ()))


def test_a_helper_that_dies_is_noticed(capfd: pytest.CaptureFixture[str]) -> None:
    chunks = iter([(0, [7])])
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    helper = _Helper(sys.exit)
    helper.start(lambda: next(chunks, None), done, ())
    error = done.get(timeout=30)
    helper.stop()
    assert isinstance(error, ParhelionError)
    assert str(error) == "a helper process ended with code 1; try --workers 1"
    capfd.readouterr()


def test_helpers_end_when_the_caller_stops_early() -> None:
    before = threading.active_count()
    with Helpers(list, 1) as pool:
        next(pool.work_through(falling(100_000), ()))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from parhelion.catalog._helpers import Helpers\n"
        "with Helpers(list, 2) as pool:\n"
        "    print(len(list(pool.work_through(iter(range(500)), ()))))\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("500\n", "")
