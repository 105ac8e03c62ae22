"""Pictures beside the figures: samples of each set, made images above their nearest real ones."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.provenance import write_image
from parhelion.training import grid

#: Images of a set that are shown, and in a row.
SHOWN, COLUMNS = 64, 8
#: Pairs that are shown, and in a row.
PAIRS, PAIR_COLUMNS = 24, 12

Pixels = NDArray[np.uint8]


def write_real_samples(out: Path, images: Pixels) -> None:
    """Write ``real.png``: the first images ``(N, S, S, 3)`` uint8 of the draw."""
    write_image(out / "real.png", grid(images[:SHOWN], COLUMNS), recipe={}, made=False)


def write_made_samples(
    out: Path,
    number: int,
    made: Pixels,
    rows: NDArray[np.int64],
    real: Pixels,
    found: dict[str, Any],
) -> None:
    """Write ``made-N.png`` and ``nearest-N.png``, marked as made.

    Parameters
    ----------
    out : Path
        Folder of the figures.
    number : int
        Which made set it is, from 0; the files count from 1.
    made : ndarray
        ``(M, S, S, 3)`` uint8, all made images.
    rows : ndarray
        ``(n,)`` int64: which of them were drawn.
    real : ndarray
        ``(N, S, S, 3)`` uint8, all real images.
    found : dict
        What `Nearest.search` returned.
    """
    recipe = {"operation": "contact sheet of measured images"}
    sheet = grid(made[rows[:SHOWN]], COLUMNS)
    write_image(out / f"made-{number + 1}.png", sheet, recipe=recipe, made=True)
    pairs = found["pairs"][:PAIRS]
    if not pairs:
        return
    tiles = [
        np.concatenate([made[pair["generated_row"]], real[pair["real_row"]]]) for pair in pairs
    ]
    recipe = {"operation": "made images above their nearest real ones"}
    sheet = grid(np.stack(tiles), min(PAIR_COLUMNS, len(tiles)), gap=4)
    write_image(out / f"nearest-{number + 1}.png", sheet, recipe=recipe, made=True)
