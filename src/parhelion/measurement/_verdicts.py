"""What a detector answers, source by source: right, wrong, or that it cannot tell."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from parhelion._intervals import wilson_interval
from parhelion.errors import InputError

#: The answers, and the names of their shares.
_ANSWERS = {"made": "made", "observed": "observed", "cannot tell": "cannot_tell"}


def verdict_shares(
    verdicts: Sequence[str], is_made: Sequence[bool], sources: Sequence[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return how often each answer is given, of each source of observed and of made images.

    Parameters
    ----------
    verdicts : sequence of {"made", "observed", "cannot tell"}
        ``(N,)``, by the detector's own thresholds.
    is_made : sequence of bool
        ``(N,)``, the truth.
    sources : sequence of str
        ``(N,)``, what each image is from, such as a survey or a generator.

    Returns
    -------
    shares : dict
        ``"observed"`` and ``"made"``, and in each by source: ``count``, the shares ``made``,
        ``observed`` and ``cannot_tell``, and ``wrong_interval``: Wilson's 95 % interval of the
        share that is called the other class.

    Raises
    ------
    InputError
        If there is another answer, or the lengths differ.
    """
    if not len(verdicts) == len(is_made) == len(sources):
        raise InputError(
            f"{len(verdicts)} verdicts, {len(is_made)} truths and {len(sources)} sources must be "
            "as many"
        )
    unknown = set(verdicts) - set(_ANSWERS)
    if unknown:
        raise InputError(f"verdict {min(unknown)!r} is none of {', '.join(_ANSWERS)}")
    found: dict[str, dict[str, Counter[str]]] = {"observed": {}, "made": {}}
    for verdict, made, source in zip(verdicts, is_made, sources, strict=True):
        found["made" if made else "observed"].setdefault(source, Counter())[verdict] += 1
    return {
        kind: {source: _shares(counts, kind) for source, counts in mine.items()}
        for kind, mine in found.items()
        if mine
    }


def _shares(counts: Counter[str], kind: str) -> dict[str, Any]:
    count = counts.total()
    wrong = counts["observed" if kind == "made" else "made"]
    return {
        "count": count,
        **{name: counts[answer] / count for answer, name in _ANSWERS.items()},
        "wrong_interval": wilson_interval(wrong, count),
    }
