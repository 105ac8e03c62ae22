"""The truth catalog: what was put where, as Parquet, as a FITS table and as DS9 regions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

from parhelion._files import atomic_path, write_text
from parhelion.errors import InputError
from parhelion.provenance import fits_cards, mark_text
from parhelion.sky._frame import to_sky
from parhelion.sky._placement import BLUR, Placement
from parhelion.sky._psf import Psf
from parhelion.sky._render import Scene
from parhelion.sky._stars import Stars
from parhelion.sky._store import StampInfo

TRUTH_FILE, TRUTH_FITS, REGIONS_FILE = "truth.parquet", "truth.fits", "sky.reg"

_UNITS = {"x": "pix", "y": "pix", "a": "pix", "b": "pix", "theta": "rad", "rotation": "rad"}
_UNITS |= {"reach": "pix", "ra": "deg", "dec": "deg"}
_COLORS = {"galaxy": "cyan", "tile": "yellow", "star": "magenta"}
_NONE = -(2**63)  # in a FITS column of integers
# Semi-axes of a region: what sep calls `a` is an RMS extent, and the eye sees some three of them.
_DRAWN = 3.0


def truth_table(
    stamps: list[StampInfo],
    placement: Placement,
    stars: Stars | None,
    scene: Scene,
    *,
    psf: Psf | None,
    kind: str,
    wcs: Mapping[str, Any],
) -> pa.Table:
    """Return one row per object, galaxies first.

    Columns: `object_id`; `x`, `y` (0-based pixels; pixel centers are whole numbers); `a`, `b`
    (semi-axes above the stamp's isophote, pixels of the view), `theta` (radians from +x towards
    +y, above -pi/2 and up to pi/2); `flux` and `peak` (luma above the sky, display units; of
    the whole object, even if the view's edge cuts it); `image_id`, `path` and `label` of its
    stamp; `flipped`, `rotation` (radians) and `zoom`, which make the stamp the object; `kind`
    (``galaxy``, ``star``, or ``tile`` of a grid); `gain`, what the stamp was multiplied by (a
    star's peak); `reach`, pixels from the center beyond which it has no light; `ra`, `dec`
    (degrees); `origin` and `source` of its image, and `model_id` and `model_seed` that make it
    again. What an object has not is null.
    """
    used = [stamps[index] for index in placement.stamp]
    turned = np.array([stamp.theta for stamp in used])
    turned = np.where(placement.flipped, -turned, turned) + placement.angle
    theta = np.pi / 2 - np.mod(np.pi / 2 - turned, np.pi)
    # What the blur of shrinking adds (see `turn`), and the point-spread function.
    blur = BLUR**2 * np.maximum(1 - placement.zoom**2, 0) * (kind == "galaxy")
    blur += psf.sigma**2 if psf is not None else 0.0
    axes = {
        name: np.sqrt((placement.zoom * np.array([getattr(s, name) for s in used])) ** 2 + blur)
        for name in ("a", "b")
    }
    galaxies, others = len(used), 0 if stars is None else len(stars.x)
    sigma = 0.0 if stars is None else stars.fwhm / 2.3548
    spike = 0.0 if stars is None else stars.angle
    ra, dec = to_sky(dict(wcs), scene.x, scene.y)

    def floats(values: Any, star: float) -> pa.Array:
        return pa.array(np.concatenate([values, np.full(others, star)]))

    def words(name: str, type_: pa.DataType) -> pa.Array:
        return pa.array([*(getattr(stamp, name) for stamp in used), *[None] * others], type_)

    text = pa.string()
    return pa.table(
        {
            "object_id": pa.array(np.arange(galaxies + others), pa.int64()),
            "x": scene.x,
            "y": scene.y,
            "a": floats(axes["a"], sigma),
            "b": floats(axes["b"], sigma),
            "theta": floats(theta, 0.0),
            "flux": scene.flux,
            "peak": scene.peak,
            "image_id": words("image_id", text),
            "path": words("path", text),
            "label": words("label", text),
            "flipped": pa.array(np.concatenate([placement.flipped, np.zeros(others, bool)])),
            "rotation": floats(placement.angle, spike),
            "zoom": floats(placement.zoom, 1.0),
            "kind": pa.array([kind] * galaxies + ["star"] * others, text),
            "gain": scene.gain,
            "reach": scene.reach,
            "ra": ra,
            "dec": dec,
            "origin": words("origin", text),
            "source": words("source", text),
            "model_id": words("model_id", text),
            "model_seed": words("model_seed", pa.int64()),
        }
    )


def write_truth(
    folder: Path, table: pa.Table, recipe: Mapping[str, Any], *, made: bool, pixel_scale: float
) -> None:
    """Write ``sky.reg``, ``truth.fits`` and ``truth.parquet``, marked, each atomically.

    Parameters
    ----------
    pixel_scale : float
        Arcseconds to a pixel.
    """
    _write_regions(folder / REGIONS_FILE, table, mark_text(recipe, made=made), pixel_scale)
    columns = [_fits_column(table, name) for name in table.column_names]
    primary = fits.PrimaryHDU()
    for card in fits_cards(recipe, made=made):
        primary.header.append(card)
    with atomic_path(folder / TRUTH_FITS) as temporary:
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


def _write_regions(path: Path, table: pa.Table, mark: str, scale: float) -> None:
    """Write DS9 regions in celestial coordinates: ellipses of `_DRAWN` times the semi-axes.

    DS9 turns a region's angle from the first axis (west here) over north; `theta` goes from +x
    over +y, which is down: hence its sign.
    """
    names = ("object_id", "ra", "dec", "a", "b", "theta", "kind")
    values = [table[name].to_pylist() for name in names]
    lines = ["# Region file format: DS9 version 4.1", f"# {mark}", "global width=1", "icrs"]
    for object_id, ra, dec, a, b, theta, kind in zip(*values, strict=True):
        axes = f'{_DRAWN * a * scale:.4f}",{_DRAWN * max(b, 0.3) * scale:.4f}"'
        lines.append(
            f"ellipse({ra:.8f},{dec:.8f},{axes},{-np.rad2deg(theta):.2f}) "
            f"# color={_COLORS[kind]} text={{{object_id}}} tag={{{kind}}}"
        )
    write_text(path, "\n".join(lines) + "\n")


def _fits_column(table: pa.Table, name: str) -> fits.Column:
    kind = table.schema.field(name).type
    values = table[name].to_pylist()
    if pa.types.is_string(kind):
        texts = [(value or "").encode("ascii", "replace") for value in values]
        longest = max(1, *map(len, texts))
        return fits.Column(name, f"{longest}A", array=np.array(texts))
    if pa.types.is_int64(kind):
        null = _NONE if table[name].null_count else None
        whole = np.array([_NONE if value is None else value for value in values], np.int64)
        return fits.Column(name, "K", null=null, unit=_UNITS.get(name), array=whole)
    codes = {pa.float64(): "D", pa.bool_(): "L"}
    return fits.Column(name, codes[kind], unit=_UNITS.get(name), array=np.array(values))
