"""Training on: another detector's weights as the start of a run."""

from typing import Any

from torch import nn

from parhelion._settings import as_flag
from parhelion.detection._predict import load_detector
from parhelion.detection._settings import DetectorSettings
from parhelion.errors import ModelError

#: What makes a network the kind it is.
_KIND = ("backbone", "paths", "spectrum", "placed", "detail", "fusion")


def start_from(start: str, network: nn.Module, settings: DetectorSettings) -> dict[str, Any]:
    """Copy a detector's weights into a new network, and tell whose they are.

    Parameters
    ----------
    start : str
        The detector's folder, or the name of one that ships.
    network : torch.nn.Module
        Of these settings; changed in place.
    settings : DetectorSettings
        Those of the new run.

    Returns
    -------
    dict
        `model_id` of the detector, and `images_seen` by it.

    Raises
    ------
    ModelError
        If there is no such detector, or it is of another kind.
    """
    known = load_detector(start, device="cpu")
    old = known.settings
    other = [name for name in _KIND if getattr(old, name) != getattr(settings, name)]
    if other:
        flags = " ".join(as_flag(name, getattr(old, name)) for name in other)
        raise ModelError(f"--start (={start}) is a network of another kind; give {flags}")
    known.network.linear_path = None  # fitted anew when the run ends
    try:
        network.load_state_dict(known.network.state_dict())
    except RuntimeError as error:
        raise ModelError(
            f"--start (={start}) does not fit; give --image-size {old.image_size}"
        ) from error
    return {name: known.card[name] for name in ("model_id", "images_seen")}
