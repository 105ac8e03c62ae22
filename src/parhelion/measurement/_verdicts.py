"""What a detector answers, source by source: right, wrong, or that it cannot tell."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from scipy.stats import binomtest

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
    shares: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, wanted in (("observed", False), ("made", True)):
        for source in dict.fromkeys(sources):
            found = Counter(
                verdict
                for verdict, made, here in zip(verdicts, is_made, sources, strict=True)
                if made == wanted and here == source
            )
            count = found.total()
            if not count:
                continue
            wrong = binomtest(found["observed" if wanted else "made"], count)
            interval = wrong.proportion_ci(method="wilson")
            shares.setdefault(kind, {})[source] = {
                "count": count,
                **{name: found[answer] / count for answer, name in _ANSWERS.items()},
                "wrong_interval": [float(interval.low), float(interval.high)],
            }
    return shares
