"""Sources of an image: background, noise and segmentation by sep, the same wherever it is needed.

sep is the library form of SExtractor (Barbary 2016, doi:10.21105/joss.00058; Bertin & Arnouts
1996, doi:10.1051/aas:1996164).
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import sep
from numpy.typing import NDArray

from parhelion.errors import InputError

#: Least noise of 8-bit pixels: rounding alone has this RMS.
ROUNDING_RMS = 12**-0.5
#: ITU-R 601 weights of red, green and blue.
LUMA = (0.299, 0.587, 0.114)
#: Bits of sep's `flag`: deblended from a neighbor; cut by the border.
MERGED, TRUNCATED = int(sep.OBJ_MERGED), int(sep.OBJ_TRUNC)

# sep's buffer sizes are global to the process.
_SEP = threading.Lock()


@dataclass(frozen=True)
class Sources:
    """What `find_sources` found.

    Attributes
    ----------
    table : ndarray
        Structured array with sep's columns, a row per source: `x`, `y` (0-based pixels, pixel
        centers are whole numbers), `a`, `b` (semi-axes: the RMS extents of the light above the
        threshold, pixels), `theta` (radians from +x towards +y), `flux` and `peak` (units of the
        image above background), `npix`, `flag`, ...
    labels : ndarray
        ``(H, W)`` int32: 0 on the sky, ``i + 1`` where row ``i`` is.
    light : ndarray
        ``(H, W)`` float32: the image less its background.
    background, rms : ndarray
        ``(H, W)`` float32: level and noise of the sky.
    """

    table: NDArray[Any]
    labels: NDArray[np.int32]
    light: NDArray[np.float32]
    background: NDArray[np.float32]
    rms: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.table)


def luma(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the gray image ``(H, W)`` float32, in the units of ``(H, W, C)`` pixels, C 1 or 3."""
    if pixels.shape[-1] == 1:
        return np.ascontiguousarray(pixels[..., 0], np.float32)
    return np.ascontiguousarray(pixels.astype(np.float32) @ np.array(LUMA, np.float32))


def find_sources(
    image: NDArray[np.float32],
    *,
    threshold: float = 1.5,
    min_area: int = 5,
    deblend_contrast: float = 0.005,
    mesh: int = 64,
) -> Sources:
    """Measure the background of a gray image, and find the sources above it.

    Parameters
    ----------
    image : ndarray
        ``(H, W)`` float32, finite.
    threshold : float
        Isophote, in background RMS.
    min_area : int
        Fewest connected pixels above the isophote.
    deblend_contrast : float
        Least share of a blend's flux that makes a source of its own.
    mesh : int
        Side of the background's cells, in pixels.

    Raises
    ------
    InputError
        If the image is so crowded that sep gives up.
    """
    image = np.ascontiguousarray(image, np.float32)
    cell = min(mesh, *image.shape)
    measured = sep.Background(image, bw=cell, bh=cell, fw=3, fh=3)
    background = np.asarray(measured.back(), np.float32)
    rms = np.maximum(np.asarray(measured.rms(), np.float32), np.float32(ROUNDING_RMS))
    light = image - background
    table, labels = extract_sources(
        light, rms, threshold=threshold, min_area=min_area, deblend_contrast=deblend_contrast
    )
    return Sources(table, labels, light, background, rms)


def extract_sources(
    light: NDArray[np.float32],
    rms: NDArray[np.float32] | float,
    *,
    threshold: float,
    min_area: int,
    deblend_contrast: float = 0.005,
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return sep's table and label image of what stands out of a background of zero.

    Parameters
    ----------
    light : ndarray
        ``(H, W)`` float32, background subtracted.
    rms : ndarray or float
        Noise of the sky, in the same units.
    """
    with _SEP:
        # Crowded images overflow the default buffer; too large a one costs time at each call.
        sep.set_extract_pixstack(light.size + 10_000)
        sep.set_sub_object_limit(16_384)
        try:
            table, labels = sep.extract(
                light,
                threshold,
                err=rms,
                minarea=min_area,
                deblend_cont=deblend_contrast,
                segmentation_map=True,
            )
        except Exception as error:  # sep raises nothing more precise
            raise InputError(
                f"cannot separate the sources of an image of {light.shape[1]} x "
                f"{light.shape[0]} pixels: {error}; raise --threshold"
            ) from error
    return table, np.asarray(labels, np.int32)
