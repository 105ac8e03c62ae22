"""What every loop needs besides its losses: a clean stop on Ctrl-C, and a stop at NaN."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from parhelion.errors import NonFiniteLossError, StoppedError, TrainingError


class Interrupt:
    """While active, Ctrl-C and SIGTERM set `requested` instead of ending the process.

    The loop looks at `requested` between steps, saves, and stops. A second Ctrl-C ends the
    process at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere its owner handles Ctrl-C.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def check_finite(images: int, **losses: Tensor) -> dict[str, float]:
    """Return the losses as numbers.

    Raises
    ------
    NonFiniteLossError
        If one is infinite or NaN; the message names it and the image count.
    """
    stacked = torch.stack([loss.detach() for loss in losses.values()])
    values = dict(zip(losses, stacked.tolist(), strict=True))
    for name, value in values.items():
        if not -float("inf") < value < float("inf"):
            raise NonFiniteLossError(
                f"{name} became {value} after {images} images; the last good checkpoint is kept: "
                "lower --learning-rate, or use --precision fp32, and --resume"
            )
    return values


def check_weights(images: int, *models: nn.Module) -> None:
    """Raise unless every weight and buffer is a finite number: a checkpoint must not hold others.

    Raises
    ------
    TrainingError
        The message names the image count.
    """
    for model in models:
        tensors = [t for t in model.state_dict().values() if t.is_floating_point()]
        if not torch.stack([t.isfinite().all() for t in tensors]).all():
            raise TrainingError(
                f"a weight is not finite after {images} images; the last good checkpoint is kept: "
                "lower --learning-rate and --resume"
            )


def stopped(done: int, wanted: int, what: str = "images") -> StoppedError:
    """Return the error that ends a training which was interrupted, and kept."""
    return StoppedError(
        f"stopped after {done} of {wanted} {what}; nothing is lost: "
        "run the same command with --resume"
    )


def due(images: int, batch: int, every: int) -> bool:
    """Whether a multiple of `every` was passed in the step of `batch` that ended at `images`."""
    return images // every > (images - batch) // every
