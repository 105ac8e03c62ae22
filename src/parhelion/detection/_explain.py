"""The explanation of a verdict as one picture: image, spectrum, saliency, profile, words."""

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from parhelion.detection import _draw as d
from parhelion.detection._predict import Detector
from parhelion.detection._saliency import saliency
from parhelion.detection._spectrum import log_spectrum, spectrum_profile
from parhelion.detection._verdict import Verdict
from parhelion.provenance import write_image
from parhelion.training import to_model

_SIDE = 288
_GAP = 24
_HEAD = 104
_LINES, _LINE = 3, 24
_FOOT = 56 + _LINES * _LINE
_COLORS = {"made": d.MADE, "observed": d.OBSERVED, "cannot tell": d.UNSURE}
_WORDS = {
    "made": "Made by a model",
    "observed": "Observed",
    "cannot tell": "Cannot tell",
}


def explain(detector: Detector, seen: NDArray[np.uint8], verdict: Verdict) -> NDArray[np.uint8]:
    """Draw what a verdict rests on.

    Parameters
    ----------
    detector : Detector
        The detector that gave the verdict.
    seen : ndarray
        ``(S, S, 3)`` uint8, as `Detector.see` returns it.
    verdict : Verdict
        With a probability.

    Returns
    -------
    picture : ndarray
        ``(H, W, 3)`` uint8.
    """
    width = 4 * _SIDE + 5 * _GAP
    sheet = Image.new("RGB", (width, _HEAD + _SIDE + _FOOT), d.BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _title(draw, width, verdict)

    luma = np.asarray(Image.fromarray(seen).convert("L"), dtype=np.float32) / 255
    spectrum = log_spectrum(to_model(seen[None]))[0, 0].numpy()
    heat = saliency(detector, seen)
    share = 0.75 * heat[..., None] ** 0.8
    ground = d.stretch(luma, 1, 99.5)[..., None] * 150.0
    overlay = np.rint(ground * (1 - share) + d.colorize(heat) * share).astype(np.uint8)
    panels = (
        ("what the detector sees", seen),
        ("its Fourier spectrum", d.colorize(d.stretch(spectrum, 1, 99.8))),
        ("what in it moves the verdict", overlay),
    )
    for place, (caption, pixels) in enumerate(panels):
        left = _GAP + place * (_SIDE + _GAP)
        d.paste(sheet, pixels, left, _HEAD, _SIDE)
        draw.text((left, _HEAD + _SIDE + 8), caption, d.DIM, d.font(15))
    _profile(sheet, draw, 4 * _GAP + 3 * _SIDE, detector, seen)
    _foot(draw, width, detector, verdict.note)
    return np.asarray(sheet, dtype=np.uint8)


def write_explanation(
    file: Path, detector: Detector, seen: NDArray[np.uint8], verdict: Verdict
) -> None:
    """Write the picture of `explain` to `file`, marked as drawn, not made by a model."""
    recipe = {
        "operation": "explain",
        "model_id": detector.card.get("model_id"),
        **dataclasses.asdict(verdict),
    }
    write_image(file, explain(detector, seen, verdict), recipe=recipe, made=False)


def _title(draw: ImageDraw.ImageDraw, width: int, verdict: Verdict) -> None:
    color, words = _COLORS[verdict.verdict], _WORDS[verdict.verdict]
    draw.rectangle((0, 0, 7, _HEAD - 22), color)
    draw.text((_GAP, 14), words, color, d.font(34))
    offset = _GAP + d.font(34).getlength(words) + 20
    probability = f"probability of being made {verdict.probability_made:.1%}"
    draw.text((offset, 27), probability, d.TEXT, d.font(20))
    name = _latin(verdict.path)
    draw.text((_GAP, 60), d.fit_text(name, 16, width - 2 * _GAP), d.DIM, d.font(16))


def _profile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    left: int,
    detector: Detector,
    seen: NDArray[np.uint8],
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
    text = (
        f"Above {high:.3f} it is called made, below {low:.3f} observed; in between the detector "
        f"cannot tell. Of the test images it got {card['test']['accuracy']:.1%} right at 0.5; from "
        f"the file format alone it would be {card['format_only_accuracy']:.1%}, by chance 50%. "
        "The file's name, size, format and metadata play no part in the verdict."
    )
    if note:
        text = f"Note: {note}. {text}"
    top = _HEAD + _SIDE + 46
    for line in d.wrap(_latin(text), 16, width - 2 * _GAP)[:_LINES]:
        draw.text((_GAP, top), line, d.TEXT, d.font(16))
        top += _LINE


def _latin(text: str) -> str:
    """Return text with what Pillow's font does not have as escapes, on one line."""
    return text.encode("ascii", "backslashreplace").decode().replace("\n", "\\n")
