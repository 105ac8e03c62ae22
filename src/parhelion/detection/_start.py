"""Training on: another detector's weights as the start of a run."""

from pathlib import Path

from torch import nn

from parhelion.detection._predict import card_settings
from parhelion.detection._settings import DetectorSettings
from parhelion.errors import ModelError
from parhelion.training import load_model

#: What makes a network the kind it is.
_KIND = ("backbone", "paths", "spectrum", "placed", "detail", "fusion")
#: Where a detector's images lie is found anew when training ends.
_DOMAIN = "domain."


def start_from(folder: Path, network: nn.Module, settings: DetectorSettings) -> None:
    """Copy a detector's weights into a new network.

    Parameters
    ----------
    folder : Path
        The detector's folder.
    network : torch.nn.Module
        Of these settings; changed in place.
    settings : DetectorSettings
        Those of the new run.

    Raises
    ------
    ModelError
        If the detector is of another kind.
    """
    card, weights = load_model(folder, "detector")
    old = card_settings(card)
    other = [name for name in _KIND if getattr(old, name) != getattr(settings, name)]
    if other:
        flags = " ".join(_flag(name, getattr(old, name)) for name in other)
        raise ModelError(f"--start (={folder}) is a network of another kind; give {flags}")
    known = {name: tensor for name, tensor in weights.items() if not name.startswith(_DOMAIN)}
    try:
        network.load_state_dict(known)
    except RuntimeError as error:
        raise ModelError(
            f"--start (={folder}) does not fit; give --image-size {old.image_size}"
        ) from error


def _flag(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {value}"
