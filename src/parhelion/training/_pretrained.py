"""Pretrained weights from a local file."""

from pathlib import Path

import timm
from safetensors import SafetensorError, safe_open

from parhelion.errors import ModelError


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
