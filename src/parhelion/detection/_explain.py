"""The explanation of a verdict as one picture: image, spectrum, saliency, profile, words."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from parhelion.detection import _draw as d
from parhelion.detection._predict import Detector
from parhelion.detection._saliency import saliency
from parhelion.detection._spectrum import log_spectrum, spectrum_profile
from parhelion.provenance import write_image
from parhelion.training import to_model

_SIDE = 288
_GAP = 24
_HEAD = 104
_FOOT = 118
_COLORS = {"made": d.MADE, "observed": d.OBSERVED, "cannot tell": d.UNSURE}
_WORDS = {
    "made": "Made by a model",
    "observed": "Observed",
    "cannot tell": "Cannot tell",
}


def explain(
    detector: Detector,
    seen: NDArray[np.uint8],
    *,
    path: str,
    probability_made: float,
    verdict: str,
    note: str = "",
) -> NDArray[np.uint8]:
    """Draw what a verdict rests on.

    Parameters
    ----------
    detector : Detector
        The detector that gave the verdict.
    seen : ndarray
        ``(S, S, 3)`` uint8, as `Detector.see` returns it.
    path : str
        Name of the image, for the title.
    probability_made : float
        Calibrated probability.
    verdict : {"made", "observed", "cannot tell"}
        In a word.
    note : str
        The verdict's note.

    Returns
    -------
    picture : ndarray
        ``(H, W, 3)`` uint8.
    """
    width = 4 * _SIDE + 5 * _GAP
    sheet = Image.new("RGB", (width, _HEAD + _SIDE + _FOOT), d.BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _title(draw, width, path, probability_made, verdict)

    luma = np.asarray(Image.fromarray(seen).convert("L"), dtype=np.float32) / 255
    spectrum = log_spectrum(to_model(seen[None]))[0, 0].numpy()
    heat = saliency(detector, seen)
    share = 0.75 * heat[..., None] ** 0.8
    ground = d.stretch(luma, 1, 99.5)[..., None] * 150.0
    overlay = np.rint(ground * (1 - share) + d.colorize(heat) * share).astype(np.uint8)
    panels = (
        ("what the detector sees", seen),
        ("its Fourier spectrum", d.colorize(d.stretch(spectrum, 1, 99.8))),
        ("what moves the verdict", overlay),
    )
    for place, (caption, pixels) in enumerate(panels):
        left = _GAP + place * (_SIDE + _GAP)
        d.paste(sheet, pixels, left, _HEAD, _SIDE)
        draw.text((left, _HEAD + _SIDE + 8), caption, d.DIM, d.font(15))
    _profile(sheet, draw, 4 * _GAP + 3 * _SIDE, detector, seen, verdict)
    _foot(draw, width, detector, note)
    return np.asarray(sheet, dtype=np.uint8)


def write_explanation(
    file: Path,
    detector: Detector,
    seen: NDArray[np.uint8],
    *,
    path: str,
    probability_made: float,
    verdict: str,
    note: str = "",
) -> None:
    """Write the picture of `explain` to `file`, marked as drawn, not made by a model."""
    picture = explain(
        detector, seen, path=path, probability_made=probability_made, verdict=verdict, note=note
    )
    recipe = {
        "operation": "explain",
        "of": path,
        "model_id": detector.card.get("model_id"),
        "probability_made": probability_made,
        "verdict": verdict,
    }
    write_image(file, picture, recipe=recipe, made=False)


def _title(
    draw: ImageDraw.ImageDraw, width: int, path: str, probability_made: float, verdict: str
) -> None:
    color = _COLORS[verdict]
    draw.rectangle((0, 0, 7, _HEAD - 22), color)
    draw.text((_GAP, 14), _WORDS[verdict], color, d.font(34))
    offset = _GAP + d.font(34).getlength(_WORDS[verdict]) + 20
    draw.text((offset, 27), f"probability of being made {probability_made:.1%}", d.TEXT, d.font(20))
    # Pillow's font has Latin letters only; others are written as escapes, not as boxes.
    name = path.encode("ascii", "backslashreplace").decode().replace("\n", "\\n")
    draw.text((_GAP, 60), d.fit_text(name, 16, width - 2 * _GAP), d.DIM, d.font(16))


def _profile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    left: int,
    detector: Detector,
    seen: NDArray[np.uint8],
    verdict: str,
) -> None:
    real = detector.card["spectra"]["observed"]
    mine = spectrum_profile(seen)
    # Ring 0 is a single pixel, the sky level that the spectrum leaves out.
    chart = d.plot(
        _SIDE,
        _SIDE,
        (real["low"][1:], real["high"][1:]),
        [(real["median"][1:], d.OBSERVED), (mine[1:].tolist(), d.TEXT)],
    )
    sheet.paste(chart, (left, _HEAD))
    draw.text((left + _SIDE - 132, _HEAD + 8), "this image", d.TEXT, d.font(14))
    draw.text((left + _SIDE - 132, _HEAD + 26), "observed images", d.OBSERVED, d.font(14))
    draw.text((left + _SIDE - 132, _HEAD + 44), "(shaded: 5-95 %)", d.DIM, d.font(14))
    top = _HEAD + _SIDE + 8
    draw.text((left, top), "spectrum by frequency, coarse to fine", d.DIM, d.font(15))


def _foot(draw: ImageDraw.ImageDraw, width: int, detector: Detector, note: str) -> None:
    card = detector.card
    low, high = card["band"]
    sentences = [
        f"Above {high:.3f} it is called made, below {low:.3f} observed; in between the detector "
        f"cannot tell. On test images it was right for {card['test']['accuracy']:.0%}; the file "
        f"format alone gives {card['format_only_accuracy']:.0%}, chance is 50%.",
        (f"Note: {note}. " if note else "")
        + "The file's name, size, format and metadata play no part in the verdict.",
    ]
    top = _HEAD + _SIDE + 46
    for line in sentences:
        text = line.encode("ascii", "backslashreplace").decode().replace("\n", "\\n")
        draw.text((_GAP, top), d.fit_text(text, 16, width - 2 * _GAP), d.TEXT, d.font(16))
        top += 26
