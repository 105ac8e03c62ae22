"""Checkpoints of a run: whole or absent, the last two kept, everything with a `state_dict`."""

import logging
import pickle
from pathlib import Path
from typing import Any, Protocol

import torch

from parhelion._files import atomic_path
from parhelion.errors import ModelError

_log = logging.getLogger(__name__)
_KEEP = 2


class HasState(Protocol):
    """Anything that can give and take its state: networks, optimizers, averages."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Checkpoints:
    """The checkpoints of one run, named by the images seen.

    Parameters
    ----------
    folder : Path
        Where they lie, usually ``RUN/checkpoints``.
    **parts : HasState
        What is saved and restored, by name.
    """

    def __init__(self, folder: Path, **parts: HasState) -> None:
        self.folder = folder
        self.parts = parts

    def save(self, images: int, **values: Any) -> Path:
        """Write a checkpoint atomically, then drop all but it and the one before.

        Parameters
        ----------
        images : int
            Images seen so far.
        **values : Any
            Plain values to keep with it (numbers, strings, lists).
        """
        path = self.folder / f"{images:012d}.pt"
        state = {name: part.state_dict() for name, part in self.parts.items()}
        with atomic_path(path) as temporary:
            torch.save({"images": images, "values": values, "parts": state}, temporary)
        # One of more images could not be read, or this run would have begun from it.
        before = [other for other in self._paths() if other < path]
        kept = {path, *before[1 - _KEEP :]}
        for other in self._paths():
            if other not in kept:
                other.unlink()
        return path

    def restore(self) -> tuple[int, dict[str, Any]] | None:
        """Load the newest readable checkpoint into the parts.

        Returns
        -------
        images, values : int, dict
            What `save` was given; None when there is no checkpoint at all.

        Raises
        ------
        ModelError
            If there are checkpoints but none can be read.
        """
        paths = self._paths()
        for path in reversed(paths):
            try:
                state = torch.load(path, map_location="cpu", weights_only=True)
            except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
                _log.warning("%s cannot be read (%s); trying the one before", path, error)
                continue
            try:
                for name, part in self.parts.items():
                    part.load_state_dict(state["parts"][name])
            except (KeyError, RuntimeError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise ModelError(
                    f"checkpoint {path} is of another network ({reason}); "
                    "resume with the settings it was trained with, or train into a new folder"
                ) from error
            return int(state["images"]), dict(state["values"])
        if paths:
            raise ModelError(f"no checkpoint in {self.folder} can be read; train into a new folder")
        return None

    def exist(self) -> bool:
        """Whether there is any checkpoint."""
        return bool(self._paths())

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.pt"))
