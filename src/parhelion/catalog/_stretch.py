"""From counts to gray levels: the asinh stretch of Lupton et al. 2004, scaled by the noise.

Lupton, Blanton, Fekete, Hogg, O'Mullane, Szalay & Wherry (2004), PASP 116, 133.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog._settings import DecodeSettings
from parhelion.errors import DecodeError

_SAMPLE = 250_000
_ROWS = 1 << 22  # pixels that are stretched at a time
# Noise-free pictures (simulations, masked stamps) get this share of their range for noise.
_LEAST_NOISE, _ASSUMED_NOISE = 1e-6, 1e-3
# Beyond this a value stands for "none" (the largest float32 is a common one) or is an error.
_LARGEST = 1e30
# Pixels that set the color balance: this many times the noise above the sky, at least so many.
_BRIGHT, _FEWEST_BRIGHT = 10.0, 50

Floats = NDArray[np.floating[Any]]


def stretch(
    bands: Sequence[Floats], settings: DecodeSettings
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Return bands as 8-bit pixels, and the parameters that were found for it.

    Sky and spread are the median and standard deviation after clipping at 3 standard
    deviations. The slope at the sky is set by the noise, the bright end by the white point, and
    Lupton's softening Q follows from the two. In color, the typical source is made white.

    Parameters
    ----------
    bands : sequence of ndarray
        One ``(H, W)`` array, or three: red, green, blue. NaN is missing, infinities saturate.
    settings : DecodeSettings
        Noise level, black and white points.

    Returns
    -------
    pixels : ndarray
        ``(H, W, 1)`` or ``(H, W, 3)`` uint8.
    parameters : dict
        JSON; `apply_stretch` with it gives the same pixels again.

    Raises
    ------
    DecodeError
        If a band has no finite pixel, or all pixels have one value.
    """
    samples = [_sample(band) for band in bands]
    if any(len(values) == 0 for values in samples):
        raise DecodeError("no finite pixel")
    if all(values.min() == values.max() for values in samples):
        raise DecodeError(f"every pixel has the same value ({samples[0][0]:g})")
    skies, scales, blacks = [], [], []
    for band, values in zip(bands, samples, strict=True):
        sky, spread = sky_level(values)
        reach = float(np.percentile(values, settings.white_percentile)) - sky
        if reach <= 0:
            reach = float(values.max()) - sky
        if spread <= _LEAST_NOISE * reach:
            spread = _ASSUMED_NOISE * reach
        spread = spread or 1.0  # a flat band beside others that are not
        # Where an object fills the frame the spread is its structure, far above the noise; but
        # the noise from one pixel to the next alone would show what resampling has smoothed.
        noise = math.sqrt(spread * max(pixel_noise(band), spread / 10))
        skies.append(sky)
        scales.append(noise)
        blacks.append(sky - settings.black_sigma * spread)
    if len(bands) == 3:
        scales = _balance(bands, skies, scales)
    white = _white_point(bands, blacks, scales, settings)
    slope, softening = _slope_and_softening(settings.noise_level, white)
    missing = int(sum(band.size - np.count_nonzero(np.isfinite(band)) for band in bands))
    parameters: dict[str, Any] = {
        "function": "asinh",
        "source": "Lupton et al. 2004",
        "black": blacks,
        "scale": scales,
        "sky": skies,
        "white": white,
        "slope": slope,
        "q": softening,
        "not_finite": missing,
    }
    return apply_stretch(bands, parameters), parameters


def apply_stretch(bands: Sequence[Floats], parameters: dict[str, Any]) -> NDArray[np.uint8]:
    """Stretch bands by known parameters.

    With ``x = (band - black) / scale`` and I the mean of x over the bands, a band is shown as
    ``x F(I) / I`` where ``F(I) = asinh(slope Q I) / Q`` (equations 2 and 3 of the paper); where
    a band would pass 1, all are divided by the largest, which keeps the color.

    Parameters
    ----------
    bands : sequence of ndarray
        One or three arrays ``(H, W)``.
    parameters : dict
        As returned by `stretch`.

    Returns
    -------
    pixels : ndarray
        ``(H, W, C)`` uint8.
    """
    height, width = bands[0].shape
    pixels = np.empty((height, width, len(bands)), np.uint8)
    slope, softening, white = parameters["slope"], parameters["q"], parameters["white"]
    step = max(1, _ROWS // max(1, width))
    for top in range(0, height, step):
        rows = np.s_[top : top + step]
        light = np.stack(
            [
                _normalize(band[rows], black, scale, white)
                for band, black, scale in zip(
                    bands, parameters["black"], parameters["scale"], strict=True
                )
            ],
            axis=-1,
        )
        mean = np.maximum(light.mean(axis=-1, keepdims=True), 1e-12)
        shown = np.arcsinh(slope * softening * mean) / softening if softening else slope * mean
        if len(bands) == 1:
            value = shown
        else:
            value = light * (shown / mean)
            value /= np.maximum(value.max(axis=-1, keepdims=True), 1.0)
        pixels[rows] = np.rint(255 * np.clip(value, 0, 1)).astype(np.uint8)
    return pixels


def sky_level(values: Floats) -> tuple[float, float]:
    """Return the median and standard deviation of finite `values`, clipped at 3 sigma."""
    kept = values
    for _ in range(20):
        middle = float(np.median(kept))
        spread = 1.4826 * float(np.median(np.abs(kept - middle))) or float(kept.std())
        inside = kept[np.abs(kept - middle) <= 3 * spread]
        if len(inside) == len(kept) or len(inside) == 0:
            break
        kept = inside
    return float(np.median(kept)), float(kept.std())


def pixel_noise(band: Floats) -> float:
    """Return the noise from one pixel to the next, by second differences along the rows."""
    height, width = band.shape
    if width < 3:
        return 0.0
    rows = band[:: max(1, height * width // _SAMPLE)].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        steps = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    steps = steps[np.abs(steps) < _LARGEST]
    # The variance of a - 2 b + c is 6 times that of each.
    return 1.4826 * float(np.median(np.abs(steps))) / math.sqrt(6) if steps.size else 0.0


def _balance(bands: Sequence[Floats], skies: list[float], scales: list[float]) -> list[float]:
    """Scale three bands so that what is well above the sky is white in the median.

    Bands have units and depths of their own; in units of the noise alone, the deepest would
    tint everything.
    """
    step = _step(bands[0])
    light = np.stack(
        [
            (band.reshape(-1)[::step].astype(np.float64) - sky) / scale
            for band, sky, scale in zip(bands, skies, scales, strict=True)
        ]
    )
    with np.errstate(invalid="ignore"):
        mean = light.mean(axis=0)
        bright = light[:, (mean > _BRIGHT) & (np.abs(light) < _LARGEST).all(axis=0)]
    if bright.shape[1] < _FEWEST_BRIGHT:
        return scales
    shares = np.median(bright / bright.mean(axis=0), axis=1)
    # A band that hardly shows the sources is not blown up beyond use.
    return [scale * max(float(share), 0.2) for scale, share in zip(scales, shares, strict=True)]


def _white_point(
    bands: Sequence[Floats], blacks: list[float], scales: list[float], settings: DecodeSettings
) -> float:
    step = _step(bands[0])
    light = np.mean(
        [
            (band.reshape(-1)[::step].astype(np.float64) - black) / scale
            for band, black, scale in zip(bands, blacks, scales, strict=True)
        ],
        axis=0,
    )
    light = light[np.abs(light) < _LARGEST]
    if not len(light):
        raise DecodeError("no pixel that is finite in all bands")
    white = float(np.percentile(light, settings.white_percentile))
    if white <= settings.black_sigma or white <= np.median(light):
        white = float(light.max())
    return white if white > 0 else 1.0


def _step(band: Floats) -> int:
    """Return a step through the pixels that takes a quarter of a million of them, evenly."""
    step = max(1, band.size // _SAMPLE)
    # One that shares no factor with the width does not follow the columns.
    while step > 1 and math.gcd(step, band.shape[1]) > 1:
        step += 1
    return step


def _sample(band: Floats) -> Floats:
    """Return some finite pixels as float64: see `_step`."""
    flat = band.reshape(-1)
    step = _step(band)
    values = flat[::step].astype(np.float64)
    values = values[np.abs(values) < _LARGEST]  # NaN compares false
    if step > 1 and (len(values) == 0 or values.min() == values.max()):
        # What the sample missed may be all that there is.
        values = flat[np.abs(flat) < _LARGEST].astype(np.float64)
    return values


def _normalize(band: Floats, black: float, scale: float, white: float) -> Floats:
    # In float64: the black point may be large beside the noise.
    light = (band.astype(np.float64) - black) / scale
    return np.nan_to_num(light, copy=False, nan=0.0, posinf=white, neginf=0.0)


def _slope_and_softening(noise_level: float, white: float) -> tuple[float, float]:
    """Solve ``asinh(slope Q white) / Q = 1`` for Q, with the slope that the noise asks for."""
    target = noise_level * white
    if target <= 1:
        # So little range that a straight line to white is steeper already.
        return 1 / white, 0.0
    low, high = 1e-9, 700.0
    for _ in range(200):
        middle = (low + high) / 2
        if math.sinh(middle) / middle < target:
            low = middle
        else:
            high = middle
    return noise_level, (low + high) / 2
