"""Training on: another upscaler's weights as the start of a run."""

from typing import Any

from torch import nn

from parhelion._settings import as_flag, settings_dict
from parhelion.augmentation._settings import UpscalerSettings
from parhelion.errors import ModelError
from parhelion.training import find_model, load_model

#: What makes a network the size it is.
_SIZES = ("scale", "width", "depths", "heads", "window")


def start_from(start: str, network: nn.Module, settings: UpscalerSettings) -> dict[str, Any]:
    """Copy an upscaler's weights into a new network, and tell whose they are.

    Parameters
    ----------
    start : str
        The upscaler's folder, or the name of one that ships.
    network : torch.nn.Module
        Of these settings; changed in place.
    settings : UpscalerSettings
        Those of the new run.

    Returns
    -------
    dict
        `model_id` of the upscaler, and `images_seen` by it.

    Raises
    ------
    ModelError
        If there is no such upscaler, or its network has other sizes.
    """
    card, state = load_model(find_model(start), "upscaler")
    known, own = card["settings"], settings_dict(settings)
    other = [name for name in _SIZES if own[name] != known[name]]
    if other:
        flags = " ".join(as_flag(name, known[name]) for name in other)
        raise ModelError(f"--start (={start}) is a network of other sizes; give {flags}")
    network.load_state_dict(state)
    return {name: card[name] for name in ("model_id", "images_seen")}
