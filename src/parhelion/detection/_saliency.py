"""Where in an image the detector looks: smoothed gradients of its image path."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from parhelion.detection._predict import Detector
from parhelion.training import to_model

_COPIES = 16
# Standard deviation on the scale of [-1, 1]: 8 gray levels; 2 for patches, which are judged by
# detail that more would drown.
_NOISE = {"whole": 0.06, "patches": 0.016}


def saliency(detector: Detector, seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how strongly each pixel moves the logit by way of the image path.

    SmoothGrad (Smilkov et al. 2017): the mean, over copies of the image with a little noise,
    of the size of the logit's gradient; then smoothed by 1/32 of the image.

    Parameters
    ----------
    detector : Detector
        A trained detector; of one that has no image path, the spectrum path's gradient is
        taken.
    seen : ndarray
        ``(S, S, 3)`` uint8, as `Detector.see` returns it.

    Returns
    -------
    saliency : ndarray
        ``(S, S)`` float32 in [0, 1], 1 where the logit depends on the image most; all 0 where
        it does not depend on it.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(_COPIES, 3, *seen.shape[:2], generator=generator)
    noise *= _NOISE[detector.settings.view]
    copies = to_model(seen[None]) + noise
    copies = copies.to(detector.device).contiguous(memory_format=torch.channels_last)
    copies.requires_grad_(True)
    network = detector.network
    # The spectrum's part of the gradient is spread over the whole image, as its window is, and
    # would say nothing of where; the spectrum is shown beside it.
    still = copies.detach() if network.image_path is not None else None
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(network(copies, still).sum(), copies)
    strength = gradient.abs().sum(1).mean(0).float().cpu().numpy()
    smooth: NDArray[np.float32] = gaussian_filter(strength, len(seen) / 32)
    return smooth / np.float32(max(float(smooth.max()), 1e-12))
