"""Verdicts over files, folders, archives and catalogs: streaming, in order, with flat memory."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._version import __version__
from parhelion.catalog import DecodeSettings, Entry, Listing, RejectedPart, decode_parts
from parhelion.detection._explain import reduced, write_explanation
from parhelion.detection._journal import Journal, Record, journal_of, stamp
from parhelion.detection._predict import Detector, load_detector
from parhelion.detection._settings import SHIPPED, DetectSettings
from parhelion.detection._verdict import Verdict
from parhelion.detection._verdict_table import write_table
from parhelion.detection._views import View
from parhelion.errors import DecodeError, InputError
from parhelion.training import map_ahead


@dataclass(frozen=True)
class _Seen:
    part: str | None
    size: tuple[int, int] | None
    """Width and height; None where it cannot be read."""
    note: str
    """Why there is nothing to judge, or nothing."""
    view: View | None = None
    whole: NDArray[np.uint8] | None = None
    """The image, reduced, where it is needed for an explanation."""


def detect(
    sources: Path | str | Sequence[Path | str],
    model: Path | str | Detector = SHIPPED,
    settings: DetectSettings | None = None,
) -> Iterator[Verdict]:
    """Say of images whether a telescope or a model made them.

    Parameters
    ----------
    sources : Path or sequence of Path
        Files; folders, of which every file is looked at, sub-folders too; zip and tar archives;
        catalogs, of which every row is.
    model : Path or Detector
        Folder of a trained detector, the name of one that ships, or one already loaded.
    settings : DetectSettings, optional
        Table, explanations, device, smallest image.

    Returns
    -------
    verdicts : iterator of Verdict
        One for each image, in order: a file that holds several has several. A file that
        cannot be read has one, with the reason as its note. With `settings.out` the table is
        written when the last verdict has been taken. Where an earlier call with the same
        arguments was interrupted, its verdicts come first, and are not computed again.

    Raises
    ------
    InputError
        At once, if a source does not exist, a catalog is damaged, there is no detector, the
        table is there already, or it was begun with other arguments. Later, if a file changed
        since the interrupted call looked at it.
    """
    settings = settings or DetectSettings()
    given = [sources] if isinstance(sources, (str, Path)) else list(sources)
    out = settings.out
    own = [] if out is None else [out, journal_of(out)]
    paths = [Path(source) for source in given]
    listing = Listing(paths, pixel_limit=settings.pixel_limit, without=own)
    _check_explain(settings.explain, paths)
    # Where there is a journal, too, a run that replaces the table was interrupted: it goes on.
    if out is not None and not settings.overwrite and out.exists() and not journal_of(out).exists():
        raise InputError(f"{out} is there already; choose another --out, or --overwrite")
    detector = (
        model
        if isinstance(model, Detector)
        else load_detector(
            model,
            device=settings.device,
            batch=settings.batch,
            precision=settings.precision,
        )
    )
    if out is None:
        found = _look_through(listing.entries(), listing, 0, detector, settings)
        return (verdict for _, verdicts in found for verdict in verdicts)
    if settings.overwrite:
        journal_of(out).unlink(missing_ok=True)  # the table is replaced when the new one is whole
    recipe = _recipe(given, detector, settings)
    return _recorded(Journal(out, recipe), out, recipe, listing, detector, settings)


def _check_explain(explain: Path | None, sources: Sequence[Path]) -> None:
    """Refuse to put pictures where they would themselves be looked at."""
    if explain is None:
        return
    for source in sources:
        if source.is_dir() and explain.resolve().is_relative_to(source.resolve()):
            raise InputError(
                f"--explain (={explain}) lies inside the source {source}; choose another place"
            )


def _recipe(
    sources: Sequence[Path | str], detector: Detector, settings: DetectSettings
) -> dict[str, Any]:
    """Return what a table of verdicts depends on, under names that an error may give."""
    card = json.dumps(detector.card, sort_keys=True, default=str).encode()
    return {
        "operation": "detect",
        "version of Parhelion": __version__,
        "model": detector.card.get("model_id"),
        "calibration of the model": blake2b(card, digest_size=8).hexdigest(),
        "device": detector.device.type,
        "--precision": detector.precision,
        "list of sources": [str(source) for source in sources],
        "--smallest": settings.smallest,
        "--pixel-limit": settings.pixel_limit,
        "--explain": None if settings.explain is None else str(settings.explain),
    }


def _recorded(
    journal: Journal,
    out: Path,
    recipe: Mapping[str, Any],
    listing: Listing,
    detector: Detector,
    settings: DetectSettings,
) -> Iterator[Verdict]:
    """Yield the verdicts of an earlier run, then the others; write the table after the last."""
    with journal, closing(listing.entries(passed=journal.count)) as entries:
        images = 0
        for record in journal.records():
            _check_unchanged(record, next(entries, None), journal)
            images += len(record.verdicts)
            yield from record.verdicts
        for entry, verdicts in _look_through(entries, listing, images, detector, settings):
            journal.append(Record(entry.path, stamp(entry.holder), verdicts))
            yield from verdicts
    write_table(out, journal.verdicts(), recipe)
    journal.remove()


def _check_unchanged(record: Record, entry: Entry | None, journal: Journal) -> None:
    if entry is None:
        problem = f"{record.path} is gone"
    elif entry.path != record.path:
        problem = f"{entry.path} is where {record.path} was"
    elif stamp(entry.holder) != record.stamp:
        problem = f"{record.path} has changed"
    else:
        return
    raise InputError(
        f"{problem} since the interrupted run of which {journal.path} tells; --overwrite begins "
        "anew"
    )


def _look_through(
    entries: Iterator[Entry],
    listing: Listing,
    images: int,
    detector: Detector,
    settings: DetectSettings,
) -> Iterator[tuple[Entry, list[Verdict]]]:
    """Yield each file with its verdicts; `images` is how many there were before."""

    def look(entry: Entry) -> tuple[Entry, list[_Seen]]:
        try:
            return entry, list(_look(entry, detector, settings))
        finally:
            listing.release(entry)

    depth = 2 * detector.batch
    with closing(map_ahead(look, entries, workers=settings.workers, depth=depth)) as looked:
        while group := list(islice(looked, detector.batch)):
            views = [item.view for _, found in group for item in found]
            logits = iter(detector.logits(view for view in views if view is not None))
            for entry, found in group:
                verdicts = []
                for item in found:
                    logit = None if item.view is None else float(next(logits))
                    verdicts.append(_judge(entry, item, logit, detector))
                    if settings.explain is not None and item.view and item.whole is not None:
                        name = f"{images:06d}-{_plain(Path(entry.path).stem)}.png"
                        picture = settings.explain / name
                        write_explanation(picture, detector, item.view, item.whole, verdicts[-1])
                    images += 1
                yield entry, verdicts


def _judge(entry: Entry, item: _Seen, logit: float | None, detector: Detector) -> Verdict:
    width, height = item.size or (None, None)
    if item.view is None or logit is None:
        return Verdict(entry.path, None, "cannot tell", item.note, item.part, None, width, height)
    probability = float(detector.probability_made(np.array([logit]))[0])
    word, note = detector.verdict(item.view, probability)
    return Verdict(entry.path, probability, word, note, item.part, logit, width, height)


def _look(entry: Entry, detector: Detector, settings: DetectSettings) -> Iterator[_Seen]:
    """Decode a file and bring its images to the form in which they are judged."""
    if entry.file is None:
        yield _Seen(None, None, entry.reason or "cannot be read")
        return
    try:
        for part in decode_parts(entry.file, DecodeSettings(pixel_limit=settings.pixel_limit)):
            if isinstance(part, RejectedPart):
                yield _Seen(part.part or None, None, part.reason)
                continue
            height, width = part.pixels.shape[:2]
            reason = _why_not(part.pixels, settings.smallest)
            if reason:
                yield _Seen(part.part, (width, height), reason)
                continue
            whole = None if settings.explain is None else reduced(part.pixels)
            yield _Seen(part.part, (width, height), "", detector.see(part.pixels), whole)
    except DecodeError as error:
        yield _Seen(None, None, str(error))


def _why_not(pixels: NDArray[np.uint8], smallest: int) -> str:
    """Return why there is nothing to judge in an image, or nothing."""
    height, width = pixels.shape[:2]
    if min(height, width) < smallest:
        return f"too small: {width} x {height} pixels, fewer than {smallest} on a side"
    return "blank: all its pixels are alike" if pixels.min() == pixels.max() else ""


def _plain(name: str) -> str:
    """Return a name that any file system takes."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    return kept[:60] or "image"
