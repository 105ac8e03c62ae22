"""``parhelion reproduce``"""

from pathlib import Path
from typing import Annotated

from parhelion._reproduce_settings import ReproduceSettings
from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json


def gan_universe(
    *,
    data: Path,
    out: Path = Path("gan-universe"),
    bodies: Path | None = None,
    settings: Annotated[ReproduceSettings, Flat] = ReproduceSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Do the experiments of the GAN-Universe paper, its tables and figures beside ours.

    Training, Fréchet distance with a galaxy classifier, class distribution, search for memorized
    images, a wide view, and a galaxy detector run over it. A run that was stopped goes on where
    it was.

    For example:

        parhelion ingest galaxies/ --out catalog
        parhelion split catalog
        parhelion reproduce gan-universe --data catalog
        parhelion reproduce gan-universe --data catalog --share 0.02 --out quick

    Parameters
    ----------
    data
        Catalog of galaxies, split.
    out
        Folder for everything; index.html and summary.json are the results.
    bodies
        Catalog of celestial bodies, for the paper's other experiment.
    """
    from parhelion._reproduce import reproduce_gan_universe

    summary = reproduce_gan_universe(data, out, settings, bodies=bodies)
    emit(
        summary,
        as_json=json,
        text=f"{out / 'index.html'}: open it in a browser; the figures are in "
        f"{out / 'summary.json'}",
    )
