"""Networks that enlarge images: any that spandrel knows from its weights, and our small SwinIR."""

import hashlib
import io
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from parhelion.augmentation._settings import UpscalerSettings
from parhelion.errors import ModelError
from parhelion.training import find_model, load_model, native_bf16

_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
#: Standard deviation, in pixels of the small image, of the areas over which flux is kept. They end
#: at three times that: less than a quarter of the overlap of tiles, so that no seam comes of it.
_FLUX_SCALE = 2.0
_MLP = 2.0  # width of a layer's perceptron over its own


@dataclass(frozen=True)
class Upscaler:
    """A network that enlarges images, on its device.

    Attributes
    ----------
    model_id : str
        Digest of its weights.
    scale : int
        How many times larger each side becomes.
    channels : int
        1 or 3.
    step : int
        Tiles begin at multiples of this, so that the network divides each of them as it would
        divide the whole image.
    least : int
        Least side that it takes, in pixels.
    """

    model_id: str
    scale: int
    channels: int
    step: int
    least: int
    network: Any
    device: torch.device
    dtype: torch.dtype

    @property
    def precision(self) -> str:
        """Arithmetic of the network: fp32 or bf16."""
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"

    @torch.inference_mode()
    def enlarge(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Enlarge ``(N, H, W, C)`` uint8 to ``(N, scale H, scale W, C)`` float32 in [0, 255].

        The flux is kept: what the network's arithmetic adds or takes over areas of some pixels is
        put right by the small image. Gray images go through a color network as three equal
        channels and come back as their mean; a gray network is given each channel by itself.
        """
        count, height, width, channels = pixels.shape
        images = torch.from_numpy(np.array(pixels)).to(self.device)
        images = images.permute(0, 3, 1, 2).float().div(255)
        if channels < self.channels:
            images = images.expand(-1, self.channels, -1, -1)
        elif channels > self.channels:
            images = images.reshape(count * channels, 1, height, width)
        missing = [max(0, self.least - side) for side in (height, width)]
        if any(missing):
            images = _continued(images, *missing)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            large = self.network(images).float()
        large = _with_flux_of(images, large, self.scale)
        large = large[..., : height * self.scale, : width * self.scale]
        if channels < self.channels:
            large = large.mean(1, keepdim=True)
        elif channels > self.channels:
            large = large.reshape(count, channels, *large.shape[2:])
        found: NDArray[np.float32] = (
            large.clamp(0, 1).mul(255).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        )
        return found


def load_upscaler(model: Path | str, device: str = "auto", precision: str = "auto") -> Upscaler:
    """Load a network that enlarges images.

    Parameters
    ----------
    model : Path or str
        A file of weights that spandrel knows the network of (SwinIR, Real-ESRGAN and so on),
        ``.safetensors``, ``.pth``, ``.pt`` or ``.ckpt``; or a folder that `train_upscaler`
        wrote; or the name of an upscaler that ships. Pickled code is never run.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.
    precision : {"auto", "fp32", "bf16"}
        Arithmetic; ``auto`` takes bfloat16 where the network and the hardware can.

    Raises
    ------
    ModelError
        If there is no such model, or no network is known for its weights.
    """
    if Path(model).suffix.lower() in _SUFFIXES:
        state, model_id, where = *_read_file(Path(model)), str(model)
    else:
        folder = find_model(model)
        card, state = load_model(folder, "upscaler")
        model_id, where = card["model_id"], str(folder)
    return _on(described(state, where), model_id, where, device, precision)


def hosted(network: nn.Module, settings: UpscalerSettings, device: torch.device) -> Upscaler:
    """Return a network that is being trained as an `Upscaler`, in fp32."""
    window = settings.window
    return Upscaler("", settings.scale, 3, window, window, network, device, torch.float32)


def build(settings: UpscalerSettings) -> nn.Module:
    """Return a SwinIR (Liang et al. 2021, the lightweight form) that begins as bilinear.

    Its first convolution passes the colors on, its last one interpolates them, and the
    attention between starts with no say: what training adds is what bilinear lacks.
    """
    from spandrel.architectures.SwinIR import SwinIR

    torch.manual_seed(settings.seed)
    with _no_warnings():
        network: Any = SwinIR(
            img_size=settings.patch,
            in_chans=3,
            embed_dim=settings.width,
            depths=list(settings.depths),
            num_heads=[settings.heads] * len(settings.depths),
            window_size=settings.window,
            mlp_ratio=_MLP,
            drop_path_rate=0.0,
            upscale=settings.scale,
            upsampler="pixelshuffledirect",
        )
    with torch.no_grad():
        first, last = network.conv_first, network.upsample[0]
        first.weight[:3] = 0
        first.bias[:3] = 0
        for color in range(3):
            first.weight[color, color, 1, 1] = 1
        network.conv_after_body.weight.zero_()
        network.conv_after_body.bias.zero_()
        last.weight.zero_()
        last.bias.zero_()
        last.weight[:, :3] = _bilinear(settings.scale)
    _with_exact_ends(network)
    built: nn.Module = network
    return built


class _ExactConv2d(nn.Conv2d):
    """A convolution that computes in fp32, whatever the network around it does."""

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, enabled=False):
            return super().forward(images.float())


def _with_exact_ends(network: nn.Module) -> None:
    """Have a network's first and last convolution compute in fp32.

    Most of an image passes from one to the other past all between; in bf16, that has steps of half
    a gray level and more.
    """
    convolutions = [module for module in network.modules() if type(module) is nn.Conv2d]
    for end in (*convolutions[:1], *convolutions[-1:]):
        end.__class__ = _ExactConv2d


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Hide what spandrel's networks say of torch's plans while they are built."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.meshgrid")
        yield


def _bilinear(scale: int) -> Tensor:
    """Return the kernels ``(3 scale**2, 3, 3, 3)`` with which a pixel shuffle interpolates."""
    places = (torch.arange(scale) + 0.5) / scale - 0.5  # of small pixels, from the middle
    taps = (1 - (places[:, None] - torch.tensor([-1.0, 0.0, 1.0])).abs()).clamp_min(0)
    kernels = torch.einsum("ai,bj->abij", taps, taps).reshape(scale**2, 3, 3)
    whole = torch.zeros(3, scale**2, 3, 3, 3)
    for color in range(3):
        whole[color, :, color] = kernels
    return whole.reshape(3 * scale**2, 3, 3, 3)


def described(state: Mapping[str, Tensor], where: str) -> Any:
    """Return spandrel's description of the network that weights are of; `where` is for errors."""
    from spandrel import MAIN_REGISTRY, ImageModelDescriptor, UnsupportedModelError
    from spandrel import canonicalize_state_dict as canonical

    try:
        with _no_warnings():
            found = MAIN_REGISTRY.load(canonical(dict(state)))
    except UnsupportedModelError as error:
        raise ModelError(f"{where} holds the weights of no network that spandrel knows") from error
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{where} does not fit the network that it looks like: {reason}"
        ) from error
    if not isinstance(found, ImageModelDescriptor) or found.input_channels not in (1, 3):
        raise ModelError(f"{where} is a network of another purpose, not one that enlarges images")
    return found


def _on(found: Any, model_id: str, where: str, device: str, precision: str) -> Upscaler:
    from parhelion.training import make_fabric

    place = make_fabric(device, "fp32").device
    _with_exact_ends(found.model)
    can = found.supports_bfloat16 and native_bf16(place.type)
    if precision == "bf16" and not found.supports_bfloat16:
        raise ModelError(f"--precision (=bf16) is not for {where}: its network needs fp32")
    window = getattr(found.model, "window_size", 1)
    step = math.lcm(
        window if isinstance(window, int) else 1, max(1, found.size_requirements.multiple_of)
    )
    return Upscaler(
        model_id=model_id,
        scale=found.scale,
        channels=found.input_channels,
        step=step,
        least=max(found.size_requirements.minimum, step),
        network=found.to(place).eval(),
        device=place,
        dtype=torch.bfloat16
        if precision == "bf16" or (precision == "auto" and can)
        else torch.float32,
    )


def _read_file(path: Path) -> tuple[dict[str, Tensor], str]:
    """Return the weights in a file, and the digest of it."""
    import pickle

    from safetensors import SafetensorError
    from safetensors.torch import load

    if not path.is_file():
        raise ModelError(f"there is no file {path}")
    data = path.read_bytes()
    state: Any
    try:
        if path.suffix.lower() == ".safetensors":
            state = load(data)
        else:
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (SafetensorError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"{path} cannot be read as weights: {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(state, dict):
        raise ModelError(
            f"{path} holds a {type(state).__name__}, not weights by name; give a file of these"
        )
    return state, hashlib.blake2b(data, digest_size=8).hexdigest()


def _with_flux_of(small: Tensor, large: Tensor, scale: int) -> Tensor:
    """Return enlarged images whose means over some pixels are those of the small images.

    Noise and blur of the small image are on smaller scales, and stay as the network left them.
    """
    missing = small - nn.functional.avg_pool2d(large, scale)
    reach = round(3 * _FLUX_SCALE)
    places = torch.arange(-reach, reach + 1, device=small.device)
    kernel = (-0.5 * (places / _FLUX_SCALE) ** 2).exp()
    kernel = (kernel / kernel.sum()).expand(small.shape[1], 1, 1, -1)
    for padding, weight in (
        ((reach, reach, 0, 0), kernel),
        ((0, 0, reach, reach), kernel.transpose(2, 3)),
    ):
        padded = nn.functional.pad(missing, padding, mode="replicate")
        missing = nn.functional.conv2d(padded, weight, groups=small.shape[1])
    added = nn.functional.interpolate(missing, scale_factor=scale, mode="bilinear")
    return large + added


def _continued(images: Tensor, down: int, right: int) -> Tensor:
    """Continue images downwards and to the right by their last row and column."""
    return nn.functional.pad(images, (0, right, 0, down), mode="replicate")
