"""Several processes that act as one: they stop at the same step, and one of them speaks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed

from parhelion.errors import ParhelionError, TrainingError


def agree(fabric: Any, losses: Mapping[str, Tensor], stop: bool) -> tuple[dict[str, Tensor], bool]:
    """Return the losses' means over all processes, and whether any of them wants to stop."""
    values = torch.stack([loss.detach().float() for loss in losses.values()])
    wish = torch.tensor([float(stop)], device=values.device)
    if fabric.world_size > 1:
        reduced = fabric.all_reduce(torch.cat([values, wish]), reduce_op="mean")
        values, wish = reduced[:-1], reduced[-1:]
    return dict(zip(losses, values, strict=True)), stop if fabric.world_size == 1 else bool(wish)


def speaks() -> bool:
    """Whether this process is the one that reports: the first of several, or the only one."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


@contextmanager
def together(processes: int, chief: bool) -> Iterator[None]:
    """Run the loop of one of several processes.

    What ends them all is reported by the first: the others leave without a word. Where a
    process is lost, the first says so and what to do.

    Raises
    ------
    TrainingError
        If another process ended without warning.
    """
    try:
        yield
    except (ParhelionError, KeyboardInterrupt):
        if chief:
            raise
        raise SystemExit(0) from None
    except RuntimeError as error:
        # What gloo and NCCL raise has no class of its own in all versions of torch.
        lost = ("gloo", "Connection", "NCCL", "Timed out", "peer")
        if processes == 1 or not any(word in str(error) for word in lost):
            raise
        if not chief:
            raise SystemExit(0) from None
        raise TrainingError(
            f"one of {processes} processes was lost ({str(error).splitlines()[0]}); go on from "
            "the last checkpoint with --resume"
        ) from error
