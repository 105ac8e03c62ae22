"""Work in several processes: complete, the same as in one, and its errors come back."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parhelion._helpers import Helpers, _Helper
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


def slow(tasks: list[tuple[str, float]]) -> list[int]:
    """Work that saves what it would lose when it is asked to end."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    for folder, seconds in tasks:
        Path(folder, "begun").touch()
        end = time.monotonic() + seconds
        while not asked and time.monotonic() < end:
            time.sleep(0.01)
        Path(folder, "saved").touch()
    return [len(asked)]


def _await(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.01)


def test_a_helper_may_save_what_it_would_lose(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="enough"), Helpers(slow, 1, chunk=1) as pool:
        results = pool.work_through(iter([(tmp_path, 300.0)]), (), here=False)
        threading.Thread(target=next, args=(results,), daemon=True).start()
        _await(tmp_path / "begun")
        raise ValueError("enough")
    assert (tmp_path / "saved").exists()


def test_helpers_end_when_the_caller_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_helpers import slow\n"
        "from parhelion._helpers import Helpers\n"
        "with Helpers(slow, 1, chunk=1) as pool:\n"
        "    print(pool._helpers[0]._process.pid, flush=True)\n"
        "    list(pool.work_through(iter([(sys.argv[1], 300.0)]), (), here=False))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        helper = int(caller.stdout.readline())
        _await(tmp_path / "begun")
        caller.kill()
    end = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < end:
            os.kill(helper, 0)
            time.sleep(0.05)
    assert not (tmp_path / "saved").exists()


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from parhelion._helpers import Helpers\n"
        "with Helpers(list, 2) as pool:\n"
        "    print(len(list(pool.work_through(iter(range(500)), ()))))\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("500\n", "")
