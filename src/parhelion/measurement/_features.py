"""Feature networks for distances: one contract, four kinds of weights.

The contract: images ``(N, H, W, 3)`` uint8 -> features ``(N, D)`` float32.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion._progress import bar
from parhelion.classification import load_classifier
from parhelion.errors import InputError, ModelError
from parhelion.measurement._feature_training import SIZE, STEPS, FeatureTrunk, train_trunk
from parhelion.training import find_model, load_model, make_fabric, read_card, save_model

_EXPECTED = (
    "a safetensors file of torchvision's squeezenet1_1 or inception_v3, the folder of a "
    "classifier, or of a network that `parhelion measure generator --out` trained, or "
    "self-supervised"
)


class Features(Protocol):
    """Maps images ``(N, H, W, 3)`` uint8 to features ``(N, D)`` float32, and says its name."""

    @property
    def name(self) -> str:
        """What it is and what it was trained on; stands beside every figure it gives."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features of images."""


@dataclass(frozen=True)
class FeatureNetwork:
    """Maps images ``(N, H, W, 3)`` uint8 to features ``(N, D)`` float32.

    Attributes
    ----------
    name : str
        What it is and what it was trained on; stands beside every figure it gives.
    size : int
        Side, in pixels, to which images are resized (bilinear, antialiased).
    module : torch.nn.Module
        Maps ``(N, 3, size, size)`` float32 in [0, 1] to ``(N, D)`` float32.
    """

    name: str
    size: int
    module: nn.Module

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8], *, batch: int = 64) -> NDArray[np.float32]:
        if not len(images):
            raise InputError("no images to take features of")
        device = next(self.module.parameters()).device
        parts = []
        with bar(total=len(images), what="features") as progress:
            for start in range(0, len(images), batch):
                inputs = _as_input(images[start : start + batch], self.size)
                parts.append(self.module(inputs.to(device)).cpu())
                progress.update(len(parts[-1]))
        return torch.cat(parts).numpy()


def train_features(
    images: NDArray[np.uint8], *, seed: int = 0, steps: int = STEPS
) -> FeatureNetwork:
    """Train the project's own network on real images, without labels.

    Parameters
    ----------
    images : ndarray
        ``(N, H, W, 3)`` uint8 real images, at least 2.
    seed : int
        The same images and seed give the same network on the same machine.
    steps : int
        Length of the training.
    """
    if len(images) < 2:
        raise InputError(f"cannot learn features from {len(images)} images; give at least 2")
    resized = (_as_input(images, SIZE) * 255).round().byte().permute(0, 2, 3, 1)
    trunk = train_trunk(resized.numpy(), seed=seed, steps=steps)
    name = f"parhelion self-supervised (trained on {len(images)} real images, seed {seed})"
    return FeatureNetwork(name, SIZE, trunk)


def save_features(network: FeatureNetwork, folder: Path) -> None:
    """Keep a network that `train_features` made as a model folder, for `load_features`."""
    card = {"name": network.name, "size": network.size}
    save_model(folder, "features", network.module.state_dict(), card)


def load_features(path: Path, device: str = "cpu") -> Features:
    """Load a feature network; the kind of a weight file is known by its tensors.

    Parameters
    ----------
    path : Path
        A safetensors file with the weights of torchvision's ``squeezenet1_1`` (512 features:
        the mean of the last fire module, at 128 pixels, scaled to one length) or
        ``inception_v3`` (2048: its last pooling, at 299 pixels), of any float type; a
        folder that `save_features` wrote; or a classifier's folder, or the name of one that
        ships (what its last layer sees).
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.

    Raises
    ------
    ModelError
        If `path` is missing, damaged, or holds none of these.
    """
    if path.is_dir():
        kind = read_card(path)["kind"]
        return _ClassifierFeatures(path, device) if kind == "classifier" else _own(path, device)
    if not path.is_file():
        try:
            return _ClassifierFeatures(find_model(path), device)
        except ModelError as error:
            raise ModelError(f"there is no {path}; --features takes {_EXPECTED}") from error
    try:
        state = {key: value.float() for key, value in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}") from error
    if "features.12.expand3x3.weight" in state:
        module: _SqueezeNet | _Inception = _SqueezeNet()
        name, size = f"torchvision squeezenet1_1 ({path.name})", 128
    elif "Mixed_7c.branch_pool.conv.weight" in state:
        module = _Inception()
        name, size = f"torchvision inception_v3 ({path.name})", 299
    else:
        first = ", ".join(sorted(state)[:2]) or "nothing"
        raise ModelError(f"{path} holds {first}, ...; --features takes {_EXPECTED}")
    _load_state(module.trunk, state, path)
    return FeatureNetwork(name, size, module.eval().to(make_fabric(device, "fp32").device))


class _SqueezeNet(nn.Module):
    """SqueezeNet 1.1 without its classifier; the mean of its last fire module.

    Scaled to the length sqrt(512): its lengths vary so much that few images would rule a kernel.
    """

    def __init__(self) -> None:
        from torchvision.models import squeezenet1_1

        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.trunk = squeezenet1_1(weights=None)
        self.trunk.classifier = nn.Identity()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", _column(0.485, 0.456, 0.406), persistent=False)
        self.register_buffer("std", _column(0.229, 0.224, 0.225), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.trunk.features((images - self.mean) / self.std).mean((2, 3))
        return F.normalize(features, dim=1) * math.sqrt(features.shape[1])


class _Inception(nn.Module):
    """Inception 3 without its classifier; the average pooling at its end.

    torchvision's weights expect [-1, 1], whatever its other models expect.
    """

    def __init__(self) -> None:
        from torchvision.models import inception_v3

        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.trunk = inception_v3(weights=None, aux_logits=False, init_weights=False)
        self.trunk.fc = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.trunk(images * 2 - 1)
        return features


class _ClassifierFeatures:
    """The features of a classifier of galaxies, as in GAN-Universe."""

    def __init__(self, folder: Path, device: str) -> None:
        self._classifier = load_classifier(folder, device)
        labels = ", ".join(self._classifier.labels)
        self.name = f"classifier {self._classifier.model_id} ({labels})"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._classifier.features(images)


def _own(folder: Path, device: str) -> FeatureNetwork:
    card, state = load_model(folder, "features")
    with torch.random.fork_rng(devices=[]):
        module = FeatureTrunk()
    _load_state(module, state, folder)
    module.eval().to(make_fabric(device, "fp32").device)
    return FeatureNetwork(str(card["name"]), int(card["size"]), module)


def _load_state(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load the trunk's weights; those of classifiers, which are not used, may be there or not."""
    unused = ("classifier.", "fc.", "AuxLogits.")
    kept = {key: value for key, value in state.items() if not key.startswith(unused)}
    try:
        module.load_state_dict(kept)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path} does not fit; --features takes {_EXPECTED}: {reason}") from error


def _as_input(images: NDArray[np.uint8], size: int) -> Tensor:
    """Turn ``(N, H, W, 3)`` uint8 into ``(N, 3, size, size)`` float32 in [0, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    if x.shape[2:] != (size, size):
        x = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return x.clamp(0, 1)


def _column(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 3, 1, 1)
