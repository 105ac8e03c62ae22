"""``parhelion demo``"""

from pathlib import Path
from typing import Annotated

from parhelion.cli._main import emit
from parhelion.cli._options import Config, Flat, Json
from parhelion.experiments._demo_settings import DemoSettings


def demo(
    *,
    out: Path = Path("demo"),
    settings: Annotated[DemoSettings, Flat] = DemoSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Run the whole loop on real Hubble Deep Field pixels, and write report.html.

    Cut-outs, split, generator, made galaxies, check for copies, wide view, source detection,
    detector, verdicts, report. A run that was stopped goes on where it was.

    For example:

        parhelion demo
        parhelion demo --out quick --minutes 2

    Parameters
    ----------
    out
        Folder for everything; report.html and summary.json are the results.
    """
    from parhelion.experiments._demo import demo as run

    summary = run(out, settings)
    emit(
        summary,
        as_json=json,
        text=f"{out / 'report.html'}: open it in a browser; the figures are in "
        f"{out / 'summary.json'}",
    )
