"""Features of images: those from which the logit follows."""

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion.detection import Detector, embed
from parhelion.detection._align import log_odds, sides_of


def test_the_logit_follows_from_the_features(detector: Detector, galaxy: NDArray[np.uint8]) -> None:
    images = [galaxy, galaxy[::-1], galaxy[:, ::-1], galaxy[:20, :24], galaxy.copy()]
    features = embed(detector, images)  # a batch of four and one more
    with torch.inference_mode():
        logits = detector.network.head(torch.from_numpy(features)).squeeze(1).numpy()
    views = [detector.see(pixels) for pixels in images]
    expected = log_odds(logits, sides_of(views), detector.card["lines"])
    assert features.dtype == np.float32
    assert np.allclose(detector.logits(views), expected, rtol=1e-3, atol=1e-3)
    assert np.allclose(features[0], features[4], atol=1e-5)
