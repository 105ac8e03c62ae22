"""What an explanation says in words: the patches, the spectrum, the limits, for anyone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: For whoever sees such a picture for the first time.
HELP = (
    "How to read it: the fine detail of an observed image is a camera's grain, and what its file "
    "format left of it. Networks that make images build detail up from coarse to fine, which can "
    "leave it too smooth, too regular or too strong. The file's name, size, format and metadata "
    "play no part."
)

# Thirds of the spectrum, from ring 1 to the last.
_THIRDS = ("coarse structure", "middling detail", "finest detail")
_MUCH = 1 / 3  # share of rings outside the range of observed images that is worth a word


def of_patches(probabilities: Sequence[float]) -> str:
    """Return how many of an image's patches look made, or nothing where there is one."""
    count = len(probabilities)
    if count < 2:
        return ""
    made = sum(value > 0.5 for value in probabilities)
    share = "none" if not made else "all" if made == count else str(made)
    return f"Of {count} patches, judged one by one, {share} look{'s' * (made == 1)} made."


def of_spectrum(profile: NDArray[np.float32], observed: Mapping[str, Sequence[float]]) -> str:
    """Return where an image's spectrum leaves the range of observed images.

    Parameters
    ----------
    profile : ndarray
        ``(R,)``, see `radial_profile`; ring 0 is left out.
    observed : mapping
        `low` and `high`: 5th and 95th percentile of observed images, ring by ring.
    """
    low, high = np.asarray(observed["low"]), np.asarray(observed["high"])
    thirds = np.array_split(np.arange(1, len(profile)), 3)
    found = []
    for name, rings in zip(_THIRDS, thirds, strict=True):
        below, above = (
            float(np.mean(outside[rings])) for outside in (profile < low, profile > high)
        )
        if max(below, above) >= _MUCH:
            found.append(f"{name} is {'weaker' if below > above else 'stronger'}")
    if not found:
        return "Its spectrum runs where that of observed images does."
    return f"Its {' and its '.join(found)}, relative to the rest, than in 19 of 20 observed images."


def of_limits(band: tuple[float, float], card: Mapping[str, Any]) -> str:
    """Return when the detector speaks, and how often it is wrong."""
    low, high = band
    error = card.get("band_error", card["settings"]["error"])
    return (
        f"Above {high:.2f} it is called made, below {low:.2f} observed, else it cannot be told; "
        f"of images like those that were learned from, at most {error:.0%} of either kind are "
        "taken for the other."
    )
