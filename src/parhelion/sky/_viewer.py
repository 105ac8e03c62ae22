"""The sky page: one can move and zoom through a wide view, and click an object for its truth row.

The page works from a folder, offline: what it needs is in the page and in ``viewer/`` beside it.
"""

import json
import shlex
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from parhelion._files import write_bytes, write_text
from parhelion._version import __version__
from parhelion.catalog import celestial_wcs
from parhelion.errors import InputError
from parhelion.provenance import MADE
from parhelion.sky._truth import read_truth
from parhelion.sky._view import read_view
from parhelion.sky._viewer_stamps import write_sprites
from parhelion.sky._viewer_truth import write_payload

PAGE_FILE = "index.html"
VIEWER_FOLDER = "viewer"
_SCRIPTS = ("coordinates.js", "truth.js", "view.js", "card.js", "page.js")
_VENDOR = ("openseadragon.min.js", "openseadragon-license.txt")
_MOST_ELLIPSES = 3000

_NO_VIEWER = (
    "Reduced image: this Parhelion was built without npm, so the page cannot zoom. "
    "Positions are to a hundredth of a pixel."
)
_NO_TILES = (
    "Reduced image: this view has no deep-zoom tiles, so the page cannot zoom. "
    "Positions are to a hundredth of a pixel."
)


def write_viewer(folder: Path) -> Path:
    """Write the interactive page of a wide view.

    Parameters
    ----------
    folder : Path
        A wide view: ``sky.json``, its truth table, a preview and, to zoom, its deep-zoom tiles.

    Returns
    -------
    page : Path
        ``index.html``. The folder can be moved, zipped or served as it is.

    Raises
    ------
    InputError
        If the folder holds no wide view.
    """
    folder = Path(folder)
    sky = read_view(folder)
    _make_room(folder)
    vendor = _vendor()
    zooms = sky["deepzoom"] is not None and vendor is not None
    place = folder / VIEWER_FOLDER
    truth = read_truth(folder)
    sprites, numbers = write_sprites(
        place,
        truth,
        Path(sky["catalog"]) if sky.get("catalog") else None,
        recipe={"operation": "thumbnails", "view": sky.get("recipe", {})},
        made=sky["made"],
    )
    plan = {
        "width": sky["width"],
        "height": sky["height"],
        "tiles": _tiles(sky) if zooms else None,
        "reduced": sky["files"].get("preview", "preview.jpg"),
        "wcs": None,
        "step": None,
        "truth": write_payload(
            place, truth, width=sky["width"], height=sky["height"], sprites=numbers
        )
        | {"folder": VIEWER_FOLDER},
        "sprites": sprites and sprites | {"folder": VIEWER_FOLDER},
        "mostEllipses": _MOST_ELLIPSES,
        "command": _command(folder),
    } | _coordinates(sky.get("wcs"))
    plan["searchHelp"] = _search_help(plan)
    if zooms and vendor is not None:
        for name, data in vendor.items():
            write_bytes(place / name, data)
    page = folder / PAGE_FILE
    write_text(page, _page(folder, sky, plan, zooms=zooms, has_vendor=vendor is not None))
    return page


def _make_room(folder: Path) -> None:
    """Remove an earlier page first, then what it loads."""
    (folder / PAGE_FILE).unlink(missing_ok=True)
    for pattern in ("truth-*.js", "stamps-*.jpg", "openseadragon*"):
        for path in (folder / VIEWER_FOLDER).glob(pattern):
            path.unlink()


def _vendor() -> dict[str, bytes] | None:
    """Return OpenSeadragon's files, or None where the build could not fetch them."""
    place = files("parhelion.sky") / "web" / "vendor"
    try:
        return {name: (place / name).read_bytes() for name in _VENDOR}
    except FileNotFoundError:
        return None


def _tiles(sky: Mapping[str, Any]) -> dict[str, Any]:
    deep = sky["deepzoom"]
    return {
        "folder": f"{sky['files'].get('tiles', 'sky_files')}/",
        "size": deep["tile_size"],
        "overlap": deep["overlap"],
        "format": deep["format"],
    }


def _coordinates(cards: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the projection's numbers and the arcseconds to a pixel, if there is a TAN WCS."""
    if not cards:
        return {}
    wcs = celestial_wcs(cards)
    if list(wcs.wcs.ctype) != ["RA---TAN", "DEC--TAN"]:
        raise InputError(
            f"the view's coordinates are {'/'.join(wcs.wcs.ctype)}; "
            "the page shows RA---TAN/DEC--TAN; make the view again"
        )
    matrix = wcs.pixel_scale_matrix
    return {
        "wcs": {
            "crval": list(map(float, wcs.wcs.crval)),
            "crpix": list(map(float, wcs.wcs.crpix)),
            "cd": matrix.tolist(),
        },
        "step": float(np.sqrt(abs(np.linalg.det(matrix))) * 3600),
    }


def _command(folder: Path) -> str:
    """Return the command that cuts a region out; the page fills in the numbers."""
    return (
        f"parhelion region {shlex.quote(folder.resolve().name)} --x {{x}} --y {{y}} "
        "--width {width} --height {height} --out region-{id}.fits"
    )


def _search_help(plan: Mapping[str, Any]) -> str:
    sky = ", or 12h 34m 5.6s +7° 8′ 9″" if plan["wcs"] else ""
    return f"an object's number, or a position: x, y{sky}"


def _page(
    folder: Path, sky: Mapping[str, Any], plan: Mapping[str, Any], *, zooms: bool, has_vendor: bool
) -> str:
    web = files("parhelion.sky") / "web"
    counts = sky["counts"]
    parts = [f"{sky['width']:,} × {sky['height']:,} px", f"{counts['galaxies']:,} galaxies"]
    if counts.get("stars"):
        parts.append(f"{counts['stars']:,} stars")
    environment = Environment(
        loader=PackageLoader("parhelion.sky", "web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html.j2").render(
        title=f"A sky like the {sky['field']}" if sky.get("field") else "A wide view of sky",
        note=(
            "Made by Parhelion: not a real sky"
            if sky["made"]
            else "Composed by Parhelion from observed images: not a real sky"
        ),
        subtitle=" · ".join(parts),
        why_reduced=None if zooms else _NO_TILES if has_vendor else _NO_VIEWER,
        search_hint="Object, or x, y" if plan["wcs"] is None else "Object, x, y or RA Dec",
        search_help=plan["searchHelp"],
        most_ellipses=f"{_MOST_ELLIPSES:,}",
        software=f"Parhelion {__version__}",
        source_type=MADE if sky["made"] else None,
        reduced=plan["reduced"],
        viewer=f"{VIEWER_FOLDER}/{_VENDOR[0]}" if zooms else None,
        style=Markup((web / "page.css").read_text(encoding="utf-8")),
        scripts=[Markup((web / name).read_text(encoding="utf-8")) for name in _SCRIPTS],
        plan=Markup(json.dumps(plan).replace("<", "\\u003c")),
    )
