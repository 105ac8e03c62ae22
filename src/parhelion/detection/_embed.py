"""What a detector's last layer is given of an image: the features that a t-SNE shows."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from parhelion.detection._predict import Detector, means


def embed(detector: Detector, images: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return the features of images, fused, before the layer that makes a logit of them.

    Parameters
    ----------
    detector : Detector
        From `load_detector`.
    images : iterable of ndarray
        ``(H, W, C)`` uint8, C = 1 or 3, of any size; they are seen as they are judged.

    Returns
    -------
    features : ndarray
        ``(N, F)`` float32; where an image is seen in patches, their mean.
    """
    views = map(detector.see, images)
    found = means(detector.network.features, views, detector.batch, detector.device)
    return found.astype(np.float32)
