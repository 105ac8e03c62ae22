"""What a detector's last layer is given of an image: the features that a t-SNE shows."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion.detection._predict import Detector
from parhelion.training import to_model


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
    views = (detector.see(pixels).patches for pixels in images)
    found = []
    while chunk := list(islice(views, detector.batch)):
        with torch.inference_mode():
            patches = to_model(np.concatenate(chunk), detector.device)
            features = detector.network.features(patches).float().cpu().numpy()
        ends = np.cumsum([len(patches) for patches in chunk])
        found += [part.mean(0) for part in np.split(features, ends[:-1])]
    return np.stack(found)
