"""Mean spectra of observed and made images, as the detector sees them (AstroSpy, Figure 3)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from parhelion.detection import log_spectrum, radial_profile
from parhelion.errors import InputError
from parhelion.training import to_model

_BATCH = 64


def mean_spectrum(
    images: Iterable[NDArray[np.uint8]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean two-dimensional log spectrum of images, and the spread of their profiles.

    Parameters
    ----------
    images : iterable of ndarray
        ``(S, S, 3)`` uint8 of one size.

    Returns
    -------
    spectrum : ndarray
        ``(S, S)`` float32: the mean of the standardized log spectra (`log_spectrum`), zero
        frequency at ``[S // 2, S // 2]``.
    profiles : ndarray
        ``(3, S // 2)`` float32: the 5th percentile, the median and the 95th of the radial
        profiles, from frequency 0.

    Raises
    ------
    InputError
        If there is no image.
    """
    total: NDArray[np.float64] | None = None
    profiles = []
    for batch in _batches(images):
        spectra = log_spectrum(to_model(batch))  # (B, 1, S, S)
        summed = spectra.double().sum((0, 1)).numpy()
        total = summed if total is None else total + summed
        profiles.append(radial_profile(spectra).numpy())
    if total is None:
        raise InputError("no image to take a spectrum of")
    rings = np.concatenate(profiles)
    spread = np.percentile(rings, (5, 50, 95), axis=0).astype(np.float32)
    return (total / len(rings)).astype(np.float32), spread


def _batches(images: Iterable[NDArray[np.uint8]]) -> Iterable[NDArray[np.uint8]]:
    waiting: list[NDArray[np.uint8]] = []
    for image in images:
        waiting.append(image)
        if len(waiting) == _BATCH:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)
