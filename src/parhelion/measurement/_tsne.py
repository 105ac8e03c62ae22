"""t-SNE: features of many dimensions laid out on a plane, neighbors beside neighbors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parhelion.errors import InputError

#: Fewer images than this have no layout worth the name.
_FEWEST = 8


def tsne(features: ArrayLike, *, perplexity: float = 30.0, seed: int = 0) -> NDArray[np.float64]:
    """Lay features out on a plane (van der Maaten & Hinton 2008; Poličar et al. 2024, openTSNE).

    Parameters
    ----------
    features : array_like
        ``(N, F)``, N at least 8. Each is standardized, lest one rule the distances.
    perplexity : float
        How many neighbors an image attends to; a third of the images at most.
    seed : int
        Seed of what is random; the same seed gives the same layout on one machine.

    Returns
    -------
    places : ndarray
        ``(N, 2)`` float64. Only who is near whom means something: neither the axes nor the
        distances between far groups do.

    Raises
    ------
    InputError
        If there are too few images, or a feature is not finite.
    """
    from openTSNE import TSNE

    values = np.asarray(features, np.float64)
    if values.ndim != 2 or len(values) < _FEWEST:
        raise InputError(f"features {values.shape} must be (N, F) of at least {_FEWEST} images")
    if not np.isfinite(values).all():
        raise InputError("a feature is not finite: the network that gave it is damaged")
    spread = values.std(0)
    spread[spread < 1e-9] = np.inf  # what never varies tells nothing
    layout = TSNE(
        perplexity=min(perplexity, (len(values) - 1) / 3),
        neighbors="exact",
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
    )
    return np.asarray(layout.fit((values - values.mean(0)) / spread), np.float64)
