"""A trained detector in memory: pixels in, logits and probabilities out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parhelion._settings import settings_from_dict
from parhelion.detection._align import limits, log_odds, sides_of, temperatures
from parhelion.detection._domain import Domain, traits
from parhelion.detection._figures import sigmoid
from parhelion.detection._linear_path import LinearPath
from parhelion.detection._lower import choose, lower, steps
from parhelion.detection._model import TwoPath, build
from parhelion.detection._settings import DetectorSettings
from parhelion.detection._views import View, view
from parhelion.errors import ModelError
from parhelion.training import find_model, load_model, make_fabric, to_model

#: Patches in a step where little is computed again: filled up with blanks, larger ones cost more.
_AGAIN = 1
_CENTERS, _PRECISIONS = "domain.centers", "domain.precisions"
_NEEDED = ("settings", "lines", "bands", "domain_limit", "spectra", "test")


class Detector:
    """A trained detector; see `load_detector`.

    Parameters
    ----------
    network : TwoPath
        The network, with its trained weights.
    domain : Domain
        Where its training images lie.
    card : mapping
        What its ``model.json`` holds.
    device : torch.device
        Where to compute.
    batch : int
        Images in a step. Short batches are filled up with blanks, so that every image goes
        through the same arithmetic whatever its neighbors.
    precision : {"auto", "fp32", "bf16", "int8"}
        Arithmetic of logits; see `logits`.
    """

    def __init__(
        self,
        network: TwoPath,
        domain: Domain,
        card: dict[str, Any],
        device: torch.device,
        batch: int,
        precision: str = "fp32",
    ) -> None:
        self.network = network.to(device).eval().requires_grad_(False)
        self.domain = domain
        self.card = card
        self.settings = card_settings(card)
        self.device = device
        self.batch = batch
        self.precision = choose(precision, card, device)
        # From the quickest to float32; each answers what the one before leaves in doubt.
        self._networks: list[tuple[TwoPath, Mapping[str, Any]]] = []
        for name in steps(self.precision, card):
            told = card["lower"][name]
            self._networks.append((lower(self.network, name, told.get("ranges", {})), told))
        self._networks.append((self.network, {"line": (1.0, 0.0), "margin": 0.0}))

    def see(self, pixels: NDArray[np.uint8]) -> View:
        """Return what the detector sees of a ``(H, W, C)`` uint8 image."""
        return view(pixels, self.settings)

    def logits(self, views: Iterable[View]) -> NDArray[np.float64]:
        """Return the log-odds ``(N,)`` that images which went through `see` were made.

        The mean of what the network says of the patches, calibrated for their side; see
        `fit_lines`.

        At a lower precision than fp32, those that lie so near to a threshold that the verdict
        might be another are computed once more at the next higher one, few at a time.
        """
        found = [np.zeros(0)]
        remaining = iter(views)
        while group := list(islice(remaining, self.batch)):
            (network, told), *others = self._networks
            logits = self._logits(network, told, group, self.batch)
            sides = sides_of(group)
            heat = temperatures(sides, self.card["lines"])
            edges = limits(sides, self.card["bands"])
            for network, next_told in others:
                doubtful = np.flatnonzero(near_edges(logits, told["margin"] / heat, edges))
                if len(doubtful):
                    seen = [group[place] for place in doubtful]
                    logits[doubtful] = self._logits(network, next_told, seen, _AGAIN)
                told = next_told
            found.append(logits)
        return np.concatenate(found)

    def _logits(
        self, network: TwoPath, told: Mapping[str, Any], views: list[View], batch: int
    ) -> NDArray[np.float64]:
        slope, shift = (float(value) for value in told["line"])
        logits = slope * means(network, views, batch, self.device) + shift
        return log_odds(logits, sides_of(views), self.card["lines"])

    def patch_logits(self, seen: View) -> NDArray[np.float64]:
        """Return the log-odds of each patch of an image, ``(K,)``; their mean is the image's."""
        logits = computed(self.network, seen.patches, self.batch, self.device)
        return log_odds(logits, sides_of([seen]), self.card["lines"])

    def probability_made(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities, both classes being equally likely beforehand."""
        return sigmoid(logits)

    def distance(self, seen: View) -> float:
        """Return how far an image lies from those learned from; see `Domain`."""
        return float(self.domain.distance(traits(seen.patches)[None])[0])

    def verdict(self, seen: View, probability_made: float) -> tuple[str, str]:
        """Return the verdict on an image, and why it is "cannot tell" where it is.

        Parameters
        ----------
        seen : View
            As `see` returns it.
        probability_made : float
            Its calibrated probability.

        Returns
        -------
        verdict : {"made", "observed", "cannot tell"}
            "cannot tell" within the band of probabilities for patches of that size, and for an
            image that is unlike all that the detector was trained on.
        note : str
            The reason for "cannot tell", else nothing.
        """
        return judge(probability_made, self.distance(seen), self.band(seen), self.card)

    def band(self, seen: View) -> tuple[float, float]:
        """Return the probabilities below and above which an image so seen gets a verdict."""
        low, high = limits(sides_of([seen]), self.card["bands"])[0]
        return float(low), float(high)

    def state(self) -> dict[str, Tensor]:
        """Return everything that a model file holds: weights and domain."""
        return {
            **self.network.state_dict(),
            _CENTERS: torch.from_numpy(self.domain.centers),
            _PRECISIONS: torch.from_numpy(self.domain.precisions),
        }


def load_detector(
    folder: Path | str, *, device: str = "auto", batch: int = 32, precision: str = "fp32"
) -> Detector:
    """Load the detector that `train_detector` left in `folder`, or that ships under that name.

    Raises
    ------
    ModelError
        If the folder holds no detector, or a damaged one.
    """
    folder = find_model(folder)
    card, weights = load_model(folder, "detector")
    missing = [name for name in _NEEDED if name not in card]
    missing += [name for name in (_CENTERS, _PRECISIONS) if name not in weights]
    if missing:
        raise ModelError(f"the detector in {folder} lacks {missing[0]!r}; train it again")
    domain = Domain(weights.pop(_CENTERS).numpy(), weights.pop(_PRECISIONS).numpy())
    settings = card_settings(card)
    network = build(settings)
    network.linear_path = LinearPath() if settings.linear else None
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{folder} does not fit its card: {reason}") from error
    network.to(memory_format=torch.channels_last)
    return Detector(network, domain, card, make_fabric(device, "fp32").device, batch, precision)


def judge(
    probability_made: float, distance: float, band: tuple[float, float], card: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the verdict of a detector with this card, and the reason for "cannot tell"."""
    limit = card["domain_limit"]
    if distance > limit:
        return "cannot tell", (
            f"unlike the images that the detector learned from (distance {distance:.1f}, "
            f"limit {limit:.1f})"
        )
    low, high = band
    if low <= probability_made <= high:
        return "cannot tell", f"between the thresholds {low:.3f} and {high:.3f}"
    return ("made" if probability_made > high else "observed"), ""


def near_edges(
    logits: NDArray[np.float64],
    margin: NDArray[np.float64] | float,
    bounds: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which log-odds ``(N,)`` lie within `margin` of `bounds`, probabilities ``(N, 2)``."""
    inside = np.clip(bounds, 1e-300, 1 - 1e-16)
    edges = np.log(inside / (1 - inside))
    near: NDArray[np.bool_] = np.abs(logits[:, None] - edges).min(1) <= margin
    return near


def card_settings(card: dict[str, Any]) -> DetectorSettings:
    """Return the settings in a card, less what only its training needed."""
    values = {**card["settings"], "pretrained": None, "start": None}
    return settings_from_dict(DetectorSettings, values, where="model.json")


def computed(
    network: Callable[[Tensor], Tensor],
    seen: Iterable[NDArray[np.uint8]],
    batch: int,
    device: torch.device,
) -> NDArray[np.float64]:
    """Return what a network makes of each ``(S, S, 3)`` image, in their order: ``(N, ...)``.

    Those of one side are computed together, the last batch being filled up with blanks.
    """
    waiting: dict[int, list[tuple[int, NDArray[np.uint8]]]] = defaultdict(list)
    found: dict[int, NDArray[np.float64]] = {}

    def compute(chunk: list[tuple[int, NDArray[np.uint8]]]) -> None:
        stacked = np.zeros((batch, *chunk[0][1].shape), np.uint8)
        stacked[: len(chunk)] = [image for _, image in chunk]
        with torch.inference_mode():
            results = network(to_model(stacked, device)).double().cpu().numpy()
        for (place, _), result in zip(chunk, results, strict=False):
            found[place] = result
        chunk.clear()

    for place, image in enumerate(seen):
        chunk = waiting[len(image)]
        chunk.append((place, image))
        if len(chunk) == batch:
            compute(chunk)
    for chunk in filter(None, waiting.values()):
        compute(chunk)
    return np.array([found[place] for place in range(len(found))], np.float64)


def means(
    network: Callable[[Tensor], Tensor], views: Iterable[View], batch: int, device: torch.device
) -> NDArray[np.float64]:
    """Return the mean over the patches of each view of what a network makes of them, in order.

    ``(N,)`` where it makes a logit of each, ``(N, F)`` where it makes features.
    """
    counts: list[int] = []

    def patches() -> Iterator[NDArray[np.uint8]]:
        for seen in views:
            counts.append(len(seen.patches))
            yield from seen.patches

    every = computed(network, patches(), batch, device)
    if not counts:
        return every
    sums = np.add.reduceat(every, np.cumsum([0, *counts[:-1]]))
    return (sums.T / counts).T
