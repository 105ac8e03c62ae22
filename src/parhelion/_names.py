"""Short names for folders."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def short_names(paths: Sequence[Path | str]) -> list[str]:
    """Return the last part of each path, with the part before it where two would be alike."""
    parts = [Path(path).parts for path in paths]
    known = Counter(part[-1] for part in parts)
    return ["/".join(part[-1:] if known[part[-1]] == 1 else part[-2:]) for part in parts]


def short_name_of_each(paths: Sequence[Path | str]) -> list[str]:
    """Return the short name of each path, of which many may be the same."""
    places = list(dict.fromkeys(paths))
    names = dict(zip(places, short_names(places), strict=True))
    return [names[path] for path in paths]
