"""One screen on one file: its mark, its metadata, its pixels' hash, and the verdict."""

from pathlib import Path
from typing import Any

from parhelion.catalog import decode, image_id
from parhelion.detection._detect import detect
from parhelion.detection._metadata import kind_of, metadata_of
from parhelion.detection._predict import Detector
from parhelion.detection._settings import SHIPPED, DetectSettings
from parhelion.errors import DecodeError, InputError
from parhelion.provenance import read_mark


def inspect(path: Path | str, model: Path | str | Detector | None = SHIPPED) -> dict[str, Any]:
    """Bring together what a file says of itself and what its pixels say.

    Parameters
    ----------
    path : Path
        Any file: image, FITS, animation, film, Parquet table, archive, or something else.
    model : Path or Detector, optional
        A trained detector, or the name of one that ships; with None there is no verdict.

    Returns
    -------
    found : dict
        JSON-serializable: `path`; `summary`, what all of it comes to, in a sentence or two;
        `bytes`; `kind` (``image``, ``FITS``, ``film``, ``Parquet``, ``archive`` or ``unknown``);
        `mark` (`software`, `source_type`, `made`, `recipe`) or None; `metadata`; `images`
        (`part`, `width`, `height`, `channels` and `image_id` of each image in the file);
        `problem`, the reason why the file or its metadata cannot be read, or None; `verdicts`
        (`part`, `probability_made`, `verdict`, `note`), None without a model, empty where there
        is nothing to judge.

    Raises
    ------
    InputError
        If there is no such file, or it is a folder, a pipe or a device.
    ModelError
        If `model` is not a detector.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if not path.is_file():
        raise InputError(
            f"{path} is not a regular file; inspect takes one file, `parhelion detect` a folder"
        )
    try:
        kind = kind_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    images, problem = _images(path) if kind in ("image", "FITS", "unknown") else ([], None)
    metadata: dict[str, Any] = {}
    mark = None
    # A compressed file that was refused as an image may be a bomb: it stays packed.
    if problem is None or kind != "FITS" or path.suffix.lower() in (".fits", ".fit", ".fts"):
        # Each by itself: a mark is to be told even where other metadata are damaged. As in
        # decoding, what parsers of other people's bytes may raise is anything.
        try:
            mark = read_mark(path)
        except Exception as error:
            problem = problem or f"damaged mark: {_line(error)}"
        try:
            metadata = metadata_of(path, kind)
        except Exception as error:
            problem = problem or f"damaged metadata: {_line(error)}"
    found: dict[str, Any] = {
        "path": str(path),
        "summary": "",
        "bytes": path.stat().st_size,
        "kind": kind,
        "mark": None,
        "metadata": metadata,
        "images": images,
        "problem": problem,
        "verdicts": None,
    }
    if mark is not None:
        found["mark"] = {
            "software": mark.software,
            "source_type": mark.source_type,
            "made": mark.made,
            "recipe": mark.recipe,
        }
    if model is not None:
        # Of an archive, `detect` would judge every member.
        judged = path if kind in ("image", "FITS", "unknown") else None
        verdicts = (
            [] if judged is None else detect(judged, model, DetectSettings(batch=1, workers=1))
        )
        names = ("part", "probability_made", "verdict", "note")
        found["verdicts"] = [{name: getattr(item, name) for name in names} for item in verdicts]
    found["summary"] = _summary(found)
    return found


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _summary(found: dict[str, Any]) -> str:
    """Say first what the file says of itself, then what its pixels do, in plain words."""
    mark, verdicts = found["mark"], found["verdicts"] or []
    given = [item for item in verdicts if item["probability_made"] is not None]
    parts = []
    if mark is not None and mark["made"]:
        by = mark["software"] or "a model"
        parts.append(f"Made by {by}: the file's own mark says so.")
    elif mark is not None:
        parts.append(f"Written by {mark['software']}, whose mark does not call it made.")
    if len(given) > 1:
        words = ("made", "observed", "cannot tell")
        counts = {word: sum(item["verdict"] == word for item in given) for word in words}
        listed = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        parts.append(f"Its {len(given)} images, by their pixels: {listed}.")
    elif given:
        parts.append(_from_pixels(given[0], mark))
    elif verdicts:
        parts.append(f"It cannot be judged: {verdicts[0]['note']}.")
    elif found["problem"] is not None:
        parts.append(f"It cannot be judged: {found['problem']}.")
    elif found["verdicts"] is not None:
        parts.append(f"Its pixels were not judged: {found['kind']} files are not.")
    if not parts:
        parts.append("It carries no mark of a model; its pixels were not judged.")
    return " ".join(parts)


def _from_pixels(verdict: dict[str, Any], mark: dict[str, Any] | None) -> str:
    """Return what the pixels say, and whether that is what the mark says."""
    chance = f"probability of being made {verdict['probability_made']:.2f}"
    said = None if mark is None or not mark["made"] else "made"
    if verdict["verdict"] == "cannot tell":
        return f"By its pixels it cannot be told ({chance})."
    if said is None:
        silent = "" if mark is not None else "; the file itself says nothing"
        looks = "made by a model" if verdict["verdict"] == "made" else "observed"
        return f"By its pixels it looks {looks} ({chance}){silent}."
    if verdict["verdict"] == said:
        return f"Its pixels agree ({chance})."
    return f"The detector, which reads no marks, takes it for observed ({chance})."


def _images(path: Path) -> tuple[list[dict[str, Any]], str | None]:
    """Return what the decoder finds in a file, or the reason why it finds nothing."""
    try:
        decoded = decode(path)
    except DecodeError as error:
        return [], str(error)
    return [
        {
            "part": image.part,
            "width": image.pixels.shape[1],
            "height": image.pixels.shape[0],
            "channels": image.pixels.shape[2],
            "image_id": image_id(image.pixels),
        }
        for image in decoded
    ], None
