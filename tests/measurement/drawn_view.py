"""Wide views that tests draw: Gaussians on a gray sky."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parhelion.provenance import write_image

PLACES = [(40.3, 50.6), (130.0, 60.0), (200.5, 200.5), (319.0, 255.0), (350.0, 100.0)]


def write_view(
    folder: Path,
    painted: list[tuple[float, float]],
    truth: list[tuple[float, float]],
    kinds: list[str] | None = None,
) -> Path:
    """A gray sky with Gaussians (sigma 3, peak 120) where `painted`; `truth` may say otherwise."""
    rng = np.random.default_rng(0)
    image = rng.normal(20, 3, (320, 400))
    yy, xx = np.mgrid[:320, :400]
    for x, y in painted:
        image += 120 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 18)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., None]
    folder.mkdir(parents=True)
    write_image(folder / "view.png", pixels, recipe={}, made=True)
    count = len(truth)
    table = {
        "object_id": pa.array(range(100, 100 + count), pa.int64()),
        "x": pa.array([x for x, _ in truth], pa.float64()),
        "y": pa.array([y for _, y in truth], pa.float64()),
        "a": np.full(count, 3.0),
        "b": np.full(count, 3.0),
        "flux": np.full(count, 2 * np.pi * 9 * 120),
    }
    if kinds is not None:
        table["kind"] = pa.array(kinds)
    pq.write_table(pa.table(table), folder / "truth.parquet")
    return folder
