"""``parhelion reproduce``"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.experiments._settings import (
    ReproduceAstrospySettings,
    ReproduceFlareSettings,
    ReproduceSettings,
)


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
    from parhelion.experiments._gan_universe import reproduce_gan_universe

    summary = reproduce_gan_universe(data, out, settings, bodies=bodies)
    emit(
        summary,
        as_json=json,
        text=f"{out / 'index.html'}: open it in a browser; the figures are in "
        f"{out / 'summary.json'}",
    )


def astrospy(
    *,
    data: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    elsewhere: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    out: Path = Path("astrospy"),
    settings: Annotated[ReproduceAstrospySettings, Flat] = ReproduceAstrospySettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Do the experiments of the AstroSpy paper, its three tables and figures beside ours.

    Fourier path, image path, and both joined, in-domain and elsewhere; backbones; augmentations
    one by one; spectra of observed and made images; a t-SNE of the features. A run that was
    stopped goes on where it was.

    For example:

        parhelion split real made --train 0.8 --validation 0.1 --test 0.1
        parhelion reproduce astrospy --data real made
        parhelion reproduce astrospy --data real made --elsewhere zoo,fakes natural
        parhelion reproduce astrospy --data real made --share 0.02 --seeds 1 --out quick

    Parameters
    ----------
    data
        Catalogs that together hold real and made images, split together.
    elsewhere
        Catalogs to test on out of the domain; those joined by a comma are one test.
    out
        Folder for everything; index.html and summary.json are the results.
    """
    from parhelion.experiments._astrospy import reproduce_astrospy

    tests = [[Path(root) for root in test.split(",")] for test in elsewhere]
    summary = reproduce_astrospy(data, out, settings, elsewhere=tests)
    emit(
        summary,
        as_json=json,
        text=f"{out / 'index.html'}: open it in a browser; the figures are in "
        f"{out / 'summary.json'}",
    )


def flare(
    *,
    data: Path,
    elsewhere: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    out: Path = Path("flare"),
    settings: Annotated[ReproduceFlareSettings, Flat] = ReproduceFlareSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Do the experiments of the FLARE paper without its leak, its tables and figures beside ours.

    Raw images, enlarged ones, augmented ones, made ones, and FLARE's mixture, for each backbone
    and for fine and macro labels; the published split of derived files beside ours; accuracy from
    few images, with made ones and without. A run that was stopped goes on where it was.

    For example:

        parhelion split objects
        parhelion train diffusion --data objects --config bodies-64 --out generator
        parhelion reproduce flare --data objects --generator generator
        parhelion reproduce flare --data objects --generator generator --elsewhere zoo=galaxy
        parhelion reproduce flare --data objects --generator generator --share 0.02 --seeds 1

    Parameters
    ----------
    data
        Catalog of labeled images, split.
    elsewhere
        Catalogs to test on out of the domain: CATALOG, labeled with classes of --data, or
        CATALOG=CLASS, all of whose images are of that class.
    out
        Folder for everything; index.html and summary.json are the results.
    """
    from parhelion.experiments._flare import reproduce_flare

    summary = reproduce_flare(data, out, settings, elsewhere=elsewhere)
    emit(
        summary,
        as_json=json,
        text=f"{out / 'index.html'}: open it in a browser; the figures are in "
        f"{out / 'summary.json'}",
    )
