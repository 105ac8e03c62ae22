"""Simple published detectors, which stand beside ours: a fixed transform, a logistic regression.

Both look at frequencies alone, and learn in seconds. Where ours does no better than these, it
has not earned its size.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LUMA = np.array([0.299, 0.587, 0.114])
# Keeps logarithms finite: far below what one gray level in one pixel puts into any coefficient.
_FLOOR = 1e-3
_PROFILE_LENGTH = 64
_GRID = 32
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HELD_OUT = 0.2


class Peer(Protocol):
    """A detector that learns from square images, and judges others."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def fit(self, images: Sequence[Pixels], is_made: Bools, seed: int) -> None:
        """Learn from ``(S, S, 3)`` uint8 images and ``(N,)`` bool; both classes."""

    def probability_made(self, images: Sequence[Pixels]) -> Floats:
        """Return ``(N,)`` float64 in 0 to 1, both classes being equally likely beforehand."""


class FrequencyPeer:
    """Features of each image's frequencies, standardized, and a logistic regression of them.

    The strength of the penalty is the one, of five a decade apart, that does best on a fifth of
    the training images, held out by the seed; then all of them are learned from.

    Parameters
    ----------
    name : str
        What it is called in tables.
    features : callable
        Turns ``(S, S)`` float64 luma in gray levels into ``(F,)`` features.
    """

    def __init__(self, name: str, features: Callable[[Floats], Floats]) -> None:
        self.name = name
        self._features = features
        self._model: Any = None

    def fit(self, images: Sequence[Pixels], is_made: Bools, seed: int) -> None:
        """Learn from ``(S, S, 3)`` uint8 images and ``(N,)`` bool; both classes."""
        features = self._of(images)
        parts = train_test_split(
            features, is_made, test_size=_HELD_OUT, stratify=is_made, random_state=seed
        )
        self._model = logistic(features, is_made, min(_STRENGTHS, key=_loss_of(*parts)))

    def probability_made(self, images: Sequence[Pixels]) -> Floats:
        """Return ``(N,)`` float64 in 0 to 1, both classes being equally likely beforehand."""
        found: Floats = self._model.predict_proba(self._of(images))[:, 1].astype(np.float64)
        return found

    def _of(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        rows = [self._features(image @ _LUMA).astype(np.float32) for image in images]
        return np.stack(rows)


def peers() -> list[Peer]:
    """Return the published detectors, fresh: of the radial spectrum, and of the log-DCT."""
    return [
        FrequencyPeer("radial spectrum + logistic regression", radial_features),
        FrequencyPeer("log-DCT + logistic regression", dct_features),
    ]


def radial_features(luma: Floats) -> Floats:
    """Return the radial log-spectrum of an image, as a share of its value at zero frequency.

    Durall et al. 2020 (Unmasking DeepFakes with simple features, section 3): the logarithm of
    the discrete Fourier transform's magnitude, averaged over rings one frequency wide out to
    the corners, divided by the first value, and interpolated to a fixed length.

    Parameters
    ----------
    luma : ndarray
        ``(S, S)`` float64, gray levels.

    Returns
    -------
    profile : ndarray
        ``(64,)`` float64.
    """
    side = len(luma)
    magnitude = np.log(np.abs(np.fft.fft2(luma)) + 1)
    cycles = np.fft.fftfreq(side, 1 / side)
    ring = np.hypot(cycles[:, None], cycles[None, :]).astype(np.int64).ravel()
    profile = np.bincount(ring, magnitude.ravel()) / np.bincount(ring)
    profile /= max(profile[0], _FLOOR)
    places = np.linspace(0, len(profile) - 1, _PROFILE_LENGTH)
    resampled: Floats = np.interp(places, np.arange(len(profile)), profile)
    return resampled


def dct_features(luma: Floats) -> Floats:
    """Return the log-magnitudes of an image's cosine transform.

    Frank et al. 2020 (Leveraging Frequency Analysis for Deep Fake Image Recognition, section 3):
    the two-dimensional discrete cosine transform of type II, orthonormal.

    Parameters
    ----------
    luma : ndarray
        ``(S, S)`` float64, gray levels.

    Returns
    -------
    coefficients : ndarray
        ``(1024,)`` float64: means over a grid of 32 x 32 from zero to the highest frequency, so
        that images of any size can be compared (the paper's are of one size).
    """
    logarithms = np.log(np.abs(dctn(luma, type=2, norm="ortho")) + _FLOOR)
    side = len(luma)
    cell = np.minimum(np.arange(side) * _GRID // side, _GRID - 1)
    # Of an image smaller than the grid each coefficient is repeated.
    if side < _GRID:
        near = np.arange(_GRID) * side // _GRID
        coefficients: Floats = logarithms[np.ix_(near, near)].ravel()
        return coefficients
    place = (cell[:, None] * _GRID + cell).ravel()
    return np.bincount(place, logarithms.ravel()) / np.bincount(place)


def logistic(features: NDArray[Any], is_made: Bools, strength: float) -> Any:
    """Return a fitted scikit-learn pipeline: standardization, then logistic regression.

    Parameters
    ----------
    features : ndarray
        ``(N, F)`` float.
    is_made : ndarray
        ``(N,)`` bool; both classes, which weigh the same whatever their shares.
    strength : float
        Inverse weight of the squared coefficients: large means a weak penalty.
    """
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), model).fit(features, is_made)


def _loss_of(
    known: NDArray[Any], new: NDArray[Any], known_made: Bools, new_made: Bools
) -> Callable[[float], float]:
    """Return the balanced cross-entropy on the new part as a function of the strength."""
    weights = compute_sample_weight("balanced", new_made)

    def loss(strength: float) -> float:
        said = logistic(known, known_made, strength).predict_proba(new)
        return float(log_loss(new_made, said, sample_weight=weights, labels=[False, True]))

    return loss
