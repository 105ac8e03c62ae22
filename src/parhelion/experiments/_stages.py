"""The stages of a long job: each is done once, and a run that was stopped goes on at the next."""

import json
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

from parhelion._cores import cores
from parhelion._files import write_json
from parhelion._settings import save_settings, settings_dict
from parhelion.catalog import Catalog
from parhelion.errors import InputError, StoppedError
from parhelion.training import fingerprint

_PROGRESS_FILE = "progress.json"

# What may differ between a job and its continuation: no figure depends on them.
_FREE = {"workers", "cache_mb"}

Figures = dict[str, Any]


def say(text: str) -> None:
    """Tell the person at the terminal, on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """Return what the stages run on, in words."""
    return f"{cores()} CPU cores, {platform.machine()}, {platform.system()}"


class Ended(NamedTuple):
    """What a stage that another process did has to tell."""

    name: str
    figures: Figures
    seconds: float
    peak_memory_mb: int
    """Most memory that the process held."""
    stopped_before: bool


class Stages:
    """Runs each stage once, and keeps its figures and costs in the job's folder.

    Parameters
    ----------
    out : Path
        The job's folder.
    verb : str
        What the job is, as the command line names it.
    settings : dataclass
        The job's settings; a folder is only gone on with under the same.
    facts : mapping
        What else must be the same: the data, say. It goes before settings of the same name.
    images : mapping of str to Catalog
        Images that must be the same, under the name of what gives them.
    free : set of str
        Settings that the job does not use.

    Raises
    ------
    InputError
        If `out` holds such a job with other settings or images.
    """

    def __init__(
        self,
        out: Path,
        verb: str,
        settings: Any,
        facts: Mapping[str, Any] | None = None,
        *,
        images: Mapping[str, Catalog] | None = None,
        free: Set[str] = frozenset(),
    ) -> None:
        self._path = out / _PROGRESS_FILE
        self._done: dict[str, Any] = {}
        self._stopped: str | None = None
        self._count = 0
        self._seconds = 0.0
        wanted = settings_dict(settings) | dict(facts or {})
        wanted = {name: value for name, value in wanted.items() if name not in free}
        self._images = {name: _told(catalog) for name, catalog in (images or {}).items()}
        if self._path.is_file():
            before = json.loads(self._path.read_text())
            differing = _differing(before["settings"], wanted)
            if differing:
                raise InputError(
                    f"{out} holds a {verb} with other settings ({differing}); give another --out"
                )
            known = before.get("images", {})
            others = [name for name, told in self._images.items() if known.get(name, told) != told]
            if others:
                raise InputError(
                    f"{out} holds a {verb} of other images than {', '.join(others)} has now; give "
                    "another --out"
                )
            self._done = before["stages"]
            parts = [stage["seconds"] for stage in self._done.values()]
            self._seconds = before.get("seconds", sum(parts))  # older versions kept the parts alone
            self._stopped = before.get("under_way")
        self._settings = wanted
        save_settings(out, verb, settings)

    def run(self, name: str, stage: Callable[[], Figures]) -> Figures:
        """Return the figures of a stage, from now or from before."""
        self._count += 1
        if name in self._done:
            say(f"{self._count}. {name}: done before")
        else:
            say(f"{self._count}. {name}")
            self._keep(under_way=name)
            began = time.monotonic()
            try:
                figures = stage()
            except StoppedError as error:  # which says --resume, as `train` has it
                raise StoppedError(
                    f"stopped while it was to {name}; nothing is lost: run the same command again"
                ) from error
            seconds = time.monotonic() - began
            self._seconds += seconds
            self._done[name] = {
                "seconds": round(seconds, 2),
                "peak_memory_mb": peak_memory_mb(),
                "figures": figures,
                # What it took before it was stopped is not known, and not in its seconds.
                "stopped_before": name == self._stopped,
            }
            self._keep()
        done: Figures = self._done[name]["figures"]
        return done

    def is_done(self, name: str) -> bool:
        """Tell whether a stage was done, now or before."""
        return name in self._done

    def collect(self, stages: Iterable[Ended], processes: int) -> None:
        """Keep the figures of stages that so many other processes do at once, as they end."""
        began = time.monotonic()
        for stage in stages:
            self._count += 1
            say(f"{self._count}. {stage.name}: {stage.seconds:.0f} s")
            self._done[stage.name] = {
                "seconds": round(stage.seconds, 2),
                "peak_memory_mb": peak_memory_mb(with_child=False)
                + processes * stage.peak_memory_mb,
                "figures": stage.figures,
                "stopped_before": stage.stopped_before,
            }
            now = time.monotonic()
            self._seconds, began = self._seconds + now - began, now
            self._keep()

    def _keep(self, under_way: str | None = None) -> None:
        kept = {
            "settings": self._settings,
            "images": self._images,
            "stages": self._done,
            "seconds": round(self._seconds, 2),
            "under_way": under_way,
        }
        write_json(self._path, kept)

    def costs(self) -> Mapping[str, Any]:
        """Return seconds and peak memory of all stages, and of each.

        The seconds of a stage that was stopped and gone on with, which `stopped_before` tells, are
        those since then. Those of all stages are fewer than the sum where several went on at once.
        """
        stages = {
            name: {key: value for key, value in stage.items() if key != "figures"}
            for name, stage in self._done.items()
        }
        return {
            "seconds": round(self._seconds, 1),
            "peak_memory_mb": max(stage["peak_memory_mb"] for stage in stages.values()),
            "stages": stages,
        }


def _told(catalog: Catalog) -> str:
    """Return what stands for a catalog's images, with their labels, groups and parts."""
    columns = (catalog.column(name) for name in ("image_id", "label", "group_id", "split"))
    return fingerprint(" ".join(map(str, row)) for row in zip(*columns, strict=True))


def _differing(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Say what differs between the settings of a job and those of its continuation."""
    return ", ".join(
        f"{name} is {before.get(name)} there and {wanted.get(name)} here"
        for name in sorted((before.keys() | wanted.keys()) - _FREE)
        if before.get(name) != wanted.get(name)
    )


def peak_memory_mb(*, with_child: bool = True) -> int:
    """Most memory held so far by this process, and its largest child that has ended, in MB."""
    kinds = (resource.RUSAGE_SELF, *([resource.RUSAGE_CHILDREN] if with_child else []))
    peak = sum(resource.getrusage(kind).ru_maxrss for kind in kinds)
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))
