"""A trained detector in memory: pixels in, logits and probabilities out."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from parhelion._settings import settings_from_dict
from parhelion.detection._chain import judged
from parhelion.detection._figures import sigmoid
from parhelion.detection._model import TwoPath, build
from parhelion.detection._settings import DetectorSettings
from parhelion.errors import ModelError
from parhelion.training import load_model, make_fabric, to_model


class Detector:
    """A trained detector; see `load_detector`.

    Parameters
    ----------
    network : TwoPath
        The network, with its trained weights.
    card : mapping
        What its ``model.json`` holds.
    device : torch.device
        Where to compute.
    batch : int
        Images in a step. Short batches are filled up with blanks, so that every image goes
        through the same arithmetic whatever its neighbors.
    """

    def __init__(
        self, network: TwoPath, card: dict[str, Any], device: torch.device, batch: int
    ) -> None:
        self.network = network.to(device).eval().requires_grad_(False)
        self.card = card
        self.settings = card_settings(card)
        self.device = device
        self.batch = batch

    def see(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what the detector sees of a ``(H, W, C)`` image: ``(S, S, 3)`` uint8."""
        return judged(pixels, self.settings.image_size, self.settings.test_quality)

    def logits(self, seen: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Return the logits ``(N,)`` of images that went through `see`."""
        return np.concatenate(
            [np.zeros(0), *network_logits(self.network, seen, self.batch, self.device)]
        )

    def probability_made(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities, both classes being equally likely beforehand."""
        return sigmoid(logits / float(self.card["temperature"]))

    def verdict(self, probability_made: float) -> str:
        """Return ``"made"``, ``"observed"`` or, within the band, ``"cannot tell"``."""
        low, high = self.card["band"]
        if probability_made > high:
            return "made"
        return "observed" if probability_made < low else "cannot tell"


def load_detector(folder: Path | str, *, device: str = "auto", batch: int = 32) -> Detector:
    """Load the detector that `train_detector` left in `folder`.

    Raises
    ------
    ModelError
        If the folder holds no detector, or a damaged one.
    """
    folder = Path(folder)
    card, weights = load_model(folder, "detector")
    missing = [name for name in ("settings", "temperature", "band") if name not in card]
    if missing:
        raise ModelError(f"{folder / 'model.json'} lacks {missing[0]!r}; train the detector again")
    network = build(card_settings(card))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{folder} does not fit its card: {reason}") from error
    network.to(memory_format=torch.channels_last)
    return Detector(network, card, make_fabric(device, "fp32").device, batch)


def card_settings(card: dict[str, Any]) -> DetectorSettings:
    """Return the settings in a card, less what only its training needed."""
    values = {**card["settings"], "pretrained": None}
    return settings_from_dict(DetectorSettings, values, where="model.json")


def network_logits(
    network: nn.Module,
    seen: Iterable[NDArray[np.uint8]],
    batch: int,
    device: torch.device,
) -> Iterator[NDArray[np.float64]]:
    """Yield the logits of images, batch by batch, the last batch filled up with blanks."""
    images = iter(seen)
    while chunk := list(islice(images, batch)):
        stacked = np.zeros((batch, *chunk[0].shape), np.uint8)
        stacked[: len(chunk)] = chunk
        with torch.inference_mode():
            logits: Tensor = network(to_model(stacked, device))
        yield logits[: len(chunk)].double().cpu().numpy()
