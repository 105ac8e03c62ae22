"""The truth catalog: what was put where, as Parquet and as a FITS table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

from parhelion._files import atomic_path
from parhelion.errors import InputError
from parhelion.provenance import fits_cards, mark_text
from parhelion.sky._placement import BLUR
from parhelion.sky._render import Scene
from parhelion.sky._store import StampStore

TRUTH_FILE = "truth.parquet"

_UNITS = {"x": "pix", "y": "pix", "a": "pix", "b": "pix", "theta": "rad", "rotation": "rad"}


def truth_table(store: StampStore, scene: Scene) -> pa.Table:
    """Return one row per object.

    Columns: `object_id`; `x`, `y` (0-based pixels; pixel centers are whole numbers); `a`, `b`
    (semi-axes above the stamp's isophote, pixels of the view), `theta` (radians from +x towards
    +y, above -pi/2 and up to pi/2); `flux` and `peak` (luma above the sky, display units; of
    the whole galaxy, even if the view's edge cuts it); `image_id`, `path` and `label` of its
    stamp; `flipped`, `rotation` (radians) and `zoom`, which make the stamp the object.
    """
    placement = scene.placement
    stamps = [store.stamps[index] for index in placement.stamp]
    turned = np.array([stamp.theta for stamp in stamps])
    turned = np.where(placement.flipped, -turned, turned) + placement.angle
    theta = np.pi / 2 - np.mod(np.pi / 2 - turned, np.pi)
    # What the blur of shrinking adds; see `turn`.
    blur = BLUR**2 * np.maximum(1 - placement.zoom**2, 0)
    axes = {
        name: np.sqrt((placement.zoom * np.array([getattr(s, name) for s in stamps])) ** 2 + blur)
        for name in ("a", "b")
    }
    return pa.table(
        {
            "object_id": pa.array(np.arange(len(stamps)), pa.int64()),
            "x": placement.x,
            "y": placement.y,
            **axes,
            "theta": theta,
            "flux": scene.flux,
            "peak": scene.peak,
            "image_id": pa.array([stamp.image_id for stamp in stamps], pa.string()),
            "path": pa.array([stamp.path for stamp in stamps], pa.string()),
            "label": pa.array([stamp.label for stamp in stamps], pa.string()),
            "flipped": placement.flipped,
            "rotation": placement.angle,
            "zoom": placement.zoom,
        }
    )


def write_truth(folder: Path, table: pa.Table, recipe: Mapping[str, Any], *, made: bool) -> None:
    """Write ``truth.fits`` and ``truth.parquet``, marked, each atomically."""
    columns = [_fits_column(table, name) for name in table.column_names]
    primary = fits.PrimaryHDU()
    for card in fits_cards(recipe, made=made):
        primary.header.append(card)
    with atomic_path(folder / "truth.fits") as temporary:
        parts = fits.HDUList([primary, fits.BinTableHDU.from_columns(columns, name="TRUTH")])
        parts.writeto(temporary, overwrite=True)
    marked = table.replace_schema_metadata({"parhelion": mark_text(recipe, made=made)})
    with atomic_path(folder / TRUTH_FILE) as temporary:
        pq.write_table(marked, temporary, compression="zstd")


def read_truth(folder: Path) -> pa.Table:
    """Read the truth catalog of a wide view; see `truth_table`.

    Raises
    ------
    InputError
        If there is none that can be read.
    """
    path = folder / TRUTH_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} is not a wide view: it has no {TRUTH_FILE}; "
            "make one with `parhelion widefield CATALOG --out FOLDER`"
        )
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error


def _fits_column(table: pa.Table, name: str) -> fits.Column:
    values = table[name].to_pylist()
    if pa.types.is_string(table.schema.field(name).type):
        texts = [(value or "").encode("ascii", "replace") for value in values]
        longest = max(1, *map(len, texts))
        return fits.Column(name, f"{longest}A", array=np.array(texts))
    kinds = {pa.int64(): "K", pa.float64(): "D", pa.bool_(): "L"}
    kind = kinds[table.schema.field(name).type]
    return fits.Column(name, kind, unit=_UNITS.get(name), array=np.array(values))
