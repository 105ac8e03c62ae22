"""Whether an image is of the kind that the detector was trained on; elsewhere it cannot tell."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parhelion.detection._spectrum import resampled, spectrum_profile

Floats = NDArray[np.float64]

_RINGS, _BINS = 48, 24
# Share of each covariance that is only its diagonal, so that few images give a sound inverse.
_SHRINKAGE = 0.1


@dataclass(frozen=True)
class Domain:
    """Where the training images lie among simple traits, one Gaussian for each class."""

    centers: Floats
    """``(2, F)``: mean traits of observed and of made images."""
    precisions: Floats
    """``(2, F, F)``: inverse covariances."""

    def distance(self, traits: Floats) -> Floats:
        """Return the Mahalanobis distance ``(N,)`` of traits ``(N, F)`` to the nearer class."""
        apart = traits[:, None] - self.centers  # (N, 2, F)
        squares = np.einsum("nci,cij,ncj->nc", apart, self.precisions, apart)
        nearest: Floats = np.sqrt(squares.min(1))
        return nearest


def traits(patches: NDArray[np.uint8]) -> Floats:
    """Return what is compared of an image: its radial spectrum, level, contrast and tint.

    Parameters
    ----------
    patches : ndarray
        ``(K, S, S, 3)`` uint8, as judged.

    Returns
    -------
    traits : ndarray
        ``(F,)`` float64: the mean profile of the spectra in 24 bins, the mean, standard
        deviation and median in gray levels, and how far each color's mean is from the mean.
    """
    rings = resampled(spectrum_profile(patches)[1:], _RINGS)
    bins = np.array_split(rings, _BINS)
    # How often each gray level is there, color by color, tells all the rest.
    counts = np.stack([np.bincount(color.ravel(), minlength=256) for color in patches.T])
    grays = np.arange(256)
    pixels = counts[0].sum()
    means = counts @ grays / pixels
    mean, total = means.mean(), counts.sum(0)
    spread = math.sqrt(total @ (grays - mean) ** 2 / total.sum())
    middle = ((total.sum() - 1) // 2, total.sum() // 2)
    median = np.searchsorted(total.cumsum(), middle, side="right").mean()
    return np.array([*(part.mean() for part in bins), mean, spread, median, *(means - mean)])


def fit_domain(observed: Iterable[Floats], made: Iterable[Floats]) -> Domain:
    """Return the domain of the traits of observed and of made training images."""
    fitted = [_gaussian(np.stack(list(part))) for part in (observed, made)]
    return Domain(
        np.stack([center for center, _ in fitted]), np.stack([inverse for _, inverse in fitted])
    )


def fit_limit(distances: Floats, error: float) -> float:
    """Return the distance beyond which a new image of the same kind lies with `error` at most.

    Split-conformal on the validation part's distances ``(N,)``; the largest of them where
    there are too few for the error wanted.
    """
    place = math.ceil((len(distances) + 1) * (1 - error) - 1e-9)
    return float(np.sort(distances)[min(place, len(distances)) - 1])


def _gaussian(values: Floats) -> tuple[Floats, Floats]:
    center = values.mean(0)
    apart = values - center
    covariance = apart.T @ apart / max(len(values) - 1, 1)
    diagonal = np.diag(np.diag(covariance))
    # The last term keeps a trait that never varies from weighing without bound.
    shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * diagonal + 1e-4 * np.eye(len(center))
    return center, np.linalg.inv(shrunk)
