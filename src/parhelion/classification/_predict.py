"""A trained classifier in memory: pixels in, features and probabilities out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from parhelion._settings import settings_from_dict
from parhelion.catalog import resize
from parhelion.classification._figures import softmax
from parhelion.classification._network import ClassifierNetwork, build
from parhelion.classification._settings import ClassifierSettings
from parhelion.errors import InputError, ModelError
from parhelion.training import find_model, load_model, make_fabric, to_model

_NEEDED = ("settings", "classes", "labels", "temperature", "shifts")


class Classifier:
    """A trained classifier; see `load_classifier`.

    Attributes
    ----------
    labels : list of str
        The classes, in the order of probabilities.
    image_size : int
        Side of what the network sees, in pixels; other images are resized to it.
    model_id : str
        Digest of the weights.
    classes : dict
        Class of each catalog label that it was trained on.
    card : dict
        What ``model.json`` holds.
    """

    def __init__(
        self,
        network: ClassifierNetwork,
        card: dict[str, Any],
        device: torch.device,
        batch: int,
    ) -> None:
        self.network = network.to(device).eval().requires_grad_(False)
        self.card = card
        self.labels: list[str] = list(card["labels"])
        self.classes: dict[str, str] = dict(card["classes"])
        self.image_size = int(card["settings"]["image_size"])
        self.model_id = str(card["model_id"])
        self.device = device
        self.batch = batch

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features that the last layer sees: ``(N, D)`` float32.

        Parameters
        ----------
        pixels : ndarray
            ``(N, H, W, C)`` uint8, C = 1 or 3; of another size they go through
            `parhelion.catalog.resize`.
        """
        return self._features(self._seen(pixels))

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return calibrated probabilities of the classes: ``(N, C)`` float32, rows summing to 1.

        They hold for the shares of classes that the validation images had; pixels as in
        `features`.
        """
        return self.probability(self.logits([self._seen(pixels)])).astype(np.float32)

    def logits(self, batches: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Return logits ``(N, C)`` of batches of images that have the right size."""
        parts = network_logits(self.network, batches, self.batch, self.device)
        return np.concatenate([np.zeros((0, len(self.labels))), *parts])

    def probability(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities ``(N, C)`` float64 of logits ``(N, C)``."""
        return calibrated(logits, self.card["temperature"], self.card["shifts"])

    def _seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] not in (1, 3):
            raise InputError(
                f"pixels are {pixels.dtype} {pixels.shape}; a classifier takes uint8 (N, H, W, C) "
                "with C = 1 or 3"
            )
        size = self.image_size
        if pixels.shape[1:] == (size, size, 3):
            return pixels
        seen = np.empty((len(pixels), size, size, 3), np.uint8)
        for index, image in enumerate(pixels):
            seen[index] = resize(image, size)
        return seen

    @torch.inference_mode()
    def _features(self, seen: NDArray[np.uint8]) -> NDArray[np.float32]:
        width = self.network.head.in_features
        parts = [np.zeros((0, width), np.float32)]
        for chunk, count in padded([seen], self.batch):
            features = self.network.features(to_model(chunk, self.device))
            parts.append(features[:count].float().cpu().numpy())
        return np.concatenate(parts)


def load_classifier(folder: Path | str, device: str = "auto", *, batch: int = 64) -> Classifier:
    """Load a classifier that `train_classifier` left in `folder`, or one that ships.

    Parameters
    ----------
    folder : Path or str
        The folder, or the name of a classifier that ships; see `parhelion.training.find_model`.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.
    batch : int
        Images in a step. Short batches are filled up with blanks, so that every image goes
        through the same arithmetic whatever its neighbors.

    Raises
    ------
    ModelError
        If there is no classifier, or a damaged one.
    """
    folder = find_model(folder)
    card, weights = load_model(folder, "classifier")
    missing = [name for name in _NEEDED if name not in card]
    if missing:
        raise ModelError(f"the classifier in {folder} lacks {missing[0]!r}; train it again")
    values = {**card["settings"], "pretrained": None}
    settings = settings_from_dict(ClassifierSettings, values, where=str(folder / "model.json"))
    network = build(settings, len(card["labels"]))
    try:
        # Weights kept as fp16 become fp32 here.
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{folder} does not fit its card: {reason}") from error
    network.to(memory_format=torch.channels_last)
    return Classifier(network, card, make_fabric(device, "fp32").device, batch)


def network_logits(
    network: nn.Module,
    batches: Iterable[NDArray[np.uint8]],
    batch: int,
    device: torch.device,
) -> Iterator[NDArray[np.float64]]:
    """Yield logits ``(<= batch, C)`` float64 of images that have the network's size."""
    for chunk, count in padded(batches, batch):
        with torch.inference_mode():
            logits = network(to_model(chunk, device))
        yield logits[:count].double().cpu().numpy()


def padded(
    batches: Iterable[NDArray[np.uint8]], batch: int
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield chunks of exactly `batch` images, filled up with blanks, and how many are real."""
    for images in batches:
        for start in range(0, len(images), batch):
            chunk = images[start : start + batch]
            count = len(chunk)
            if count < batch:
                blank = np.zeros((batch - count, *chunk.shape[1:]), np.uint8)
                chunk = np.concatenate([chunk, blank])
            yield chunk, count


def calibrated(
    logits: NDArray[np.float64], temperature: float, shifts: list[float]
) -> NDArray[np.float64]:
    """Return ``softmax(logits / temperature + shifts)``; see `fit_calibration`."""
    return softmax(logits / temperature + np.asarray(shifts))
