"""``parhelion widefield``"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.sky import WidefieldSettings


def widefield(
    catalog: Path,
    /,
    *,
    out: Path,
    settings: Annotated[WidefieldSettings, Flat] = WidefieldSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Paint a wide view of sky from the galaxies of a catalog, with a truth catalog.

    Sizes, brightnesses, sky and noise follow a real field.

    For example:

        parhelion widefield made --count 3000 --size 4096 --out sky
        parhelion widefield made --count 500 --size 2048 --like my-field.fits --out sky
        parhelion widefield made --count 25000 --size 60000 --out sky
        parhelion widefield made --placement clustered --stars 200 --psf 2.5 --out sky

    A view above 8,192 pixels square is written as deep-zoom tiles; if it is interrupted, the same
    command with --resume continues it.

    Parameters
    ----------
    catalog
        Catalog of galaxies, made or real.
    out
        Folder for the view, its truth catalog (Parquet, FITS, DS9 regions) and a preview.
    """
    from parhelion.sky import widefield as run

    view = run(catalog, out, settings)
    shown = view.folder / view.files.get("page", view.image.name)
    emit(asdict(view), as_json=json, text=f"{shown}: {view.galaxies} galaxies")
