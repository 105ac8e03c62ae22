"""Verdicts over files, folders and catalogs: streaming, in order, with flat memory."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import decode, open_catalog
from parhelion.detection._explain import write_explanation
from parhelion.detection._predict import Detector, load_detector
from parhelion.detection._settings import DetectSettings
from parhelion.detection._verdict import Verdict
from parhelion.errors import DecodeError, InputError
from parhelion.training import map_ahead

_CATALOG = "catalog.parquet"


@dataclass(frozen=True)
class _Seen:
    path: Path
    note: str
    pixels: NDArray[np.uint8] | None
    """``(S, S, 3)``, or None where `note` says why not."""


def detect(
    sources: Path | str | Sequence[Path | str],
    model: Path | str | Detector,
    settings: DetectSettings | None = None,
) -> Iterator[Verdict]:
    """Say of images whether a telescope or a model made them.

    Parameters
    ----------
    sources : Path or sequence of Path
        Files; folders, of which every file is looked at, sub-folders too; catalogs, of which
        every row is.
    model : Path or Detector
        Folder of a trained detector, or one already loaded.
    settings : DetectSettings, optional
        Explanations, device, smallest image.

    Returns
    -------
    verdicts : iterator of Verdict
        One for each image, in order: a file that holds several has several. A file that
        cannot be read has one, with the reason as its note.

    Raises
    ------
    InputError
        At once, if a source does not exist, a catalog is damaged, or there is no detector.
    """
    settings = settings or DetectSettings()
    given = [sources] if isinstance(sources, (str, Path)) else list(sources)
    if not given:
        raise InputError("nothing to look at; name a file, a folder or a catalog")
    files = [_files(Path(source)) for source in given]
    detector = (
        model
        if isinstance(model, Detector)
        else load_detector(model, device=settings.device, batch=settings.batch)
    )
    return _verdicts((path for part in files for path in part), detector, settings)


def _verdicts(
    files: Iterable[Path], detector: Detector, settings: DetectSettings
) -> Iterator[Verdict]:
    def look(path: Path) -> list[_Seen]:
        return _look(path, detector, settings.smallest)

    depth = 2 * detector.batch
    with closing(map_ahead(look, files, workers=settings.workers, depth=depth)) as looked:
        seen = (item for found in looked for item in found)
        count = 0
        while chunk := list(islice(seen, detector.batch)):
            shown = [item.pixels for item in chunk if item.pixels is not None]
            logits = iter(detector.logits(shown))
            for item in chunk:
                if item.pixels is None:
                    verdict = Verdict(str(item.path), None, "cannot tell", item.note)
                else:
                    verdict = _judge(item.path, item.note, item.pixels, detector, next(logits))
                    if settings.explain is not None:
                        name = f"{count:06d}-{_plain(item.path.stem)}.png"
                        write_explanation(settings.explain / name, detector, item.pixels, verdict)
                count += 1
                yield verdict


def _judge(
    path: Path, note: str, pixels: NDArray[np.uint8], detector: Detector, logit: float
) -> Verdict:
    probability = float(detector.probability_made(np.array([logit]))[0])
    word, reason = detector.verdict(pixels, probability)
    return Verdict(str(path), probability, word, "; ".join(filter(None, (note, reason))))


def _look(path: Path, detector: Detector, smallest: int) -> list[_Seen]:
    """Decode a file and bring its images to the form in which they are judged."""
    if not path.is_file():
        # A pipe or a device would keep a reader waiting for ever.
        reason = "not a regular file" if path.exists() else "no such file"
        return [_Seen(path, reason, None)]
    try:
        images = decode(path)
    except DecodeError as error:
        return [_Seen(path, str(error), None)]
    found = []
    for image in images:
        height, width = image.pixels.shape[:2]
        note = f"image {image.part}" if len(images) > 1 else ""
        reason = ""
        if min(height, width) < smallest:
            reason = f"too small: {width} x {height} pixels, fewer than {smallest} on a side"
        elif image.pixels.min() == image.pixels.max():
            reason = "blank: all its pixels are alike"
        seen = None if reason else detector.see(image.pixels)
        found.append(_Seen(path, "; ".join(filter(None, (note, reason))), seen))
    return found


def _files(source: Path) -> Iterator[Path]:
    """Return the files of a source; what is wrong with the source itself is raised at once."""
    if not source.exists():
        raise InputError(f"{source} does not exist")
    if not source.is_dir():
        return iter([source])
    if (source / _CATALOG).is_file():
        return iter(open_catalog(source).files())
    files = _walk(source)
    first = next(files, None)
    if first is None:
        raise InputError(f"{source} holds no files")
    return (path for part in ([first], files) for path in part)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield every file below `folder` by name; links to folders are not followed."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(root, name)


def _plain(name: str) -> str:
    """Return a name that any file system takes."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    return kept[:60] or "image"
