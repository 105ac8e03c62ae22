"""Which detection is which object of the truth catalog."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Points = NDArray[np.float64]

# Near enough that the crowd is alike; farther only where radii are so large that a detection would
# still match its own object.
_DISPLACED = 48.0


def match_nearest(
    truth: Points, found: Points, radius: Points
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Match points that are each other's nearest.

    Parameters
    ----------
    truth, found : ndarray
        ``(N, 2)`` and ``(M, 2)`` float64.
    radius : ndarray
        ``(N,)`` float64: farthest match of each true point.

    Returns
    -------
    match : ndarray
        ``(N,)`` int64: index into `found`, or -1.
    separation : ndarray
        ``(N,)`` float64: distance to the nearest of `found`, infinite where there is none.
    """
    if not len(found) or not len(truth):
        return np.full(len(truth), -1), np.full(len(truth), np.inf)
    apart, nearest = cKDTree(found).query(truth)
    _, back = cKDTree(truth).query(found)
    mutual = (back[nearest] == np.arange(len(truth))) & (apart <= radius)
    return np.where(mutual, nearest, -1), apart


def matched_by_chance(truth: Points, found: Points, radius: Points) -> float:
    """Return how many matches are to be expected of detections that show nothing of the truth.

    The detections are displaced to each of four sides and matched again: by 48 pixels, or more than
    twice the largest radius.
    """
    far = max(_DISPLACED, 2 * radius.max(initial=0) + 1)
    steps = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)]) * far
    counts = [(match_nearest(truth, found + step, radius)[0] >= 0).sum() for step in steps]
    return float(np.mean(counts))
