"""Training on: another detector's weights as the start of a run."""

from pathlib import Path

from torch import nn

from parhelion.errors import ModelError
from parhelion.training import load_model

#: Where its images lie is found anew when training ends.
_DOMAIN = "domain."


def start_from(folder: Path, network: nn.Module) -> None:
    """Copy a detector's weights into a new network.

    Parameters
    ----------
    folder : Path
        The detector's folder.
    network : torch.nn.Module
        Of the same kind; changed in place.

    Raises
    ------
    ModelError
        If the detector is of another kind.
    """
    _, weights = load_model(folder, "detector")
    known = {name: tensor for name, tensor in weights.items() if not name.startswith(_DOMAIN)}
    try:
        network.load_state_dict(known)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ModelError(
            f"--start (={folder}) is a detector of another kind ({reason}); "
            "give --backbone, --paths, --fusion and what they see as in its model.json"
        ) from error
