"""Features of images: those from which the logit follows."""

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion.detection import Detector, embed
from parhelion.detection._align import offsets_of


def test_the_logit_follows_from_the_features(detector: Detector, galaxy: NDArray[np.uint8]) -> None:
    images = [galaxy, galaxy[::-1], galaxy[:, ::-1], galaxy[:20, :24], galaxy.copy()]
    features = embed(detector, images)  # a batch of four and one more
    with torch.inference_mode():
        logits = detector.network.head(torch.from_numpy(features)).squeeze(1).numpy()
    views = [detector.see(pixels) for pixels in images]
    expected = detector.logits(views) + offsets_of(views, detector.card["offsets"])
    assert features.dtype == np.float32
    assert np.allclose(logits, expected, atol=1e-4)
    assert np.allclose(features[0], features[4], atol=1e-5)
