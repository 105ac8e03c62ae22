"""What the search for copies writes: a table of neighbors, a figure, the images that are left."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion._files import atomic_path
from parhelion.catalog import Catalog, decode, resize, write_catalog
from parhelion.measurement._memorisation_figure import Line, draw_figure
from parhelion.measurement._ssim_images import TURNS, turned
from parhelion.measurement._ssim_search import Neighbors
from parhelion.provenance import write_image

#: Real images in a row of the figure, at most.
_MOST_COLUMNS = 12


def neighbors_of(found: Neighbors, i: int, count: int) -> Iterator[tuple[int, float, int]]:
    """Yield row, SSIM and turn of up to `count` nearest images of query `i`."""
    for j, score, turn in zip(
        found.indices[i, :count], found.scores[i, :count], found.turns[i, :count], strict=True
    ):
        if j >= 0:
            yield int(j), float(score), int(turn)


def write_neighbors(
    path: Path,
    real: Catalog,
    generated: Catalog,
    found: Neighbors,
    count: int,
    verdicts: dict[str, NDArray[np.bool_]],
) -> None:
    """Write a row per made image and neighbor as Parquet, each with the image's verdicts."""
    paths, real_paths = generated.column("path"), real.column("path")
    rows = [
        {
            "generated": paths[i],
            "rank": rank,
            "real": real_paths[j],
            "ssim": score,
            "turn": TURNS[turn],
            **{name: bool(values[i]) for name, values in verdicts.items()},
        }
        for i in range(len(paths))
        for rank, (j, score, turn) in enumerate(neighbors_of(found, i, count), 1)
    ]
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary)


def write_figure(
    path: Path,
    real: Catalog,
    generated: Catalog,
    found: Neighbors,
    count: int,
    size: int,
    chosen: Sequence[int],
    flagged: NDArray[np.bool_],
) -> None:
    """Draw chosen made images, each with its neighbors, as in Fig. 5 of the GAN-Universe paper."""
    count = min(count, len(real), _MOST_COLUMNS)
    files, real_files = generated.files(), real.files()
    side = min(128, max(64, size))  # so that rows can be seen, and fit a page
    lines = []
    for i in chosen:
        near = list(neighbors_of(found, i, count))
        # The made image is what was turned to be compared; it is shown as it is.
        seen = [_turned_back(_load(real_files[j], side), turn) for j, _, turn in near]
        lines.append(
            Line(_load(files[i], side), seen, [score for _, score, _ in near], bool(flagged[i]))
        )
    recipe = {
        "operation": "measure memorisation",
        "generated": [generated.column("path")[i] for i in chosen],
    }
    write_image(path, draw_figure(lines, count, side), recipe=recipe, made=True)


def keep_others(generated: Catalog, dropped: NDArray[np.bool_], out: Path) -> int:
    """Write a catalog without some images; files are copied with their marks."""
    table = generated.table.filter(pa.array(~dropped))
    for path in table.column("path").to_pylist():
        with atomic_path(out / path) as temporary:
            shutil.copyfile(generated.root / path, temporary)
    return len(write_catalog(out, table, rejected=[]))


def _load(file: Path, side: int) -> NDArray[np.uint8]:
    return resize(decode(file)[0].pixels, side)


def _turned_back(image: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Undo a turn of an ``(S, S, 3)`` image; a mirrored one undoes itself."""
    inverse = turn if turn >= 4 else -turn % 4
    return np.ascontiguousarray(turned(image.transpose(2, 0, 1), inverse).transpose(1, 2, 0))
