"""A galaxy's light alone: background and neighbors removed from its image by a soft mask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from parhelion.catalog import ROUNDING_RMS, extract_sources, luma
from parhelion.sky._field_model import THRESHOLD

_MIN_AREA = 9  # pixels above it
# Deblend only real neighbors: arms and clumps are the galaxy's own.
_DEBLEND = 0.05
_OFF_CENTER = 0.2  # farthest that the galaxy may be from the center, in sides of the image
_MIN_SNR = 8.0
_MAX_LOST = 0.22  # most of the galaxy's light that the tapers at the border may take
# Of the largest ellipse of the galaxy's shape that the image holds: there its light begins to fade.
_FADE = 0.6


@dataclass(frozen=True)
class Stamp:
    """The light of one galaxy, on nothing.

    Attributes
    ----------
    light : ndarray
        ``(h, w, C)`` float32 display units above the sky; exactly 0 along its border.
    x, y : float
        Center of the galaxy in `light`, 0-based pixels.
    a, b, theta : float
        Semi-axes in pixels and position angle in radians from +x towards +y, as sep measures.
    flux : float
        Sum of the luma of `light` above the isophote.
    share : float
        That flux as a share of the sum over all of `light`.
    left, top : int
        Where `light` begins in the image.
    """

    light: NDArray[np.float32]
    x: float
    y: float
    a: float
    b: float
    theta: float
    flux: float
    share: float
    left: int
    top: int


def isolate(pixels: NDArray[np.uint8]) -> tuple[Stamp | None, str]:
    """Separate the central galaxy of an image from its sky and neighbors.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, C)`` uint8: a galaxy near the center of a dark sky.

    Returns
    -------
    stamp : Stamp or None
        None where there is no usable galaxy.
    why : str
        The reason, or an empty text.
    """
    height, width = pixels.shape[:2]
    gray = luma(pixels)
    ring = _border_distance(height, width) < max(2, 0.08 * min(height, width))
    level = float(np.median(gray[ring]))
    rms = max(1.4826 * float(np.median(np.abs(gray[ring] - level))), ROUNDING_RMS)
    table, labels = extract_sources(
        gray - np.float32(level),
        rms,
        threshold=THRESHOLD,
        min_area=_MIN_AREA,
        deblend_contrast=_DEBLEND,
    )
    offset = np.hypot(table["x"] - (width - 1) / 2, table["y"] - (height - 1) / 2)
    central = np.flatnonzero(offset <= _OFF_CENTER * min(height, width))
    if not len(central):
        return None, "no source at the center"
    index = int(central[np.argmax(table["flux"][central])])
    source = table[index]
    if source["flux"] < _MIN_SNR * rms * float(source["npix"]) ** 0.5:
        return None, "too faint"
    own = labels == index + 1
    mask, near = _soft_mask(own, (labels > 0) & ~own)
    mask *= _inscribed(source, own.shape)
    above = (gray - level)[own]
    if float((above * (1 - mask[own])).sum()) > _MAX_LOST * float(above.sum()):
        return None, "runs off the image"
    sky = (distance_transform_edt(labels == 0) > 2) & ~near
    sky = sky if sky.sum() >= 0.05 * sky.size else ring
    light = pixels.astype(np.float32)
    light -= np.median(light[sky], axis=0).astype(np.float32)
    light = _denoise(light, rms, (labels > 0) & ~own) * mask[..., None]
    flux = float(luma(light)[own].sum())
    if flux <= 0:
        return None, "too faint"
    return _crop(light, source, flux), ""


def _border_distance(height: int, width: int) -> NDArray[np.float64]:
    """Return each pixel's distance to the image's outermost row or column, 0 on it."""
    y = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    x = np.minimum(np.arange(width), np.arange(width)[::-1])[None, :]
    return np.minimum(y, x).astype(np.float64)


def _soft_mask(
    own: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the weight of each pixel, 0 to 1, and where it is above 0.

    1 on the galaxy, falling smoothly to 0 around it, towards neighbors and at the border.
    """
    reach = 2.0 + 0.35 * float(own.sum()) ** 0.5
    weight = 1.0 - _smoothstep(distance_transform_edt(~own) / reach)
    if other.any():
        weight *= _smoothstep(distance_transform_edt(~other) / 2.0)
    taper = max(2.0, 0.06 * min(own.shape))
    weight *= _smoothstep(_border_distance(*own.shape) / taper)
    return weight.astype(np.float32), weight > 0


def _inscribed(source: np.void, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return weights that fall to 0 at the largest ellipse, like the galaxy, inside the image.

    A galaxy that reaches the border ends as galaxies end, and not in a straight edge.
    """
    y, x = np.mgrid[: shape[0], : shape[1]]
    dy, dx = y - float(source["y"]), x - float(source["x"])
    cos, sin = np.cos(float(source["theta"])), np.sin(float(source["theta"]))
    # A needle's ellipse would be thinner than the galaxy's outskirts.
    ratio = max(float(source["b"]) / max(float(source["a"]), 1e-6), 0.3)
    radius = np.hypot(cos * dx + sin * dy, (cos * dy - sin * dx) / ratio)
    rim = np.concatenate([radius[0], radius[-1], radius[:, 0], radius[:, -1]]).min()
    weight = 1.0 - _smoothstep((radius / max(float(rim), 1e-6) - _FADE) / (1 - _FADE))
    return np.asarray(weight, np.float32)


def _smoothstep(t: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip(t, 0.0, 1.0)
    smooth: NDArray[np.float64] = t * t * (3.0 - 2.0 * t)
    return smooth


def _denoise(
    light: NDArray[np.float32], rms: float, other: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Keep the light where it is well above the noise, and its local mean where it is not.

    The new sky brings noise of its own: a second helping would show as a disk.
    """
    valid = (~other).astype(np.float32)
    norm = np.maximum(gaussian_filter(valid, 1.5), 1e-3)
    smooth = gaussian_filter(light * valid[..., None], (1.5, 1.5, 0)) / norm[..., None]
    signal = luma(smooth) ** 2
    # Wiener's weight, with the noise taken twice so that the isophote counts as noise.
    weight = signal / (signal + (2.0 * rms) ** 2)
    result: NDArray[np.float32] = smooth + weight[..., None] * (light - smooth)
    return result


def _crop(light: NDArray[np.float32], source: np.void, flux: float) -> Stamp:
    """Cut to where there is light, with a border of zeros."""
    lit_y = np.flatnonzero(light.any(axis=(1, 2)))
    lit_x = np.flatnonzero(light.any(axis=(0, 2)))
    # The mask is 0 on the outermost pixels, so that one more is always inside.
    y0, y1 = int(lit_y[0]) - 1, int(lit_y[-1]) + 2
    x0, x1 = int(lit_x[0]) - 1, int(lit_x[-1]) + 2
    cropped = np.ascontiguousarray(light[y0:y1, x0:x1])
    return Stamp(
        light=cropped,
        x=float(source["x"]) - x0,
        y=float(source["y"]) - y0,
        a=float(source["a"]),
        b=float(source["b"]),
        theta=float(source["theta"]),
        flux=flux,
        share=flux / max(float(luma(cropped).sum()), 1e-6),
        left=x0,
        top=y0,
    )
