"""Work on many small tasks in several processes, of which this one is the first.

The others are plain Python processes that speak pickle over pipes. `multiprocessing` would either
fork, which is unsafe beside other threads, or import the caller's main script again, which must
then be guarded; neither can be asked of somebody who calls one function.
"""

import itertools
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from typing import Any, BinaryIO

from parhelion.errors import ParhelionError

_CHUNK = 64

Work = Callable[..., Any]
# The first index of a chunk and its results; None when a helper has ended; or what it died of.
_Done = tuple[int, list[Any]] | BaseException | None


def work_through(
    tasks: Iterator[Any], work: Work, context: tuple[Any, ...], helpers: int
) -> Generator[tuple[int, Any], None, None]:
    """Yield ``(index, work(task, *context))`` of every task, in the order they are done.

    Parameters
    ----------
    tasks : iterator
        Picklable; taken as they are needed, in any of this process's threads but never in two
        at once.
    work : function
        A function of a module, whose result can be pickled.
    context : tuple
        Further arguments, the same for all tasks.
    helpers : int
        Processes beside this one; 0 does everything here.
    """
    chunks = _chunks(tasks)
    lock = threading.Lock()

    def take() -> tuple[int, list[Any]] | None:
        with lock:
            return next(chunks, None)

    done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
    drivers = [_Driver(take, done, work, context) for _ in range(helpers)]
    left = len(drivers)
    try:
        while (chunk := take()) or left:
            if chunk:
                yield from enumerate([work(task, *context) for task in chunk[1]], chunk[0])
            # With nothing left to do here, wait for the others.
            while left and not (chunk and done.empty()):
                item = done.get()
                if item is None:
                    left -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield from enumerate(item[1], item[0])
    finally:
        for driver in drivers:
            driver.stop()


def _chunks(tasks: Iterator[Any]) -> Iterator[tuple[int, list[Any]]]:
    start = 0
    while chunk := list(itertools.islice(tasks, _CHUNK)):
        yield start, chunk
        start += len(chunk)


class _Driver:
    """A helper process, and the thread that feeds it."""

    def __init__(
        self,
        take: Callable[[], tuple[int, list[Any]] | None],
        done: "queue.SimpleQueue[_Done]",
        work: Work,
        context: tuple[Any, ...],
    ) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._take, self._done = take, done
        self._job = (work.__module__, work.__qualname__, context)
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the process, at once if it is still at work."""
        self._process.kill()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _drive(self) -> None:
        try:
            self._send(self._job)
            while chunk := self._take():
                start, tasks = chunk
                self._send(tasks)
                self._done.put((start, self._receive()))
        except (BrokenPipeError, EOFError) as error:
            self._process.wait()
            code = self._process.returncode
            failure = ParhelionError(f"a helper process ended with code {code}; try --workers 1")
            failure.__cause__ = error
            self._done.put(failure)
        except BaseException as error:
            # Raised again where the results are waited for.
            self._done.put(error)
        else:
            self._done.put(None)

    def _send(self, value: Any) -> None:
        assert self._process.stdin is not None  # it was opened with pipes
        pickle.dump(value, self._process.stdin, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()

    def _receive(self) -> list[Any]:
        assert self._process.stdout is not None
        results = pickle.load(self._process.stdout)
        if isinstance(results, BaseException):
            raise results
        return list(results)


def serve() -> None:
    """Be a helper: read a job, then lists of tasks, and write lists of results."""
    # Ctrl-C is the caller's to answer; this process ends with its pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Nothing that a library prints may get among the results.
    sys.stdout = sys.stderr
    module, name, context = pickle.load(source)
    work: Work = getattr(import_module(module), name)
    while (tasks := _next(source)) is not None:
        try:
            results: Any = [work(task, *context) for task in tasks]
        except Exception as error:
            results = error
        pickle.dump(results, sink, pickle.HIGHEST_PROTOCOL)
        sink.flush()


def _next(source: BinaryIO) -> list[Any] | None:
    try:
        tasks: list[Any] = pickle.load(source)
    except EOFError:
        return None
    return tasks
