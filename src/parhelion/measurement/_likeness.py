"""How alike two images of one size are: structural similarity, and a learned distance."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from parhelion.errors import MissingExtraError, ModelError

Pixels = NDArray[np.uint8]

#: Weights of the scales (Wang et al. 2003), finest first, and the side of the window.
_BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW = 11


def structural_similarities(found: Pixels, aim: Pixels) -> tuple[float, float]:
    """Return SSIM (Wang et al. 2004) and MS-SSIM (Wang et al. 2003) of ``(H, W, 3)`` uint8.

    Images too small for five halvings are compared at as many scales as they hold, the weights
    adding up to 1; one smaller than the window has neither (NaN).
    """
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure,
        structural_similarity_index_measure,
    )

    shorter = min(aim.shape[:2])
    if shorter <= _WINDOW:
        return float("nan"), float("nan")
    one, other = _unit(found), _unit(aim)
    single: Any = structural_similarity_index_measure(one, other, data_range=1.0)
    # The coarsest scale must hold a window; torchmetrics reckons with squares, not powers of 2.
    scales = max(
        count
        for count in range(1, len(_BETAS) + 1)
        if shorter // max(2 ** (count - 1), (count - 1) ** 2) >= _WINDOW
    )
    weights = np.array(_BETAS[:scales]) / sum(_BETAS[:scales])
    several: Any = multiscale_structural_similarity_index_measure(
        one, other, data_range=1.0, betas=tuple(weights.tolist()), normalize="relu"
    )
    return float(single), float(several)


def perceptual_distance(path: Path) -> Callable[[Pixels, Pixels], float]:
    """Return LPIPS (Zhang et al. 2018, version 0.1) over SqueezeNet with weights from a file.

    Raises
    ------
    MissingExtraError
        If the package lpips is not installed.
    ModelError
        If the file does not hold torchvision's ``squeezenet1_1``.
    """
    try:
        from lpips import LPIPS
    except ImportError as error:
        raise MissingExtraError(
            "--lpips needs the package lpips; run `pip install 'parhelion[lpips]'` or leave it out"
        ) from error
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"--lpips (={path}) cannot be read as safetensors: {error}") from error
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips asks torchvision in a way that is going out of use
        network: Any = LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    # lpips cuts the trunk into slices and keeps torchvision's numbers of its layers.
    trunk = network.net.state_dict()
    try:
        given = {name: state[f"features.{name.partition('.')[2]}"] for name in trunk}
        network.net.load_state_dict(given)
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(
            f"--lpips (={path}) must hold torchvision's squeezenet1_1; it lacks {reason}"
        ) from error
    network.eval().requires_grad_(False)

    @torch.inference_mode()
    def distance(found: Pixels, aim: Pixels) -> float:
        return float(network(_unit(found) * 2 - 1, _unit(aim) * 2 - 1))

    return distance


def _unit(pixels: Pixels) -> Tensor:
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float().div(255)
