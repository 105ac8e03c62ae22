"""Turning and mirroring without loss."""

import numpy as np
import torch
from numpy.typing import NDArray


def draw_turns(count: int, numbers: torch.Generator, *, dihedral: bool) -> list[int]:
    """Return one of eight ways to turn and mirror for each image; 0 leaves it as it is."""
    if not dihedral:
        return [0] * count
    drawn: list[int] = torch.randint(8, (count,), generator=numbers).tolist()
    return drawn


def turned(pixels: NDArray[np.uint8], ways: list[int]) -> NDArray[np.uint8]:
    """Turn each image by right angles, and mirror it first if its way is 4 or more."""
    return np.stack(
        [
            np.rot90(image[:, ::-1] if way >= 4 else image, way % 4)
            for image, way in zip(pixels, ways, strict=True)
        ]
    )
