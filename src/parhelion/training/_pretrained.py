"""Pretrained weights: from a local file, or from the hub that timm fetches them from."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import timm
from safetensors import SafetensorError, safe_open
from torch import nn

from parhelion.errors import ModelError

#: What ``--pretrained`` says to fetch the weights.
HUB = "hub"


def check_pretrained(path: Path, backbone: str) -> None:
    """Raise `ModelError` unless the file has every weight of a backbone, in its shape.

    timm passes over what is missing, and would train from a random start without a word.
    """
    expected = timm.create_model(backbone, num_classes=0).state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            found = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"--pretrained (={path}) is damaged: {error}") from error
    for name, tensor in expected.items():
        if name not in found or list(found[name]) != list(tensor.shape):
            what = "lacks" if name not in found else "has another shape of"
            raise ModelError(
                f"--pretrained (={path}) does not fit --backbone (={backbone}): it {what} {name!r}"
            )


def timm_network(
    backbone: str, pretrained: Path | str | None, image_size: int, channels: int = 3
) -> nn.Module:
    """Return a network of timm's, without its classifier.

    Parameters
    ----------
    backbone : str
        Name of the network, one that timm knows.
    pretrained : Path or "hub", optional
        Weights to start from: a local file, or those that timm itself fetches, or has fetched
        before; else a random start.
    image_size : int
        Side of the square that it will see, in pixels.
    channels : int
        Channels that it will see; timm adapts the weights of the first layer to them.

    Raises
    ------
    ModelError
        If the file does not fit, or the hub cannot be reached or has no such weights.
    """
    options: dict[str, Any] = {"num_classes": 0, "in_chans": channels}
    config = timm.get_pretrained_cfg(backbone)
    if config is not None and config.fixed_input_size:
        # A vision transformer has a weight for each place: it is built for one size.
        options["img_size"] = image_size
    if str(pretrained) == HUB:
        return _from_hub(backbone, options)
    if pretrained is not None:
        path = Path(pretrained)
        if path.suffix != ".safetensors" or not path.is_file():
            raise ModelError(
                f"--pretrained (={path}) must be {HUB} or a .safetensors file with weights of "
                f"{backbone}, as timm saves them"
            )
        check_pretrained(path, backbone)
        # timm itself drops the classifier that is not needed.
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(path)}}
    model: nn.Module = timm.create_model(backbone, **options)
    return model


def _from_hub(backbone: str, options: Mapping[str, Any]) -> nn.Module:
    # Both tell of each of their attempts; what comes of them is said below.
    with _quiet("timm", "huggingface_hub"):
        try:
            model: nn.Module = timm.create_model(backbone, pretrained=True, **options)
        except Exception as error:
            # The hub's client raises a dozen kinds of error, its own and its transport's.
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise ModelError(
                f"--pretrained {HUB}: timm could not fetch weights of {backbone} ({reason}); "
                "give a local .safetensors file instead"
            ) from error
    return model


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Let loggers report only what is graver than a warning."""
    levels = [(logger, logger.level) for logger in map(logging.getLogger, names)]
    for logger, _ in levels:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in levels:
            logger.setLevel(level)
