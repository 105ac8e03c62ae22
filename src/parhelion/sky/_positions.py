"""Where objects go: uniformly, in clusters, or as a table says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion.errors import InputError
from parhelion.sky._frame import to_pixels

_CLUSTERS = 3  # stream of the key
_BEYOND = 5.0  # radii that clusters' centers may be outside the view, with members inside

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Given:
    """Objects of a table, ``(N,)`` each; NaN (or an empty text) where the table says nothing.

    Attributes
    ----------
    x, y : ndarray
        0-based pixels of the view.
    flux, size, angle : ndarray
        Luma flux; semi-major axis in pixels; angle of the image in radians.
    image_id : list of str
        Image that the object is to be.
    outside : int
        Rows that are not in the view, and were left out.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]
    size: NDArray[np.float64]
    angle: NDArray[np.float64]
    image_id: list[str]
    outside: int

    def __len__(self) -> int:
        return len(self.x)


def clustered(count: int, size: int, *, seed: int, members: float, radius: float) -> Points:
    """Draw places from a Thomas process: a Neyman–Scott process with Gaussian clusters.

    Clusters' centers are uniform over the view and a margin of 5 radii, so that no edge is
    emptier than the middle; members that fall outside the view are drawn again. The total is
    thus `count` exactly, and the density the same everywhere on average.

    Parameters
    ----------
    members : float
        Mean number of members.
    radius : float
        RMS distance of a member along each axis, in pixels.

    Notes
    -----
    Thomas (1949), doi:10.1093/biomet/36.1-2.18; Neyman & Scott (1958),
    doi:10.1111/j.2517-6161.1958.tb00272.x.
    """
    philox = np.random.Philox(key=np.array([seed, _CLUSTERS], np.uint64))
    rng = np.random.Generator(philox)
    margin = _BEYOND * radius
    side = size + 2 * margin
    clusters = max(1, round(count / members * (side / size) ** 2))
    centers = rng.random((clusters, 2)) * side - margin
    # One is in the view, or nothing might ever fall inside when there are only a few.
    centers[0] = (centers[0] + margin) * size / side
    places = np.empty((count, 2))
    missing = count
    while missing:
        drawn = centers[rng.integers(0, clusters, 2 * missing)]
        drawn += radius * rng.standard_normal((2 * missing, 2))
        inside = drawn[((drawn >= 0) & (drawn < size)).all(axis=1)][:missing]
        places[count - missing : count - missing + len(inside)] = inside
        missing -= len(inside)
    return places[:, 0] - 0.5, places[:, 1] - 0.5


def read_columns(path: Path | str, flag: str) -> dict[str, list[Any]]:
    """Read the columns of a Parquet, CSV or FITS table, by lower-case name.

    Raises
    ------
    InputError
        If it cannot be read, or has no rows.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"--{flag}: no table at {path}")
    suffix = path.suffix.lower()
    try:
        if suffix in (".fits", ".fit"):
            columns = _read_fits(path)
        elif suffix == ".parquet":
            columns = _plain(pq.read_table(path))
        elif suffix == ".csv":
            columns = _plain(pyarrow.csv.read_csv(path))
        else:
            raise InputError(f"--{flag}: {path} must end in .parquet, .csv or .fits")
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--{flag}: {path} cannot be read as a table: {reason}") from error
    if not columns or not len(next(iter(columns.values()))):
        raise InputError(f"--{flag}: {path} has no rows")
    return columns


def numbers(columns: dict[str, list[Any]], name: str, where: str) -> NDArray[np.float64]:
    """Return a column as float64, NaN where it is empty.

    Raises
    ------
    InputError
        If a value is no number; names the row, counted from 1.
    """
    values = np.full(len(columns[name]), np.nan)
    for index, value in enumerate(columns[name]):
        if value is None or value == "":
            continue
        try:
            values[index] = float(value)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{where}: {name} (={value!r}) in row {index + 1} is not a number"
            ) from error
    return values


def read_given(path: str, size: int, cards: dict[str, Any]) -> Given:
    """Read a table of positions; see `WidefieldSettings.placement`.

    Parameters
    ----------
    size : int
        Side of the view; objects beyond are left out and counted.
    cards : dict
        Its WCS, for tables with ``ra`` and ``dec``.

    Raises
    ------
    InputError
        If the table cannot be used.
    """
    columns = read_columns(path, "placement")
    where = f"--placement: {path}"
    if {"x", "y"} <= set(columns):
        x, y = numbers(columns, "x", where), numbers(columns, "y", where)
        _whole(np.isfinite(x) & np.isfinite(y), "x, y", where)
    elif {"ra", "dec"} <= set(columns):
        ra, dec = numbers(columns, "ra", where), numbers(columns, "dec", where)
        _whole(np.isfinite(ra) & (np.abs(dec) <= 90), "ra, dec", where)
        x, y = to_pixels(cards, ra, dec)
    else:
        names = ", ".join(sorted(columns))
        raise InputError(f"{where} has neither x, y nor ra, dec among its columns ({names})")
    empty = np.full(len(x), np.nan)
    other = {
        name: numbers(columns, name, where) if name in columns else empty
        for name in ("flux", "size", "angle")
    }
    for name in ("flux", "size"):
        _whole(~(other[name] <= 0), name, where)
    inside = (x >= -0.5) & (x < size - 0.5) & (y >= -0.5) & (y < size - 0.5)
    if not inside.any():
        raise InputError(
            f"{where}: none of its {len(x)} positions is in the view of {size} pixels square; "
            "see --size, --ra, --dec and --pixel-scale"
        )
    ids = [str(value or "") for value in columns.get("image_id", [""] * len(x))]
    return Given(
        x=x[inside],
        y=y[inside],
        flux=other["flux"][inside],
        size=other["size"][inside],
        angle=np.deg2rad(other["angle"][inside]),
        image_id=[ids[index] for index in np.flatnonzero(inside)],
        outside=int((~inside).sum()),
    )


def _whole(ok: NDArray[np.bool_], what: str, where: str) -> None:
    if not ok.all():
        row = int(np.flatnonzero(~ok)[0]) + 1
        raise InputError(f"{where}: {what} in row {row} cannot be used; correct or remove the row")


def _plain(table: pa.Table) -> dict[str, list[Any]]:
    return {name.lower(): table[name].to_pylist() for name in table.column_names}


def _read_fits(path: Path) -> dict[str, list[Any]]:
    from astropy.io import fits

    with fits.open(path) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        if not tables:
            raise InputError(f"{path} has no table among its HDUs")
        data = tables[0].data
        return {name.lower(): data[name].tolist() for name in data.names}
