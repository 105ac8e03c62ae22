"""``parhelion report``"""

from pathlib import Path

from parhelion.cli._main import emit
from parhelion.cli._options import Json


def report(folders: list[Path], /, *, out: Path = Path("report.html"), json: Json = False) -> None:
    """Write one self-contained HTML page about catalogs, runs, measures and wide views.

    For example:

        parhelion report demo --out report.html
        parhelion report run made measured sky

    Parameters
    ----------
    folders
        Folders that Parhelion wrote, or folders of such folders.
    out
        The page.
    """
    from parhelion.reporting import report as run

    path = run(folders, out)
    emit({"report": str(path)}, as_json=json, text=str(path))
