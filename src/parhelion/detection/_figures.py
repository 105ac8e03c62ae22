"""The few scalars that training looks at; `parhelion.measurement` holds the full ones."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def balanced_loss(logits: Floats, is_made: Bools) -> float:
    """Return the binary cross-entropy in nats, each class weighing half."""
    signed = np.where(is_made, 1.0, -1.0) * logits
    losses = np.logaddexp(0.0, -signed)
    return float((losses[is_made].mean() + losses[~is_made].mean()) / 2)


def balanced_accuracy(said_made: Bools, is_made: Bools) -> float:
    """Return the mean of the shares of made and of observed images that are called so."""
    return float((said_made[is_made].mean() + (~said_made[~is_made]).mean()) / 2)


def auc(scores: Floats, is_made: Bools) -> float:
    """Return the probability that a made image scores above an observed one; ties count half."""
    made, observed = int(is_made.sum()), int((~is_made).sum())
    ranks = rankdata(scores)
    return float((ranks[is_made].sum() - made * (made + 1) / 2) / (made * observed))


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -logits))


def told(logits: Floats, is_made: Bools) -> dict[str, float]:
    """Return what a card says of a part: of calibrated logits, with 0 as the threshold."""
    return {
        "loss": balanced_loss(logits, is_made),
        "accuracy": balanced_accuracy(logits > 0, is_made),
        "auc": auc(logits, is_made),
    }
