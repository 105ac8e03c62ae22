"""Work on many tasks in several processes.

The others are plain Python processes that speak pickle over pipes. `multiprocessing` would either
fork, which is unsafe beside other threads, or import the caller's main script again, which must
then be guarded; neither can be asked of somebody who calls one function.
"""

import contextlib
import itertools
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, Self

from parhelion._progress import silence
from parhelion.errors import ParhelionError

_CHUNK = 64
_PATIENCE_S = 20.0  # for a helper that was asked to end: it may have something to save
_WATCH_S = 0.5

Work = Callable[..., list[Any]]
# The first index of a chunk, and its tasks or their results.
_Chunk = tuple[int, list[Any]]
# None when a helper has nothing left to do; or what it died of.
_Done = _Chunk | BaseException | None


class Helpers:
    """Processes beside this one; a context manager, so that they end with the work.

    They take a while to start. Enter early, prepare the tasks, then call `work_through`.

    Parameters
    ----------
    work : function
        A function of a module, from a list of tasks (and the context) to the list of their
        results, all of which can be pickled.
    count : int
        How many; with 0 everything is done in this process.
    chunk : int
        Tasks that are handed over at a time.
    """

    def __init__(self, work: Work, count: int, *, chunk: int = _CHUNK) -> None:
        self._work = work
        self._chunk = chunk
        self._helpers = [_Helper(work) for _ in range(count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for helper in self._helpers:
            helper.ask_to_end()
        for helper in self._helpers:
            helper.stop()

    def work_through(
        self, tasks: Iterator[Any], context: tuple[Any, ...], *, here: bool = True
    ) -> Iterator[tuple[int, Any]]:
        """Yield the index and the result of every task, in the order they are done.

        Parameters
        ----------
        tasks : iterator
            Picklable; taken as they are needed, in any of this process's threads but never in
            two at once.
        context : tuple
            Further arguments, the same for all tasks.
        here : bool
            Let this process work too, besides handing out: results of others wait meanwhile.
        """
        chunks = _chunks(tasks, self._chunk)
        here = here or not self._helpers
        lock = threading.Lock()

        def take() -> _Chunk | None:
            with lock:
                return next(chunks, None)

        done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        for helper in self._helpers:
            helper.start(take, done, context)
        left = len(self._helpers)
        while (chunk := take() if here else None) or left:
            if chunk:
                yield from enumerate(self._work(chunk[1], *context), chunk[0])
            # With nothing left to do here, wait for the others.
            while left and not (chunk and done.empty()):
                item = done.get()
                if item is None:
                    left -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield from enumerate(item[1], item[0])


def _chunks(tasks: Iterator[Any], size: int) -> Iterator[_Chunk]:
    start = 0
    while chunk := list(itertools.islice(tasks, size)):
        yield start, chunk
        start += len(chunk)


class _Helper:
    """A helper process, and the thread that feeds it."""

    def __init__(self, work: Work) -> None:
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve;"
            f"serve({work.__module__!r}, {work.__qualname__!r}, {os.getpid()})"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the caller's to answer
        )
        self._thread: threading.Thread | None = None

    def start(
        self,
        take: Callable[[], _Chunk | None],
        done: "queue.SimpleQueue[_Done]",
        context: tuple[Any, ...],
    ) -> None:
        """Feed it what `take` gives; its results go to `done`."""
        self._thread = threading.Thread(target=self._drive, args=(take, done, context), daemon=True)
        self._thread.start()

    def ask_to_end(self) -> None:
        """Let the process save what it would lose, if its work knows how to, and end."""
        self._process.terminate()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # what answers to the signal then has no more to do

    def stop(self) -> None:
        """End the process, which was asked to, at once if it takes long."""
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if self._thread is not None:
            self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _drive(
        self,
        take: Callable[[], _Chunk | None],
        done: "queue.SimpleQueue[_Done]",
        context: tuple[Any, ...],
    ) -> None:
        try:
            self._send(context)
            while chunk := take():
                start, tasks = chunk
                self._send(tasks)
                done.put((start, self._receive()))
        except (BrokenPipeError, EOFError) as error:
            self._process.wait()
            code = self._process.returncode
            failure = ParhelionError(f"a helper process ended with code {code}; try --workers 1")
            failure.__cause__ = error
            done.put(failure)
        except BaseException as error:
            # Raised again where the results are waited for.
            done.put(error)
        else:
            done.put(None)

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


def serve(module: str, name: str, caller: int) -> None:
    """Be a helper: read the context, then lists of tasks, and write lists of results."""
    silence()
    threading.Thread(target=_end_with, args=(caller,), daemon=True).start()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Nothing that a library prints may get among the results.
    sys.stdout = sys.stderr
    work: Work = getattr(import_module(module), name)
    context = _next(source)
    while context is not None and (tasks := _next(source)) is not None:
        try:
            results: Any = work(tasks, *context)
        except Exception as error:
            results = error
        pickle.dump(results, sink, pickle.HIGHEST_PROTOCOL)
        sink.flush()


def _end_with(caller: int) -> None:
    """End this process soon after its caller has: it must not write where the next run will."""
    while os.getppid() == caller:
        time.sleep(_WATCH_S)
    os._exit(1)


def _next(source: BinaryIO) -> Any:
    """Return the next object; None when the caller has gone."""
    try:
        return pickle.load(source)
    except EOFError:
        return None
