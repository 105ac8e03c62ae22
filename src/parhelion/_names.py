"""Short names for folders."""

import os
from collections.abc import Sequence
from pathlib import Path


def short_names(paths: Sequence[Path | str]) -> list[str]:
    """Return the last part of each path, or of each as many as tell all apart."""
    # A path such as "." or ".." has its name from where it leads; links keep theirs.
    parts = [Path(os.path.abspath(path)).parts for path in paths]
    places = set(parts)
    count = 1
    while len({place[-count:] for place in places}) < len(places):
        count += 1
    return [str(Path(*part[-count:])) for part in parts]


def short_name_of_each(paths: Sequence[Path | str]) -> list[str]:
    """Return the short name of each path, of which many may be the same."""
    places = list(dict.fromkeys(paths))
    names = dict(zip(places, short_names(places), strict=True))
    return [names[path] for path in paths]
