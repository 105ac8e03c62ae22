"""``parhelion detect``"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from parhelion.cli._options import Config, Flat, Json
from parhelion.cli._text import one_line
from parhelion.detection import SHIPPED, DetectSettings

if TYPE_CHECKING:
    from parhelion.detection import Verdict


def detect(
    sources: list[Path],
    /,
    *,
    model: Path = Path(SHIPPED),
    settings: Annotated[DetectSettings, Flat] = DetectSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Say of images whether a model made them, how sure that is, and show why.

    A line for each image; with --out a table instead, and lines only for what cannot be read.
    With --json, one object per line: path, probability_made (0 to 1, calibrated; null where
    there is no answer), verdict (made, observed or cannot tell), note, part, logit, width and
    height (null where a file cannot be read).

    For example:

        parhelion detect picture.jpg --explain why
        parhelion detect folder/ archive.zip catalog/ --json
        parhelion detect folder/ --out verdicts.parquet

    Parameters
    ----------
    sources
        Image files, folders, zip or tar archives, catalogs.
    model
        Folder of a trained detector, or the name of one that ships.
    """
    import sys
    from collections import Counter

    from parhelion._progress import bar
    from parhelion.detection import detect as run
    from parhelion.errors import ParhelionError

    counts: Counter[str] = Counter()
    terse = settings.out is not None and not json
    # Lines that scroll by in a terminal are progress enough.
    silent = not terse and sys.stdout.isatty()
    with bar(what="looking", silent=silent) as shown:
        try:
            for verdict in run(sources, model, settings):
                counts[verdict.verdict if verdict.readable else "unreadable"] += 1
                if json or not terse or not verdict.readable:
                    shown.write(verdict.json() if json else _line(verdict))
                    sys.stdout.flush()
                shown.update()
        except KeyboardInterrupt as error:
            if settings.out is None:
                raise
            same = "the same command" + (" without --overwrite" if settings.overwrite else "")
            raise ParhelionError(
                f"interrupted after {counts.total()} images; {same} goes on where it was"
            ) from error
    if counts.total() > 1:
        words = ("made", "observed", "cannot tell", "unreadable")
        listed = ", ".join(f"{counts[word]} {word}" for word in words)
        where = "" if settings.out is None else f"; {settings.out} is written"
        print(f"{counts.total()} images: {listed}{where}", file=sys.stderr)


def _line(verdict: "Verdict") -> str:
    """Return a verdict as a line for a person."""
    chance = verdict.probability_made
    shown = "   -" if chance is None else f"{chance:4.2f}"
    word = verdict.verdict if verdict.readable else "unreadable"
    part = f" [{verdict.part}]" if verdict.part else ""
    note = f"  ({verdict.note})" if verdict.note else ""
    return f"{shown}  {word:<11}  {one_line(verdict.path)}{part}{note}"
