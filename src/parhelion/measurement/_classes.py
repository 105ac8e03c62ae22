"""Class distributions of two sets side by side, and whether they differ."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from parhelion._intervals import wilson_interval
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import normal_interval

#: Least expected count of a cell for the chi-square distribution to hold (Cochran 1954).
EXPECTED = 5.0


def compare_classes(
    first: Sequence[str], second: Sequence[str], *, seed: int = 0, bootstrap: int = 1000
) -> dict[str, Any]:
    """Compare the classes of two sets of images.

    Parameters
    ----------
    first, second : sequence of str
        The class of each image, at least one of each set.
    seed, bootstrap : int
        Of the interval of Cramér's V.

    Returns
    -------
    table : dict
        ``classes``: names in order of their total count; ``first`` and ``second``: ``count``,
        ``share`` and 95 % Wilson ``interval`` of each. Pearson's test of homogeneity:
        ``chi_square``, ``degrees``, ``p_value``, after the rarest classes were added together
        until each cell expects at least 5 images (``merged`` names them); ``cramers_v`` with
        ``cramers_v_interval``, from 0 (the same) to 1. They are None where too few classes
        are left to test.
    """
    if not first or not second:
        raise InputError("classes of an empty set cannot be compared; give at least one image")
    counters = [Counter(first), Counter(second)]
    total = counters[0] + counters[1]
    names = sorted(total, key=lambda name: (-total[name], name))
    counts = np.array([[counter[name] for name in names] for counter in counters], np.int64)
    table: dict[str, Any] = {"classes": names}
    for key, row in zip(("first", "second"), counts, strict=True):
        size = int(row.sum())
        table[key] = {
            "count": row.tolist(),
            "share": (row / size).tolist(),
            "interval": [wilson_interval(int(count), size) for count in row],
        }
    tested, merged = _merged(counts)
    table["merged"] = names[len(names) - merged :]
    if tested.shape[1] < 2:
        nothing = ("chi_square", "degrees", "p_value", "cramers_v", "cramers_v_interval")
        return table | dict.fromkeys(nothing)
    result = chi2_contingency(tested, correction=False)
    generator = np.random.default_rng([seed, 8])
    resampled = np.stack(
        [generator.multinomial(row.sum(), row / row.sum(), size=bootstrap) for row in tested], 1
    )
    effect = float(_cramers_v(tested[None])[0])
    low, high = normal_interval(effect, _cramers_v(resampled))
    return table | {
        "chi_square": float(result.statistic),
        "degrees": int(result.dof),
        "p_value": float(result.pvalue),
        "cramers_v": effect,
        "cramers_v_interval": [max(low, 0.0), min(high, 1.0)],
    }


def _merged(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Add the last columns of ``(2, C)`` together until every cell expects enough.

    Returns the table, whose columns fall in total count, and how many were added up.
    """
    share = counts.sum(1) / counts.sum()
    for kept in range(counts.shape[1], 0, -1):
        rest = counts[:, kept - 1 :].sum(1, keepdims=True)
        table = np.hstack([counts[:, : kept - 1], rest])
        if (np.outer(share, table.sum(0)) >= EXPECTED).all():
            merged = counts.shape[1] - kept + 1
            return table, merged if merged > 1 else 0
    return counts[:, :1], 0  # hardly any images: nothing to test


def _cramers_v(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cramér's V of tables ``(B, 2, C)``; a class that no image has counts for nothing."""
    total = counts.sum((1, 2))
    expected = counts.sum(2)[:, :, None] * counts.sum(1)[:, None, :] / total[:, None, None]
    terms = np.divide(
        (counts - expected) ** 2, expected, out=np.zeros(counts.shape), where=expected > 0
    )
    effect: NDArray[np.float64] = np.sqrt(terms.sum((1, 2)) / total)
    return effect
