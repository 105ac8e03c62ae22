"""How far logits at lower precision may lie from float32, measured when training ends.

Whatever lies within that margin of a threshold is later computed once more, more exactly. The
margin is what the distances of 95 % of n validation images stay below. Of a new image the verdict
can differ only if its distance is among the others, and its logit lies within that distance of a
threshold: both together are rare, and `benchmarks/detect.py` counts them.
"""

import copy
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion.detection._align import limits, log_odds, sides_of, temperatures
from parhelion.detection._int8 import can_multiply_int8
from parhelion.detection._lower import lower, path_ranges
from parhelion.detection._model import TwoPath
from parhelion.detection._predict import means, near_edges
from parhelion.detection._views import View
from parhelion.errors import ModelError
from parhelion.training import to_model

_log = logging.getLogger(__name__)

_RANGED, _MEASURED = 96, 512
_WITHIN = 0.95


def measure_margins(
    network: TwoPath,
    views: Sequence[View],
    logits: NDArray[np.float64],
    card: dict[str, Any],
    batch: int,
) -> dict[str, Any]:
    """Return what a card says of lower precisions, under ``"lower"``.

    Parameters
    ----------
    network : TwoPath
        With its trained weights.
    views, logits : sequence of View, ndarray
        Of validation images: what the network sees, and what it says in float32, ``(N,)``. Up to
        96 of them give the ranges of integers and the line, up to 512 others the margins.
    card : dict
        Lines and bands.
    batch : int
        Images in a step.

    Returns
    -------
    lower : dict
        For each precision that can be computed here: the ``line`` that brings its logits near
        to those in float32, slope first; ``margin`` of logits after that, ``images`` that it
        was measured on, ``again``, the share of these that have to be computed once more; and
        for int8 the ``ranges``.
    """
    # Observed and made images stand one after the other: each part takes from both.
    places = np.random.default_rng(0).permutation(len(views))
    network = copy.deepcopy(network).cpu().eval()
    ranged = places[: min(_RANGED, len(views) // 2)]
    measured = places[len(ranged) :][:_MEASURED]
    if not len(ranged):
        return {}
    sides, lines = sides_of([views[place] for place in measured]), card["lines"]
    bounds = limits(sides, card["bands"])
    patches = [to_model(views[place].patches[:1]) for place in ranged]
    found: dict[str, Any] = {}
    for precision in ["int8"] * can_multiply_int8() + ["bf16"]:
        try:
            ranges = path_ranges(network, patches) if precision == "int8" else {}
            lowered = lower(network, precision, ranges)
            fitted, new = (
                means(lowered, [views[place] for place in part], batch, torch.device("cpu"))
                for part in (ranged, measured)
            )
        except (ModelError, RuntimeError) as error:
            # torch raises RuntimeError for an operation that it lacks at a precision.
            _log.info("verdicts are not computed in %s: %s", precision, error)
            continue
        line = straighten(fitted, logits[ranged])
        theirs = line[0] * new + line[1]
        apart = np.abs(theirs - logits[measured])
        margin = float(np.quantile(apart, _WITHIN, method="higher"))
        near = margin / temperatures(sides, lines)
        found[precision] = {
            "line": list(line),
            "margin": margin,
            "images": len(measured),
            "again": float(near_edges(log_odds(theirs, sides, lines), near, bounds).mean()),
        } | ({"ranges": ranges} if ranges else {})
    return found


def straighten(logits: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept of the line that brings logits nearest to those wanted.

    Rounding shifts and shrinks all logits alike, more than it scatters them.
    """
    spread = logits.var()
    slope = 1.0 if spread < 1e-12 else float(np.cov(logits, wanted, bias=True)[0, 1] / spread)
    return slope, float(wanted.mean() - slope * logits.mean())
