"""The detector's network at lower precision, and which precision to take."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from parhelion.detection._int8 import Ranges, can_multiply_int8, fold, observe, quantize
from parhelion.detection._model import TwoPath
from parhelion.errors import SettingsError
from parhelion.training import native_bf16

#: Above this share of images that have to be computed once more, float32 is no slower.
_OFTEN = 0.3


class _Bfloat16(nn.Module):
    """A path in bfloat16; it takes and gives float32."""

    def __init__(self, path: fx.GraphModule) -> None:
        super().__init__()
        self.path = path.to(torch.bfloat16)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.path(images.to(torch.bfloat16))
        return features.float()


def lower(network: TwoPath, precision: str, ranges: Mapping[str, Ranges]) -> TwoPath:
    """Return a copy of a network that computes its paths at lower precision.

    Parameters
    ----------
    network : TwoPath
        In float32, in evaluation mode.
    precision : {"bf16", "int8"}
        Of the paths; the spectrum and the last layer stay in float32.
    ranges : mapping
        For int8: of each path, as `path_ranges` returns them.

    Raises
    ------
    ModelError
        If a path is not one fixed graph, or the ranges are of another network.
    """
    lowered = copy.deepcopy(network)
    for name in paths(network):
        path = fold(getattr(network, name))
        if precision == "int8":
            setattr(lowered, name, quantize(path, ranges.get(name, {})))
        else:
            setattr(lowered, name, _Bfloat16(path.to(memory_format=torch.channels_last)))
    return lowered.eval().requires_grad_(False)


def path_ranges(network: TwoPath, images: Sequence[Tensor]) -> dict[str, Ranges]:
    """Return the ranges of what passes through each path, for batches as it takes them.

    Parameters
    ----------
    network : TwoPath
        In float32, in evaluation mode.
    images : sequence of Tensor
        ``(N, 3, H, W)`` in [-1, 1]; H and W may differ from batch to batch.
    """
    inputs = {"image_path": list(images)}
    if network.spectrum_path is not None:
        inputs["spectrum_path"] = [network.spectrum(batch) for batch in images]
    return {name: observe(fold(getattr(network, name)), inputs[name]) for name in paths(network)}


def paths(network: TwoPath) -> list[str]:
    """Return the names of the paths that a network has."""
    names = ("image_path", "spectrum_path")
    return [name for name in names if getattr(network, name) is not None]


def steps(precision: str, card: Mapping[str, Any]) -> list[str]:
    """Return at which lower precisions to compute, one after the other, before float32."""
    if precision == "fp32":
        return []
    # Where bfloat16 is native it settles most of what 8-bit integers leave in doubt.
    between = ["bf16"] if native_bf16("cpu") and "bf16" in card["lower"] else []
    return [precision, *(name for name in between if name != precision)]


def choose(precision: str, card: Mapping[str, Any], device: torch.device) -> str:
    """Return the precision to compute verdicts in.

    Parameters
    ----------
    precision : {"auto", "fp32", "bf16", "int8"}
        What is wanted: "auto" takes the lowest that this processor multiplies natively, that
        the detector was measured at, and that leaves few images to be computed once more.
    card : mapping
        The detector's; see `measure_margins` for its ``"lower"``.
    device : torch.device
        Where to compute.

    Raises
    ------
    SettingsError
        If what is wanted cannot be had.
    """
    if precision == "fp32":
        return precision
    measured = card.get("lower", {})
    native = {
        "int8": device.type == "cpu" and can_multiply_int8(),
        "bf16": device.type == "cpu" and native_bf16("cpu"),
    }
    if precision == "auto":
        fit = (name for name in native if native[name] and name in measured)
        return next((name for name in fit if measured[name]["again"] <= _OFTEN), "fp32")
    if precision not in measured:
        raise SettingsError(
            f"--precision (={precision}) is not among what this detector was measured at "
            f"({', '.join(['fp32', *measured])}); take one of these, or auto"
        )
    if not native[precision]:
        raise SettingsError(
            f"--precision (={precision}) is not for this processor; take fp32 or auto"
        )
    return precision
