"""The explanation of a verdict as one picture: where, in which detail, how unlike, in words."""

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import uniform_filter

from parhelion.detection import _draw as d
from parhelion.detection import _reasons
from parhelion.detection._predict import Detector
from parhelion.detection._saliency import saliency
from parhelion.detection._spectrum import log_spectrum, resampled, spectrum_profile
from parhelion.detection._verdict import Verdict
from parhelion.detection._views import View
from parhelion.provenance import write_image
from parhelion.training import to_model

Pixels = NDArray[np.uint8]

_SMALL, _GAP, _CAPTION = 216, 24, 24
_HEAD = 112
_BODY = 2 * (_SMALL + _CAPTION)
_BIG = _BODY - _CAPTION - 20
_WIDTH = _BIG + 3 * _SMALL + 5 * _GAP
_LINE = 24
_LABEL = (42, 22)
_REACH = 3.0  # of the profile's plot, in half-widths of the range of observed images
_SCALE_WIDTH = 2 * _SMALL + _GAP
_SCALE = (d.OBSERVED, (150, 156, 170), d.MADE)
_COLORS = {"made": d.MADE, "observed": d.OBSERVED, "cannot tell": d.UNSURE}
_WORDS = {
    "made": "Made by a model",
    "observed": "Observed",
    "cannot tell": "Cannot tell",
}


def explain(detector: Detector, pixels: Pixels, verdict: Verdict) -> Pixels:
    """Draw what a verdict rests on.

    Parameters
    ----------
    detector : Detector
        The detector that gave the verdict.
    pixels : ndarray
        ``(H, W, C)`` uint8, C = 1 or 3: the image.
    verdict : Verdict
        With a probability.

    Returns
    -------
    picture : ndarray
        ``(H, W, 3)`` uint8: the image with the patches that were judged, each in the color of
        its own probability; the most telling one enlarged, its fine detail alone, and what in
        it moves the verdict; the mean spectrum, its radial profile beside that of observed
        images; and sentences.
    """
    height, width = pixels.shape[:2]
    verdict = dataclasses.replace(verdict, width=width, height=height)
    return _draw(detector, detector.see(pixels), reduced(pixels), verdict)


def reduced(pixels: Pixels) -> Pixels:
    """Return an image no larger than an explanation shows it."""
    if max(pixels.shape[:2]) <= _BIG:
        return pixels
    return np.asarray(d.fit(pixels, _BIG), np.uint8)


def write_explanation(
    file: Path, detector: Detector, seen: View, whole: Pixels, verdict: Verdict
) -> None:
    """Write the picture of `explain` to `file`, marked as drawn, not made by a model.

    Parameters
    ----------
    file : Path
        Where to.
    detector : Detector
        The detector that gave the verdict.
    seen : View
        What it saw.
    whole : ndarray
        The image, as `reduced` returns it.
    verdict : Verdict
        What it said.
    """
    recipe = {
        "operation": "explain",
        "model_id": detector.card.get("model_id"),
        **dataclasses.asdict(verdict),
    }
    write_image(file, _draw(detector, seen, whole, verdict), recipe=recipe, made=False)


def _draw(detector: Detector, seen: View, whole: Pixels, verdict: Verdict) -> Pixels:
    chances = detector.probability_made(detector.patch_logits(seen)).tolist()
    profile = resampled(spectrum_profile(seen.patches), detector.settings.image_size // 2)
    words = " ".join(
        filter(
            None,
            (
                f"Note: {verdict.note}." if verdict.note else "",
                _reasons.of_patches(chances),
                _reasons.of_spectrum(profile, detector.card["spectra"]["observed"]),
                _reasons.of_limits(detector.band(seen), detector.card),
            ),
        )
    )
    lines = [
        *((line, d.TEXT) for line in d.wrap(d.latin(words), 17, _WIDTH - 2 * _GAP)),
        *((line, d.DIM) for line in d.wrap(_reasons.HELP, 17, _WIDTH - 2 * _GAP)),
    ]
    height = _HEAD + _BODY + _GAP + len(lines) * _LINE + _GAP // 2
    sheet = Image.new("RGB", (_WIDTH, height), d.BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _title(draw, detector.band(seen), verdict)
    telling = int(np.argmin(chances) if verdict.verdict == "observed" else np.argmax(chances))
    _whole(sheet, draw, whole, seen, chances, telling, verdict)
    _telling(sheet, draw, detector, seen, telling, verdict)
    _spectrum(sheet, draw, detector, seen, profile)
    for number, (line, shade) in enumerate(lines):
        draw.text((_GAP, _HEAD + _BODY + _GAP + number * _LINE), line, shade, d.font(17))
    return np.asarray(sheet, dtype=np.uint8)


def _title(draw: ImageDraw.ImageDraw, band: tuple[float, float], verdict: Verdict) -> None:
    """Draw verdict and name, and at the right where the probability lies between the limits."""
    color, words = _COLORS[verdict.verdict], _WORDS[verdict.verdict]
    draw.rectangle((0, 0, 7, _HEAD - 24), color)
    draw.text((_GAP, 14), words, color, d.font(38))
    part = f" [{verdict.part}]" if verdict.part else ""
    size = f"   {verdict.width} x {verdict.height} pixels"
    room = _WIDTH - 3 * _GAP - _SCALE_WIDTH
    name = d.fit_text(d.latin(verdict.path) + part + size, 17, room)
    draw.text((_GAP, 66), name, d.DIM, d.font(17))

    left, top = _WIDTH - _GAP - _SCALE_WIDTH, 46
    low, high = band
    chance = float(verdict.probability_made or 0)
    edges = (0.0, low, high, 1.0)
    for start, end, shade in zip(edges, edges[1:], (d.OBSERVED, d.UNSURE, d.MADE), strict=False):
        box = (left + start * _SCALE_WIDTH, top, left + end * _SCALE_WIDTH, top + 9)
        draw.rectangle(box, shade)
    x = left + chance * _SCALE_WIDTH
    draw.polygon([(x, top - 2), (x - 8, top - 14), (x + 8, top - 14)], d.TEXT)
    draw.line((x, top - 4, x, top + 13), d.TEXT, 3)
    text = f"probability of being made: {chance:.1%}"
    draw.text((left, 6), text, d.TEXT, d.font(19))
    for place, word, shade in ((0.0, "observed", d.OBSERVED), (1.0, "made", d.MADE)):
        across = d.font(15).getlength(word)
        draw.text((left + place * (_SCALE_WIDTH - across), top + 15), word, shade, d.font(15))
    across = d.font(15).getlength("cannot tell")
    middle = left + min(max((low + high) / 2 * _SCALE_WIDTH, 120), _SCALE_WIDTH - 120)
    draw.text((middle - across / 2, top + 15), "cannot tell", d.UNSURE, d.font(15))


def _whole(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    whole: Pixels,
    seen: View,
    chances: list[float],
    telling: int,
    verdict: Verdict,
) -> None:
    """Draw the image with what was judged of it, and the scale of its colors."""
    draw.rectangle((_GAP, _HEAD, _GAP + _BIG - 1, _HEAD + _BIG - 1), d.PANEL)
    picture = d.fit(whole, _BIG)
    left, top = _GAP + (_BIG - picture.width) // 2, _HEAD + (_BIG - picture.height) // 2
    boxes = seen.boxes.astype(np.float64) * (picture.width / (verdict.width or whole.shape[1]))
    # Of a very large image a patch is a dot, but one that can be seen.
    boxes[:, 2:] = np.maximum(boxes[:, 2:], 5)
    tinted = _tint(np.asarray(picture), boxes, chances) if len(chances) > 1 else picture
    sheet.paste(tinted, (left, top))
    corners = [(left + x, top + y) for y, x, _, _ in boxes.tolist()]
    # The most telling one is framed last, over the others, and named first.
    first = sorted(range(len(chances)), key=lambda index: index != telling)
    for index in reversed(first):
        height, width = boxes[index, 2:].tolist()
        x, y = corners[index]
        box = (x, y, x + width - 1, y + height - 1)
        draw.rectangle(box, outline=d.between(chances[index], _SCALE), width=2)
        if index == telling and len(chances) > 1:
            draw.rectangle(box, outline=d.TEXT, width=3)
    named: list[tuple[float, float]] = []
    for index in first if len(chances) > 1 else ():
        x, y = corners[index]
        free = all(abs(x - a) > _LABEL[0] or abs(y - b) > _LABEL[1] for a, b in named)
        if free and boxes[index, 3] > _LABEL[0]:
            named.append((x, y))
            draw.rectangle((x + 4, y + 4, x + 39, y + 21), d.BACKGROUND)
            color = d.between(chances[index], _SCALE)
            draw.text((x + 7, y + 5), f"{chances[index]:.2f}", color, d.font(14))
    y = _HEAD + _BIG + 10
    for step in range(_BIG):
        color = d.between(step / (_BIG - 1), _SCALE)
        draw.line((_GAP + step, y, _GAP + step, y + 5), color)
    what = "patch by patch" if len(chances) > 1 else "the frame: what is judged"
    draw.text((_GAP, y + 10), "observed", d.OBSERVED, d.font(15))
    across = d.font(15).getlength(what)
    draw.text((_GAP + (_BIG - across) / 2, y + 10), what, d.DIM, d.font(15))
    across = d.font(15).getlength("made")
    draw.text((_GAP + _BIG - across, y + 10), "made", d.MADE, d.font(15))


def _tint(picture: Pixels, boxes: NDArray[np.float64], chances: list[float]) -> Image.Image:
    """Lay over what patches cover the color of their mean probability, thinly."""
    total, count = np.zeros((2, *picture.shape[:2]))
    for (y, x, height, width), chance in zip(boxes.tolist(), chances, strict=True):
        part = slice(round(y), round(y + height)), slice(round(x), round(x + width))
        total[part] += chance
        count[part] += 1
    shades = np.array([d.between(step / 100, _SCALE) for step in range(101)])
    color = shades[np.rint(100 * total / np.maximum(count, 1)).astype(int)]
    share = np.where(count > 0, 0.22, 0.0)[..., None]
    return Image.fromarray(np.rint(picture * (1 - share) + color * share).astype(np.uint8))


def _telling(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    detector: Detector,
    seen: View,
    telling: int,
    verdict: Verdict,
) -> None:
    """Draw the most telling patch, its fine detail alone, and what in it moves the verdict."""
    patch = seen.patches[telling]
    luma = np.asarray(Image.fromarray(patch).convert("L"), dtype=np.float32)
    low, high = np.percentile(luma, (0.5, 99.7))
    shown = np.clip((patch - low) / max(high - low, 8.0), 0, 1)
    detail = luma - uniform_filter(luma, 3, mode="reflect")
    spread = max(float(np.percentile(np.abs(detail), 99)), 1.0)
    grain = np.repeat(np.clip(0.5 + detail / (2 * spread), 0, 1)[..., None], 3, -1)
    heat = saliency(detector, patch)
    share = 0.75 * heat[..., None] ** 0.8
    ground = d.stretch(luma, 1, 99.5)[..., None] * 150.0
    overlay = ground * (1 - share) + d.colorize(heat) * share
    word = "observed" if verdict.verdict == "observed" else "made"
    name = "what is judged" if len(seen.patches) == 1 else f"the patch most like {word}"
    panels = (
        (name, shown * 255),
        ("its fine detail alone", grain * 255),
        ("what in it counts", overlay),
    )
    for place, (caption, pixels) in enumerate(panels):
        left = _GAP + _BIG + _GAP + place * (_SMALL + _GAP)
        sheet.paste(d.fit(np.rint(pixels).astype(np.uint8), _SMALL), (left, _HEAD))
        draw.text((left, _HEAD + _SMALL + 4), caption, d.DIM, d.font(15))


def _spectrum(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    detector: Detector,
    seen: View,
    profile: NDArray[np.float32],
) -> None:
    """Draw the mean spectrum, and its profile over the range of observed images."""
    left, top = _GAP + _BIG + _GAP, _HEAD + _SMALL + _CAPTION + 12
    spectrum = log_spectrum(to_model(seen.patches)).mean(0)[0].numpy()
    sheet.paste(d.fit(d.colorize(d.stretch(spectrum, 1, 99.8)), _SMALL), (left, top))
    draw.text((left, top + _SMALL + 4), "its Fourier spectrum", d.DIM, d.font(15))
    left += _SMALL + _GAP
    width = 2 * _SMALL + _GAP
    # Ring 0 is a single pixel, the sky level that the spectrum leaves out.
    real = {
        name: np.asarray(values[1:], np.float32)
        for name, values in detector.card["spectra"]["observed"].items()
    }
    # Beside the steep fall of every spectrum, what is unusual would be too small to see.
    unit = np.maximum((real["high"] - real["low"]) / 2, 1e-3)
    low, mine, high = (
        ((values - real["median"]) / unit).tolist()
        for values in (real["low"], profile[1:], real["high"])
    )
    lines = [([0.0] * len(mine), d.OBSERVED), (mine, d.TEXT)]
    sheet.paste(d.plot(width, _SMALL, (low, high), lines, reach=_REACH), (left, top))
    draw.text((left + 8, top + 6), "more than usual", d.DIM, d.font(14))
    draw.text((left + 8, top + _SMALL - 24), "less than usual", d.DIM, d.font(14))
    x = left + width - 8
    for row, (text, shade) in enumerate(
        (("this image", d.TEXT), ("observed images (shaded: 9 of 10)", d.OBSERVED))
    ):
        across = d.font(14).getlength(text)
        draw.text((x - across, top + 6 + 18 * row), text, shade, d.font(14))
    caption = "strength of its detail, from coarse (left) to fine"
    draw.text((left, top + _SMALL + 4), caption, d.DIM, d.font(15))
