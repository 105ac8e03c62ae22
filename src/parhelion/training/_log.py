"""A run's log: one JSON object per line, and TensorBoard beside it."""

import json
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from parhelion._files import write_text

LOG_FILE = "log.jsonl"


class RunLog:
    """Scalars and pictures of a run, by images seen.

    Parameters
    ----------
    folder : Path
        The run's folder; ``log.jsonl`` and ``tensorboard/`` are written in it.
    images : int
        Where the run resumes: what was logged after that point is dropped, so that the log
        of a resumed run reads like that of an undisturbed one.
    silent : bool
        Write nothing: for all but the first of several processes.
    """

    def __init__(self, folder: Path, images: int = 0, *, silent: bool = False) -> None:
        self._file: TextIO | None = None
        self._board: Any = None
        if silent:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LOG_FILE
        kept = [line for line in read_log(folder) if line["images"] <= images]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=images + 1)

    def scalars(self, images: int, **values: float) -> None:
        """Log numbers at `images` seen."""
        if self._file is None:
            return
        self._file.write(json.dumps({"images": images, **values}) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, images)

    def picture(self, images: int, name: str, pixels: NDArray[np.uint8]) -> None:
        """Log an ``(H, W, C)`` uint8 picture to TensorBoard."""
        if self._board is not None:
            self._board.add_image(name, pixels, images, dataformats="HWC")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._board.close()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the scalars of a run, oldest first; a line cut off by a kill is passed over."""
    path = folder / LOG_FILE
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return lines
