"""The network of a classifier: a trunk that gives features, and one linear layer."""

from pathlib import Path

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion.classification._settings import ClassifierSettings
from parhelion.errors import ModelError, SettingsError
from parhelion.training import timm_network

SMALL = "small"
#: The one of FLARE's backbones that timm does not have; torchvision does.
GOOGLENET = "googlenet"
#: Channels, residual blocks and stride of each stage of the small trunk.
_STAGES = ((32, 1, 1), (64, 1, 2), (96, 1, 2), (128, 1, 2))


class ClassifierNetwork(nn.Module):
    """A trunk without its own classifier, and a linear layer from features to logits.

    Parameters
    ----------
    settings : ClassifierSettings
        `backbone`, `pretrained` and `image_size` are used.
    classes : int
        Number of logits.

    Raises
    ------
    SettingsError
        If there is no such backbone, or it cannot work at the image size.
    ModelError
        If the pretrained weights cannot be read, or are of another network.
    """

    def __init__(self, settings: ClassifierSettings, classes: int) -> None:
        super().__init__()
        self.trunk: nn.Module
        mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
        if settings.backbone == SMALL:
            self.trunk = SmallTrunk()
        elif settings.backbone == GOOGLENET:
            self.trunk = _googlenet(settings)
        else:
            self.trunk = _timm_trunk(settings)
            # What pretrained weights expect; saved, since timm may change its mind.
            config = getattr(self.trunk, "pretrained_cfg", {})
            mean, std = config.get("mean", mean), config.get("std", std)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.head = nn.Linear(_width(self.trunk, settings), classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the penultimate features ``(N, D)`` of ``(N, 3, H, W)`` images in [-1, 1]."""
        features: Tensor = self.trunk((images.mul(0.5).add(0.5) - self.mean) / self.std)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(N, C)`` float32; images as in `features`."""
        logits: Tensor = self.head(self.features(images))
        return logits.float()


class SmallTrunk(nn.Module):
    """A compact residual network (He et al. 2016): 3 channels in, 128 features out.

    Channels are attended to by squeeze and excitation (Hu et al. 2018), which costs little and
    lets every block see the whole image; images of 32 pixels and more.
    """

    def __init__(self) -> None:
        super().__init__()
        width = _STAGES[0][0]
        blocks: list[nn.Module] = [_convolution(3, width, 3, stride=2), nn.SiLU()]
        for channels, count, stride in _STAGES:
            for index in range(count):
                blocks.append(_Block(width, channels, stride if index == 0 else 1))
                width = channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.blocks(images)  # (N, 128, H / 16, W / 16)
        return maps.mean((2, 3))


class _Block(nn.Module):
    """Two convolutions, squeeze and excitation, and the way around them that it starts as."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, 3, stride=stride)
        self.second = _convolution(outputs, outputs, 3, silent=True)
        self.squeeze = nn.Linear(outputs, outputs // 8)
        self.excite = nn.Linear(outputs // 8, outputs)
        self.stride = stride
        self.around = _convolution(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.silu(self.first(x)))
        gate = torch.sigmoid(self.excite(F.silu(self.squeeze(y.mean((2, 3))))))
        # Averaging before the 1x1 convolution keeps what a stride would skip.
        skipped = F.avg_pool2d(x, self.stride, ceil_mode=True) if self.stride > 1 else x
        return F.silu(self.around(skipped) + y * gate[:, :, None, None])


def build(settings: ClassifierSettings, classes: int) -> ClassifierNetwork:
    """Return the network with its starting weights, a function of ``settings.seed``."""
    # Layers initialize from the global generator: it is set for this, then put back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return ClassifierNetwork(settings, classes)


def _convolution(
    inputs: int, outputs: int, size: int, stride: int = 1, *, silent: bool = False
) -> nn.Sequential:
    """Return a convolution and its normalization; a silent one gives 0 until it has learned."""
    norm = nn.BatchNorm2d(outputs)
    if silent:
        nn.init.zeros_(norm.weight)
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(convolution, norm)


def _timm_trunk(settings: ClassifierSettings) -> nn.Module:
    name, given = settings.backbone, settings.pretrained
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"{name[:6]}*")[:5]) or "resnet18"
        raise SettingsError(
            f"--backbone (={name}) must be {SMALL}, {GOOGLENET} or name a network that timm has, "
            f"such as {close}"
        )
    return timm_network(name, given, settings.image_size)


def _googlenet(settings: ClassifierSettings) -> nn.Module:
    from torchvision.models import googlenet

    trunk = googlenet(weights=None, aux_logits=False, init_weights=True)
    trunk.fc = nn.Identity()
    if settings.pretrained is not None:
        path = Path(settings.pretrained)
        try:
            state = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"--pretrained (={path}) must be a .safetensors file of torchvision's googlenet: "
                f"{error}"
            ) from error
        # Classifiers, which are not used, may be there or not.
        kept = {name: w for name, w in state.items() if not name.startswith(("fc.", "aux"))}
        try:
            trunk.load_state_dict(kept)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"--pretrained (={path}) does not fit --backbone (=googlenet): {reason}"
            ) from error
    found: nn.Module = trunk
    return found


def _width(trunk: nn.Module, settings: ClassifierSettings) -> int:
    """Return the number of features, measured: timm's own figure is not always it."""
    size = settings.image_size
    trunk.eval()
    try:
        with torch.no_grad():
            return int(trunk(torch.zeros(1, 3, size, size)).shape[1])
    except (RuntimeError, AssertionError, ValueError) as error:
        raise SettingsError(
            f"--backbone (={settings.backbone}) cannot work at --image-size (={size}): "
            f"{str(error).splitlines()[0]}"
        ) from error
    finally:
        trunk.train()
