"""Trainings of a job: on a CPU several at once, each in a process of its own."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from parhelion._cores import cores
from parhelion._helpers import Helpers
from parhelion.experiments._stages import Ended, Figures, Stages, peak_memory_mb
from parhelion.training import make_fabric, one_thread

T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")


class Teacher(Protocol[T_contra]):
    """Does trainings, in whichever process: it can be pickled."""

    def folder_of(self, training: T_contra) -> Path:
        """Return where a training keeps what it needs to be gone on with."""

    def train(self, training: T_contra) -> Figures:
        """Do a training, from where it was stopped."""


def at_once(device: str, workers: int | None) -> int:
    """Return how many trainings to do at once: one on a GPU, else as many as workers or cores."""
    if make_fabric(device).device.type != "cpu":
        return 1
    return workers or cores()


def part_of(settings: T, processes: int) -> T:
    """Return the settings of one of so many processes: one thread, and its part of the cache."""
    if processes == 1:
        return settings
    given: Any = settings
    parted: T = replace(given, workers=1, cache_mb=given.cache_mb // processes)
    return parted


def train_all(
    stages: Stages, trainings: Mapping[str, T], teacher: Teacher[T], processes: int
) -> None:
    """Do those of the trainings, each a stage, that are not done.

    Each has one thread of torch's, so that it gives the same bytes alone and beside others.

    Parameters
    ----------
    stages : Stages
        What has been done; it keeps the figures.
    trainings : mapping of str
        Each by the name of its stage. They and `teacher` can be pickled.
    teacher : Teacher
        Does them.
    processes : int
        How many at once; with 1 they are done in this process.
    """
    waiting = {name: one for name, one in trainings.items() if not stages.is_done(name)}
    processes = min(processes, len(waiting))
    for name, training in trainings.items():
        if processes <= 1 or name not in waiting:
            stages.run(name, partial(_train, teacher, training))
    if processes <= 1:
        return
    with Helpers(_train_some, processes, chunk=1) as helpers:
        ended = helpers.work_through(iter(waiting.items()), (teacher,), here=False)
        stages.collect((done for _, done in ended), processes)


def _train(teacher: Teacher[T], training: T) -> Figures:
    with one_thread():
        return teacher.train(training)


def _train_some(trainings: Sequence[tuple[str, Any]], teacher: Teacher[Any]) -> list[Ended]:
    return [_ended(name, training, teacher) for name, training in trainings]


def _ended(name: str, training: Any, teacher: Teacher[Any]) -> Ended:
    began = time.monotonic()
    stopped_before = (teacher.folder_of(training) / "checkpoints").is_dir()
    figures = _train(teacher, training)
    return Ended(name, figures, time.monotonic() - began, peak_memory_mb(), stopped_before)
