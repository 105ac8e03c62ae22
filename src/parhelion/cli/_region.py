"""``parhelion region``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.sky import RegionSettings


def region(
    view: Path,
    /,
    *,
    out: Path,
    settings: Annotated[RegionSettings, Flat] = RegionSettings(),  # noqa: B008
    catalog: Path | None = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Render a part of a wide view again, bit for bit, as FITS with a WCS, PNG or TIFF.

    Its recipe and truth catalog are enough, with the catalog of galaxies that it was painted with.

    For example:

        parhelion region sky --x 20000 --y 31000 --width 4096 --height 4096 --out part.fits

    Parameters
    ----------
    view
        Folder that `parhelion widefield` wrote.
    out
        File to write; its suffix is the format: .fits, .fit, .png, .tif or .tiff.
    catalog
        Where the catalog of galaxies is now, if not where it was.
    """
    from parhelion.sky import write_region

    path = write_region(view, out, settings, catalog=catalog)
    emit(
        {"path": path, "x": settings.x, "y": settings.y, "width": settings.width,
         "height": settings.height},
        as_json=json,
        text=f"{path}: {settings.width} x {settings.height} pixels",
    )  # fmt: skip
