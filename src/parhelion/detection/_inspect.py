"""One screen on one file: its mark, its metadata, its pixels' hash, and the verdict."""

import struct
from pathlib import Path
from typing import Any

from parhelion.catalog import decode, image_id
from parhelion.detection._detect import detect
from parhelion.detection._metadata import kind_of, metadata_of
from parhelion.detection._predict import Detector
from parhelion.detection._settings import DetectSettings
from parhelion.errors import DecodeError, InputError
from parhelion.provenance import read_mark

# What Pillow, astropy and the compressors raise on damaged files.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    SyntaxError,
    struct.error,
)


def inspect(path: Path | str, model: Path | str | Detector | None = None) -> dict[str, Any]:
    """Bring together what a file says of itself and what its pixels say.

    Parameters
    ----------
    path : Path
        Any file: image, FITS, animation, film, Parquet table, or something else.
    model : Path or Detector, optional
        A trained detector; without one there is no verdict.

    Returns
    -------
    found : dict
        JSON-serializable: `path`; `bytes`; `kind` (``image``, ``FITS``, ``film``, ``Parquet``
        or ``unknown``); `mark` (`software`, `source_type`, `made`, `recipe`) or None;
        `metadata`; `images` (`part`, `width`, `height`, `channels` and `image_id` of each
        image in the file); `problem`, the reason why the file or its metadata cannot be read,
        or None; `verdicts` (`probability_made`, `verdict`, `note`), None without a model.

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
    try:
        # A compressed file that was refused as an image may be a bomb: it stays packed.
        if problem is None or kind != "FITS" or path.suffix.lower() in (".fits", ".fit", ".fts"):
            metadata = metadata_of(path, kind)
            mark = read_mark(path)
    except _DAMAGE as error:
        problem = problem or f"damaged metadata: {error}"
    found: dict[str, Any] = {
        "path": str(path),
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
        verdicts = detect(path, model, DetectSettings(batch=1, workers=1))
        found["verdicts"] = [
            {name: getattr(item, name) for name in ("probability_made", "verdict", "note")}
            for item in verdicts
        ]
    return found


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
